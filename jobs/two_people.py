"""The rule of two people: what can't be undone is asked for by one and approved by another who holds the same right.

Whether it is in force, and who could approve. It can't be where nobody else could: with a single administrator it says
so instead of blocking them. When the second one has gone, it stays in force for three days, so that nobody gets rid of
it by getting rid of somebody; nor does who took rights from somebody in that time. Not for requests themselves
(`approvals`) nor for who is no second person (`closeness`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption
from accounts.holdings import grants_in_force
from accounts.models import User
from accounts.optiontypes import OptionType
from accounts.permissions import Level, Right
from accounts.scopes import chain_of
from jobs.closeness import took_lately
from jobs.models import AdministratorsSeen, Approval

OPTION, HOURS = "TWO_PERSON_APPROVAL", "APPROVAL_HOURS"
STAYS_FOR = timedelta(days=3)
Basis = Approval.Basis


def define_options() -> None:
    group = gettext_lazy("Approvals")
    options.define(
        OPTION,
        OptionType.BOOL,
        levels=options.SERVER_ONLY,
        default=True,
        label=gettext_lazy("What can't be undone takes two people"),
        help=gettext_lazy("Purging, ending holds, shortening retention and the like wait for a second person."),
        group=group,
        restricted=True,
        guard=_guard,
    )
    options.define(
        HOURS,
        OptionType.INTEGER,
        levels=options.SERVER_ONLY,
        default=72,
        minimum=1,
        maximum=30 * 24,
        unit=gettext_lazy("hours"),
        label=gettext_lazy("Requests wait for at most"),
        help=gettext_lazy("What nobody decided by then is not done."),
        group=group,
        restricted=True,
    )


def is_switched_on() -> bool:
    return bool(options.value(OPTION))


def lifetime() -> timedelta:
    """How long a request waits for its answer."""
    return timedelta(hours=int(options.value(HOURS)))


def approvers(need: str, obj: object | None) -> list[User]:
    """Everybody who may decide about this object: active people who hold the right on it, by address."""
    chain = chain_of(obj)
    wanted = Right(need)
    there = Q(pk__in=[])
    for scope in chain:
        there |= Q(level=scope.level, object_id=scope.id)
    there |= Q(level=Level.BROKER)  # whose customers these are, only the rights themselves tell
    holders = grants_in_force().filter(there).select_related(None).order_by().values("user")
    candidates = User.objects.filter(Q(is_administrator=True) | Q(pk__in=holders), is_active=True)
    return [user for user in candidates.order_by("email") if Actor.for_user(user).has(wanted, obj)]


def others(need: str, obj: object | None, requester: User | None) -> list[User]:
    """Who could approve what this person asks for. Who asks at the shell may be any one of them, so it takes two."""
    found = approvers(need, obj)
    if requester is None:
        return found if len(found) > 1 else []
    return [user for user in found if user.pk != requester.pk]


def exception(need: str, obj: object | None, requester: User | None) -> Basis | None:
    """On what grounds this needs no second person now; None where it does."""
    if not is_switched_on():
        return Basis.RULE_OFF
    if others(need, obj, requester):
        return None
    return None if stays_until() is not None or took_lately(requester, STAYS_FOR) else Basis.NOBODY_ELSE


def needed(actor: Actor, need: str, obj: object | None) -> bool:
    """Whether what this actor does to this object waits for a second person now."""
    return exception(need, obj, actor.user) is None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the rule stands on the whole server, for pages: on, and whether enough people are there to keep it."""

    is_on: bool
    administrators: int
    stays_until: datetime | None

    @property
    def in_force(self) -> bool:
        return self.is_on and (self.administrators > 1 or self.stays_until is not None)


def standing() -> Standing:
    """How the rule stands now."""
    count = _administrators().count()
    return Standing(is_switched_on(), count, None if count > 1 else stays_until())


def stays_until() -> datetime | None:
    """Until when the rule stays although there is one administrator only; None when that is over, or was never else."""
    seen = AdministratorsSeen.objects.values_list("at", flat=True).first()
    until = None if seen is None else seen + STAYS_FOR
    return until if until is not None and until > timezone.now() else None


def note_administrators() -> None:
    """Keep that there are two who could agree (the clock calls this)."""
    if _administrators().count() > 1:
        with transaction.atomic():
            if not AdministratorsSeen.objects.update(at=timezone.now()):
                AdministratorsSeen.objects.create()


def _administrators() -> QuerySet[User]:
    return User.objects.filter(is_administrator=True, is_active=True)


def _guard(actor: Actor, value: object) -> None:
    """Switching the rule off is itself a thing for two. Raises: BadOption."""
    if not value and is_switched_on() and exception(Right.MANAGE_SERVER, None, actor.user) is None:
        raise BadOption(_("Switching this off takes two people: ask for it under “Approvals”."))
