"""How mail comes in: IP lists, the router table, certificates. For who manages the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import Base64Bytes, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group, holding
from api.schemas import Answer, Body, Moment, left_out
from gateway.models import Certificate, IpEntry, RouterRule
from gateway.selectors import reception
from gateway.services import certificates, ip_lists, routes

group = Group("Gateway", "Who may connect, where addresses go, and which certificates are shown.")
_gateway = holding(Right.MANAGE_GATEWAY)
IpListName = Literal["client", "denied", "blacklisted", "blocked", "white_hole"]
RouteKind = Literal["rewrite", "relay", "refuse", "discard", "journal"]
Comment = Annotated[str, Field(max_length=200)]
Pkcs12 = Annotated[Base64Bytes, Field(max_length=certificates.LARGEST_BYTES)]


class IpBody(Body):
    """An address or network on a list; until: when it goes by itself."""

    list: IpListName
    network: Annotated[str, Field(min_length=1, max_length=60, examples=["192.0.2.0/24"])]
    comment: Comment = ""
    until: datetime | None = None


class IpReplaceBody(Body):
    """All that a list holds for good."""

    addresses: Annotated[list[str], Field(max_length=ip_lists.MOST_AT_ONCE, examples=[["192.0.2.7", "2001:db8::/32"]])]


class IpBlockBody(Body):
    """seconds: how long; nothing: for good; 0 takes it off."""

    address: Annotated[str, Field(min_length=1, max_length=60, examples=["192.0.2.7"])]
    seconds: Annotated[int | None, Field(ge=0, le=ip_lists.LONGEST_S)] = None
    comment: Comment = ""


class IpAnswer(Answer):
    """A line of an IP list."""

    id: int
    list: IpListName
    network: str
    comment: str
    until: Moment | None
    added: Moment


class IpCount(Answer):
    """How many lines the list has now for good."""

    count: int


class IpState(Answer):
    """What an address is now, and the lines that say so, the one that counts first."""

    address: str
    state: Literal["", "client", "denied", "blacklisted", "blocked", "white_hole"]
    lines: list[IpAnswer]


class RouteBody(Body):
    """A line of the router table; it is added at the end."""

    pattern: Annotated[str, Field(min_length=1, max_length=320, examples=["*@old.example.org"])]
    kind: RouteKind
    target: Annotated[str, Field(max_length=320, examples=["*@example.org"])] = ""
    comment: Comment = ""
    is_enabled: bool = True


class RouteChange(Body):
    """What is left out stays as it is. position: its place in the table, from 1."""

    pattern: Annotated[str, Field(min_length=1, max_length=320)] = left_out()
    kind: RouteKind = left_out()
    target: Annotated[str, Field(max_length=320)] = left_out()
    comment: Comment = left_out()
    is_enabled: bool = left_out()
    position: Annotated[int, Field(ge=1, le=routes.MOST_RULES)] = left_out()


class RouteAnswer(Answer):
    """A line of the router table."""

    id: int
    position: int
    pattern: str
    kind: RouteKind
    target: str
    comment: str
    is_enabled: bool


class WayAnswer(Answer):
    """A final recipient; relay_id, or via (host:port), says through what; neither: the servers its domain names."""

    address: str
    relay_id: int | None
    via: str


class AddressWayAnswer(Answer):
    """Where an address would go. lines: of the router table that spoke. refusal: what the sender would hear."""

    asked: str
    address: str
    via: str
    lines: list[RouteAnswer]
    is_discarded: bool
    refusal: str
    ways: list[WayAnswer]


class CertificateBody(Body):
    """Chain and key in PEM, or their files on the server."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["mx.example.org"])]
    chain: Annotated[str, Field(max_length=certificates.LARGEST_BYTES)] = ""
    private_key: Annotated[str, Field(max_length=certificates.LARGEST_BYTES)] = ""
    chain_path: Annotated[str, Field(max_length=500)] = ""
    key_path: Annotated[str, Field(max_length=500)] = ""
    pkcs12: Annotated[Pkcs12 | None, Field(description="A PKCS#12 file in base64, instead of chain and key.")] = None
    password: Annotated[str, Field(max_length=500, description="Of the PKCS#12 file; it is not kept.")] = ""
    is_default: bool = False
    is_web: Annotated[bool, Field(description="Whether the pages show it.")] = False


