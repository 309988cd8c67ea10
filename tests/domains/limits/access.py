"""Who gets in where: quotas and throttles."""

from __future__ import annotations

from typing import Any

from accounts.permissions import Right
from domains.models import Domain
from tests.access import Cast, for_administrators, in_domain
from tests.domains.factories import make_mailbox_in

QUOTA: dict[str, Any] = {"mode": "limited", "amount": "5"}
THROTTLE: dict[str, Any] = {"period": "3600", "max_messages": "7"}
QUOTAS, THROTTLES = Right.MANAGE_QUOTAS, Right.MANAGE_THROTTLES


def of_domain(what: str) -> Any:
    return lambda cast, domain: (domain.pk, what)


def a_mailbox(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (make_mailbox_in(domain).pk,)


def of_mailbox(what: str) -> Any:
    return lambda cast, domain: (make_mailbox_in(domain).pk, what)


def at_server(what: str) -> Any:
    return lambda cast, owner: (what,)


def of_a_user(route: str, need: Right, what: str, **more: Any) -> Any:
    return in_domain(route, see=Right.VIEW_USERS, need=need, args=of_mailbox(what), **more)


ROWS = [
    for_administrators("domains:server-limits"),
    for_administrators("domains:server-quota", args=at_server("size")),
    for_administrators("domains:server-quota", 303, method="POST", args=at_server("size"), data=QUOTA),
    for_administrators("domains:server-throttle", args=at_server("inbound")),
    for_administrators("domains:server-throttle", 303, method="POST", args=at_server("inbound"), data=THROTTLE),
    for_administrators("domains:server-throttle-remove", 303, method="POST", args=at_server("inbound")),
    in_domain("domains:domain-limits"),
    in_domain("domains:domain-quota", need=QUOTAS, args=of_domain("size")),
    in_domain("domains:domain-quota", 303, method="POST", need=QUOTAS, args=of_domain("size"), data=QUOTA),
    in_domain("domains:domain-throttle", need=THROTTLES, args=of_domain("inbound")),
    in_domain("domains:domain-throttle", 303, method="POST", need=THROTTLES, args=of_domain("inbound"), data=THROTTLE),
    in_domain("domains:domain-throttle-remove", 303, method="POST", need=THROTTLES, args=of_domain("inbound")),
    in_domain("domains:user-throttles", see=Right.VIEW_USERS, args=a_mailbox),
    of_a_user("domains:user-throttle", THROTTLES, "outbound"),
    of_a_user("domains:user-throttle", THROTTLES, "outbound", answer=303, method="POST", data=THROTTLE),
    of_a_user("domains:user-throttle-remove", THROTTLES, "outbound", answer=303, method="POST"),
]
