"""What the accounts app can't know of us: which customers belong to a broker, what a domain lets its people do."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import User
from accounts.permissions import ALL_END_USER_RIGHTS, EndUserRight
from domains.models import Customer, Domain


def customers_of(brokers: Iterable[int]) -> dict[int, list[int]]:
    """{broker id: [customer id]} of these brokers."""
    found: dict[int, list[int]] = {}
    for broker, customer in Customer.objects.filter(broker_id__in=set(brokers)).values_list("broker_id", "pk"):
        if broker is not None:
            found.setdefault(broker, []).append(customer)
    return found


def end_user_rights(user: User) -> frozenset[EndUserRight]:
    """What the person's domain lets its people do; everything for who belongs to no domain."""
    if user.home_domain_id is None:
        return ALL_END_USER_RIGHTS
    names = Domain.objects.filter(pk=user.home_domain_id).values_list("end_user_rights", flat=True).first()
    if names is None:
        return ALL_END_USER_RIGHTS
    return frozenset(right for right in EndUserRight if right.value in names)
