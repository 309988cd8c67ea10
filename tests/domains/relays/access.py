"""Who gets in where: relays, DKIM keys and health."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Domain
from domains.services import dkim, relays
from tests.access import Cast, in_domain, somewhere

RELAY: dict[str, Any] = {
    "name": "main", "transport_dest": "127.0.0.1", "transport_type": "SMTP", "transport_port": 25, "auth_type": "local",
}  # fmt: skip


def a_relay(cast: Cast, domain: Domain) -> tuple[object, ...]:
    relays.create_relay(Actor.system(), domain, RELAY)
    return (relays.create_relay(Actor.system(), domain, RELAY | {"name": "spare"}).pk,)


def a_key(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (dkim.create_key(Actor.system(), domain, kind="ed25519").pk,)


MANAGE, DKIM = Right.MANAGE_RELAYS, Right.MANAGE_DKIM
ROWS = [
    somewhere("domains:relay-list", need=MANAGE),
    in_domain("domains:domain-relays", need=MANAGE),
    in_domain("domains:relay-create", need=MANAGE),
    in_domain("domains:relay-create", 303, method="POST", need=MANAGE, data=RELAY),
    in_domain("domains:relay-detail", need=MANAGE, args=a_relay),
    in_domain("domains:relay-edit", need=MANAGE, args=a_relay),
    in_domain("domains:relay-edit", 303, method="POST", need=MANAGE, args=a_relay, data=RELAY),
    in_domain("domains:relay-try", 303, method="POST", need=MANAGE, args=a_relay),
    in_domain("domains:relay-delete", 303, method="POST", need=MANAGE, args=a_relay),
    somewhere("domains:failure-list", need=Right.VIEW_DOMAINS),
    in_domain("domains:domain-health"),
    in_domain("domains:domain-check", 303, method="POST"),
    in_domain("domains:domain-dkim"),
    in_domain("domains:dkim-create", need=DKIM),
    in_domain("domains:dkim-create", 303, method="POST", need=DKIM, data={"kind": "ed25519"}),
    in_domain("domains:dkim-rotate", 303, method="POST", need=DKIM),
    in_domain("domains:dkim-activate", 303, method="POST", need=DKIM, args=a_key),
    in_domain("domains:dkim-retire", 303, method="POST", need=DKIM, args=a_key),
    in_domain("domains:dkim-delete", 303, method="POST", need=DKIM, args=a_key),
]
