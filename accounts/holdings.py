"""What a person was granted, as the rights on scopes that it comes to.

Grants on a broker are given on the broker and on each of its customers, which the app above tells (it registers how).
Not for changing grants: `services.grants`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Grant, User
from accounts.permissions import ALL_END_USER_RIGHTS, EndUserRight, Level, Right
from accounts.scopes import ScopeRef

CustomersOf = Callable[[Iterable[int]], dict[int, list[int]]]
EndUserRightsOf = Callable[[User], frozenset[EndUserRight]]
_customers_of: list[CustomersOf] = []
_end_user_rights_of: list[EndUserRightsOf] = []


@dataclass(frozen=True, slots=True)
class Held:
    """Rights on one scope. role_key: the built-in role they come from; needs_second_factor: an own role says so."""

    scope: ScopeRef
    rights: frozenset[Right]
    role_key: str = ""
    needs_second_factor: bool = False


def register_customers_of(find: CustomersOf) -> None:
    """The app that knows customers says which belong to which brokers: {broker id: [customer id]}."""
    _customers_of[:] = [find]


def register_end_user_rights(find: EndUserRightsOf) -> None:
    """The app that knows domains says what a domain's people may do with their own things."""
    _end_user_rights_of[:] = [find]


def end_user_rights(user: User) -> frozenset[EndUserRight]:
    """What this person may do with their own things: what their domain lets them, less what was taken from them."""
    allowed = _end_user_rights_of[0](user) if _end_user_rights_of else ALL_END_USER_RIGHTS
    return allowed - {EndUserRight(each) for each in user.denied_rights}


def of(user: User) -> tuple[Held, ...]:
    """Everything this person holds by grants in force (not the flag of a system administrator)."""
    return from_grants(grants_in_force().filter(user=user))


def grants_in_force() -> QuerySet[Grant]:
    """Grants that count now, with their roles."""
    return Grant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now())).select_related("role")


def from_grants(grants: Iterable[Grant]) -> tuple[Held, ...]:
    """The rights on scopes that these grants come to."""
    held = [
        Held(grant.scope, grant.all_rights(), grant.role_key, grant.role is not None and grant.role.needs_second_factor)
        for grant in grants
    ]
    brokers = [each for each in held if each.scope.level == Level.BROKER]
    if brokers and _customers_of:
        below = _customers_of[0]({each.scope.id for each in brokers})
        held += [
            replace(each, scope=ScopeRef(Level.CUSTOMER, customer))
            for each in brokers
            for customer in below.get(each.scope.id, [])
        ]
    return tuple(held)
