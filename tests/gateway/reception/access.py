"""Who gets in where: IP lists, the router table, certificates."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.models import User
from gateway.models import Certificate
from gateway.services import ip_lists, routes
from tests.access import Cast, Row
from tests.gateway.reception.pems import PEM_CHAIN, PEM_KEY

IP: dict[str, Any] = {"network": "192.0.2.7", "list": "denied"}
ROUTE: dict[str, Any] = {"pattern": "*@old.example.org", "kind": "rewrite", "target": "*@new.example.org"}
CERTIFICATE: dict[str, Any] = {"name": "mx", "chain": PEM_CHAIN, "private_key": PEM_KEY}


def an_ip(cast: Cast, owner: User) -> tuple[object, ...]:
    return (ip_lists.add_ip(Actor.system(), list="denied", network="192.0.2.9").pk,)


def a_route(cast: Cast, owner: User) -> tuple[object, ...]:
    return (routes.create_route(Actor.system(), ROUTE).pk,)


def a_certificate(cast: Cast, owner: User) -> tuple[object, ...]:
    number = Certificate.objects.count()
    return (Certificate.objects.create(name=f"Certificate {number}", private_key="-").pk,)


def only_administrators(route: str, answer: int = 200, **more: Any) -> Row:
    """What there is is the server's: others learn that they may not, and of one thing nothing at all."""
    refused = 404 if "args" in more else 403
    return Row(route, own=refused, foreign=refused, administrator=answer, **more)


ROWS = [
    only_administrators("gateway:ip-list"),
    only_administrators("gateway:ip-add"),
    only_administrators("gateway:ip-add", 303, method="POST", data=IP),
    only_administrators("gateway:ip-check"),
    only_administrators("gateway:ip-edit", args=an_ip),
    only_administrators("gateway:ip-edit", 303, method="POST", args=an_ip, data=IP),
    only_administrators("gateway:ip-remove", 303, method="POST", args=an_ip),
    only_administrators("gateway:route-list"),
    only_administrators("gateway:route-create"),
    only_administrators("gateway:route-create", 303, method="POST", data=ROUTE),
    only_administrators("gateway:route-check"),
    only_administrators("gateway:route-edit", args=a_route),
    only_administrators("gateway:route-edit", 303, method="POST", args=a_route, data=ROUTE),
    only_administrators("gateway:route-delete", 303, method="POST", args=a_route),
    only_administrators("gateway:certificate-list"),
    only_administrators("gateway:certificate-create"),
    only_administrators("gateway:certificate-create", 303, method="POST", data=CERTIFICATE),
    only_administrators("gateway:certificate-edit", args=a_certificate),
    only_administrators("gateway:certificate-edit", 303, method="POST", args=a_certificate, data=CERTIFICATE),
    only_administrators("gateway:certificate-delete", 303, method="POST", args=a_certificate),
]
