"""People leave for good, many at once: a domain that is purged takes its people's accounts with it.

Whoever administers something elsewhere stays, without a home. Whoever something that can't go names (an opened archive)
becomes a row without an address, so that the evidence still names a person. For the app that knows domains; rights were
asked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import PROTECT, RESTRICT, CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Concat, NullIf

from accounts import holdings
from accounts.models import (
    ApiToken,
    AppPassword,
    AuthenticatorApp,
    FormerPassword,
    Grant,
    Identity,
    OneTimeLink,
    OptionValue,
    Passkey,
    Preference,
    RecoveryCode,
    Session,
    TrustedDevice,
    User,
)
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from accounts.services import other_secrets

BATCH = 2_000


@dataclass
class Departure:
    """How many accounts went or became a name only, and who stays (their addresses)."""

    removed: int = 0
    names_only: int = 0
    staying: list[str] = field(default_factory=list)


def staying(people: QuerySet[User], purged: ScopeRef) -> QuerySet[User]:
    """Those of these who keep their account: system administrators, and who holds something beyond what goes."""
    # Looked at one by one here: as one query it reads all people once for every grant.
    held = holdings.grants_in_force().filter(user__in=people.order_by().values("pk"))
    held = held.exclude(level=purged.level, object_id=purged.id).select_related(None)
    scopes = list(held.values_list("user_id", "level", "object_id"))
    on_people = {key for _user, level, key in scopes if level == Level.USER}
    leaving = set(people.filter(pk__in=on_people).values_list("pk", flat=True)) if on_people else set()
    stay = {user for user, level, key in scopes if level != Level.USER or key not in leaving}
    return people.filter(Q(is_administrator=True) | Q(pk__in=stay))


def leave_many(people: QuerySet[User], purged: ScopeRef) -> Departure:
    """Take the accounts of these people away, because this scope is purged. Call it inside a transaction."""
    found = Departure()
    ids = list(people.order_by("pk").values_list("pk", flat=True))
    kept = dict(staying(people, purged).values_list("pk", "email"))
    found.staying = sorted(kept.values())
    User.objects.filter(pk__in=kept).update(home_domain_id=None, home_customer_id=None, version=F("version") + 1)
    for batch in _batches([key for key in ids if key not in kept]):
        Grant.objects.filter(level=Level.USER, object_id__in=batch).delete()
        OptionValue.objects.filter(level=Level.USER, object_id__in=batch).delete()
        named = _named_by_evidence(batch)
        _make_names(named)
        gone = [key for key in batch if key not in named]
        User.objects.filter(pk__in=gone).delete()
        found.names_only += len(named)
        found.removed += len(gone)
    return found


def _named_by_evidence(ids: Sequence[int]) -> set[int]:
    """The people whom a row names that may not lose them."""
    named: set[int] = set()
    for relation in User._meta.related_objects:
        if relation.on_delete in (PROTECT, RESTRICT):
            rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": ids})
            named.update(rows.values_list(relation.field.attname, flat=True))
    return named


def _make_names(ids: Iterable[int]) -> None:
    """Keep only what evidence shows of a person: the name, or the address they had."""
    ids = list(ids)
    factors = (AuthenticatorApp, Passkey, RecoveryCode, TrustedDevice)
    opened = (ApiToken, AppPassword, FormerPassword, Identity, OneTimeLink, Session, *factors)
    for model in (Grant, Preference, *opened):
        model._base_manager.filter(user_id__in=ids).delete()
    other_secrets.drop(ids)
    User.objects.filter(pk__in=ids).update(
        name=Coalesce(NullIf(F("name"), Value("")), F("email")),
        email=Concat(Value("gone-"), Cast("pk", CharField()), Value("@gone.invalid")),
        password="!",  # noqa: S106  # no password matches it
        is_active=False,
        second_factor_at=None,
        home_domain_id=None,
        home_customer_id=None,
        version=F("version") + 1,
    )


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
