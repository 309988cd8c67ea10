"""Of whom a second factor is demanded, and until when they have time: read from options and roles.

SECOND_FACTOR says it of everybody, or of who administers anything, on the server, a customer, a domain or one person;
the strictest of all that somebody lies in counts, and for administrators also of what they administer, so that nobody
below loosens what somebody above wants. SECOND_FACTOR_ROLES and a role's own mark say it of who holds a role. The days
of grace run from the first page or sign-in after it was demanded; who then still has none gets only the pages on which
one is set up, and no program gets in with their password. Their tokens keep working: they are proofs of their own.

Where a server administrator let an identity provider's second factor count, a session that began with one there meets
the demand for itself alone: what its token said is kept with the session and compared anew with what counts now. It
doesn't where somebody was told to set up one of their own (`second_factor_wanted`).

Not for setting factors up (`services.second_factors`), nor for the doors themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts import factors, holdings, options, places
from accounts.models import OptionValue, Session, Source, User
from accounts.permissions import SYSTEM_ADMINISTRATOR, Level
from accounts.scopes import ScopeRef, chain_of

WHO, ROLES, DAYS = "SECOND_FACTOR", "SECOND_FACTOR_ROLES", "SECOND_FACTOR_DAYS"
NAMES = [WHO, ROLES, DAYS]
Held = tuple[holdings.Held, ...]
NOBODY, ADMINISTRATORS, EVERYBODY = "optional", "administrators", "everybody"


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with somebody: whether one is demanded that they lack, and until when they have time."""

    is_demanded: bool = False
    due_at: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= timezone.now()


FREE = Standing()


def standing_of(
    user: User,
    held: Held | None = None,
    *,
    lying: Iterable[OptionValue] | None = None,
    session: Session | None = None,
) -> Standing:
    """How it stands with somebody now. Who has a factor costs no query.

    held: what they hold, lying: the values of NAMES that are set where they lie, each where it is known already.
    session: the browser's that asks, of which a provider may have said that they showed one there. When one is demanded
    for the first time is remembered here, since their days run from then on.
    """
    if factors.has_second_factor(user):
        return FREE
    if user.second_factor_wanted:
        return Standing(True, user.created_at)
    days = _demand(user, held, lying)
    if days is None:
        if user.second_factor_asked_at is not None:
            _ask(user, None)
        return FREE
    if session is not None and is_met_by(session):
        return FREE
    if user.second_factor_asked_at is None:
        _ask(user, timezone.now())
    assert user.second_factor_asked_at is not None
    return Standing(True, user.second_factor_asked_at + timedelta(days=days))


def is_met_by(session: Session) -> bool:
    """Whether an identity provider said of this session that its person showed a second factor that counts here."""
    if not session.said or session.source_id is None:
        return False
    source = Source.objects.filter(pk=session.source_id).first()
    return source is not None and source.meets_demand(session.said)


def is_demanded(user: User) -> bool:
    """Whether somebody must have a second factor, whether they have one or not."""
    return user.second_factor_wanted or _demand(user) is not None


def _ask(user: User, at: datetime | None) -> None:
    User.objects.filter(pk=user.pk).update(second_factor_asked_at=at)
    user.second_factor_asked_at = at


def _demand(user: User, held: Held | None = None, lying: Iterable[OptionValue] | None = None) -> int | None:
    """The days of grace where one is demanded; None where it isn't."""
    if user.is_administrator:
        held = ()
    elif held is None:
        held = holdings.of(user)
    own = set(chain_of(user))
    if lying is None or held:
        lying = OptionValue.objects.filter(_lying_in(own, administers=bool(held)), name__in=NAMES)
    rows = [row for row in lying if row.name in NAMES]
    around = set(own)
    if any(row.scope not in own for row in rows):
        for each in held:
            around |= set(places.chain(each.scope))
    in_force = [row for row in rows if row.scope in around]
    if not _is_demanded(user, held, in_force):
        return None
    days = [int(row.value) for row in in_force if row.name == DAYS]
    if not any(row.name == DAYS and row.level == Level.SERVER for row in in_force):
        days.append(int(options.get(DAYS).default))  # nobody below gives more time than the server
    return min(days)


def _is_demanded(user: User, held: Held, rows: list[OptionValue]) -> bool:
    administers = user.is_administrator or bool(held)
    who = {row.value for row in rows if row.name == WHO}
    if EVERYBODY in who or (ADMINISTRATORS in who and administers):
        return True
    roles = {role for row in rows if row.name == ROLES for role in row.value}
    if user.is_administrator and SYSTEM_ADMINISTRATOR in roles:
        return True
    return any(each.needs_second_factor or each.role_key in roles for each in held)


def _lying_in(own: set[ScopeRef], *, administers: bool) -> Q:
    """What is set where somebody lies; for who administers something, what is set on any place: they are few."""
    where = ~Q(level=Level.USER) if administers else Q(pk__in=[])
    for scope in own:
        where |= Q(level=scope.level, object_id=scope.id)
    return where