class CertificateChange(Body):
    """What is left out stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = left_out()
    chain: Annotated[str, Field(max_length=certificates.LARGEST_BYTES)] = left_out()
    private_key: Annotated[str, Field(max_length=certificates.LARGEST_BYTES)] = left_out()
    chain_path: Annotated[str, Field(max_length=500)] = left_out()
    key_path: Annotated[str, Field(max_length=500)] = left_out()
    pkcs12: Pkcs12 = left_out()
    password: Annotated[str, Field(max_length=500)] = left_out()
    is_default: bool = left_out()
    is_web: bool = left_out()


class MailCertificateAnswer(Answer):
    """A certificate without its key."""

    id: int
    name: str
    is_default: bool
    is_web: bool
    hosts: list[str]
    issuer: str
    sha256: str
    not_before: Moment | None
    not_after: Moment | None
    chain_path: str
    key_path: str
    problem: str


def _ip(row: IpEntry) -> IpAnswer:
    return IpAnswer(
        id=row.pk, list=row.list, network=row.shown, comment=row.comment, until=row.expires_at, added=row.created_at  # type: ignore[arg-type]
    )  # fmt: skip


def _ips(actor: Actor, rows: Sequence[IpEntry]) -> list[IpAnswer]:
    return [_ip(row) for row in rows]


def _route(row: RouterRule) -> RouteAnswer:
    names = ("position", "pattern", "kind", "target", "comment", "is_enabled")
    return RouteAnswer(id=row.pk, **{name: getattr(row, name) for name in names})


def _certificate(row: Certificate) -> MailCertificateAnswer:
    names = (
        "name",
        "is_default",
        "is_web",
        "hosts",
        "issuer",
        "not_before",
        "not_after",
        "chain_path",
        "key_path",
        "problem",
    )
    return MailCertificateAnswer(id=row.pk, sha256=row.fingerprint, **{name: getattr(row, name) for name in names})


def ip_entry(actor: Actor, ip_id: int) -> IpEntry:
    """`admit` of one line."""
    return reception.get_ip(actor, ip_id)


def route(actor: Actor, route_id: int) -> RouterRule:
    """`admit` of one line."""
    return reception.get_route(actor, route_id)


def certificate(actor: Actor, certificate_id: int) -> Certificate:
    """`admit` of one certificate."""
    return reception.get_certificate(actor, certificate_id)


def _managing(actor: Actor, **_path: Any) -> None:
    actor.require(Right.MANAGE_GATEWAY)


IPS = Listing(
    IpAnswer,
    _ips,
    sorts={"network": "network"},
    default="network",
    filters={"list": filters.choice("list", "The list.", {value: value for value in IpEntry.List.values})},
)


@group.list("/gateway/ips", IPS)
def gateway_ips(actor: Actor) -> QuerySet[IpEntry]:
    """List the addresses and networks on the IP lists."""
    return reception.list_ips(actor)


@group.post("/gateway/ips", admit=_gateway)
def gateway_ip_add(actor: Actor, body: IpBody) -> Created[IpAnswer]:
    """Put an address or network on a list; one that is on it gets the new comment and end."""
    row = ip_lists.add_ip(actor, list=body.list, network=body.network, comment=body.comment, expires_at=body.until)
    return Created(_ip(row), f"/gateway/ips/{row.pk}")


@group.get("/gateway/ips/{int:ipId}", admit=ip_entry)
def gateway_ip(actor: Actor, entry: IpEntry) -> IpAnswer:
    """Read a line of an IP list."""
    return _ip(entry)


@group.delete("/gateway/ips/{int:ipId}", admit=ip_entry)
def gateway_ip_remove(actor: Actor, entry: IpEntry) -> None:
    """Take an address or network off its list."""
    ip_lists.remove_ip(actor, entry)


@group.put("/gateway/ip-lists/{list}", admit=_managing)
def gateway_ip_replace(actor: Actor, list: IpListName, body: IpReplaceBody) -> IpCount:
    """Replace what a list holds for good; what is there only for a while stays."""
    return IpCount(count=ip_lists.replace_ips(actor, list=list, networks=body.addresses))


@group.post("/gateway/ip-blocks", admit=_gateway, status=204)
def gateway_ip_block(actor: Actor, body: IpBlockBody) -> None:
    """Block an address for some seconds, for good, or no more."""
    ip_lists.block_ip(actor, address=body.address, seconds=body.seconds, comment=body.comment)


class IpStateQuery(Body):
    """Which address."""

    address: Annotated[str, Field(min_length=1, max_length=60, examples=["192.0.2.7"])]


@group.get("/gateway/ip-state", admit=_gateway)
def gateway_ip_state(actor: Actor, query: IpStateQuery) -> IpState:
    """Say what an IP address is now: ours, blocked, on no list."""
    lines = ip_lists.state_of(actor, query.address)
    rows = IpEntry.objects.in_bulk([line.number for line in lines])
    found = [_ip(rows[line.number]) for line in lines if line.number in rows]
    return IpState(address=query.address, state=found[0].list if found else "", lines=found)


@group.get("/gateway/routes", admit=_gateway)
def gateway_routes(actor: Actor) -> list[RouteAnswer]:
    """Read the router table in its order."""
    return [_route(row) for row in reception.list_routes(actor)]


@group.post("/gateway/routes", admit=_gateway)
def gateway_route_add(actor: Actor, body: RouteBody) -> Created[RouteAnswer]:
    """Add a line at the end of the router table."""
    row = routes.create_route(actor, body.model_dump())
    return Created(_route(row), f"/gateway/routes/{row.pk}")


@group.get("/gateway/routes/{int:routeId}", admit=route)
def gateway_route(actor: Actor, rule: RouterRule) -> RouteAnswer:
    """Read a line of the router table."""
    return _route(rule)


@group.patch("/gateway/routes/{int:routeId}", admit=route)
def gateway_route_change(actor: Actor, rule: RouterRule, body: RouteChange) -> None:
    """Change some fields of a line, or its place."""
    given = body.model_dump(exclude_unset=True)
    position = given.pop("position", None)
    if given:
        routes.update_route(actor, rule, given)
    if position is not None:
        routes.move_route(actor, rule, position=position)


@group.delete("/gateway/routes/{int:routeId}", admit=route)
def gateway_route_delete(actor: Actor, rule: RouterRule) -> None:
    """Delete a line of the router table."""
    routes.delete_route(actor, rule)


class DestinationQuery(Body):
    """Which address, and who writes to it."""

    address: Annotated[str, Field(min_length=1, max_length=320, examples=["ada@example.org"])]
    sender: Annotated[str, Field(max_length=320, examples=["bob@example.net"])] = ""


@group.get("/gateway/destination", admit=_gateway)
def gateway_destination(actor: Actor, query: DestinationQuery) -> AddressWayAnswer:
    """Say where mail for an address would go: through the router table, then the directory."""
    found = routes.where_would_it_go(actor, query.address, query.sender)
    ways = found.resolved.routes[:1000] if found.resolved is not None else ()
    refusal = found.refusal
    return AddressWayAnswer(
        asked=found.asked,
        address=found.address,
        via=found.via,
        lines=[_route(row) for row in found.lines],
        is_discarded=found.is_discarded,
        refusal="" if refusal is None else f"{refusal.code} {refusal.enhanced} {refusal.text}",
        ways=[WayAnswer(address=way.address, relay_id=way.relay_id, via=way.transport) for way in ways],
    )


@group.get("/gateway/certificates", admit=_gateway)
def gateway_certificates(actor: Actor) -> list[MailCertificateAnswer]:
    """List the certificates, without their keys."""
    return [_certificate(row) for row in reception.list_certificates(actor)]


@group.post("/gateway/certificates", admit=_gateway)
def gateway_certificate_add(actor: Actor, body: CertificateBody) -> Created[MailCertificateAnswer]:
    """Add a certificate: pasted, or by its files on the server."""
    row = certificates.save_certificate(actor, None, body.model_dump())
    return Created(_certificate(row), f"/gateway/certificates/{row.pk}")


@group.get("/gateway/certificates/{int:certificateId}", admit=certificate)
def gateway_certificate(actor: Actor, row: Certificate) -> MailCertificateAnswer:
    """Read what a certificate says."""
    return _certificate(row)


@group.patch("/gateway/certificates/{int:certificateId}", admit=certificate)
def gateway_certificate_change(actor: Actor, row: Certificate, body: CertificateChange) -> None:
    """Change a certificate; a new chain without a key keeps the key."""
    certificates.save_certificate(actor, row, body.model_dump(exclude_unset=True))


@group.delete("/gateway/certificates/{int:certificateId}", admit=certificate)
def gateway_certificate_delete(actor: Actor, row: Certificate) -> None:
    """Delete a certificate."""
    certificates.delete_certificate(actor, row)
