"""Platforms: the SMTP servers a domain's mail goes to (relays), with their authentication and remediation settings.

Passwords and client secrets are taken and never answered: leaving one out keeps it, an empty text removes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from pydantic import BeforeValidator, ConfigDict, Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Body, Name, Port, left_out
from api.v1 import subjects
from domains.models import Domain, Relay
from domains.selectors.relays import get_relay, list_relays, list_relays_of
from domains.services import relays

NAMES = {
    "fallback_dest": "fallbackTransportDest",
    "fallback_type": "fallbackTransportType",
    "fallback_port": "fallbackTransportPort",
    "is_default": "default",
}
group = Group(
    "Platforms", "Where a domain's mail goes: SMTP server, fallback, authentication, remediation.", names=NAMES
)

Transport = Literal["SMTP", "SMTPS_ENCRYPT", "SMTPS_MAY"]
Auth = Literal["local", "imap", "ldap", "oidc", "entra"]
Api = Literal["IMAP", "EXCHANGE", "O365"]
Host = Annotated[str, Field(min_length=1, max_length=253, examples=["smtp.example.org"])]
Text = Annotated[str, Field(max_length=1_000)]


class AuthSettings(Body):
    """What the authentication provider needs. `bind_password` and `clientSecret` are never answered."""

    model_config = ConfigDict(alias_generator=None)

    host: Name | None = None
    port: Port | None = None
    bind_user: Text | None = None
    bind_password: Text | None = None
    use_ssl: bool | None = None
    base_dn: Text | None = None
    mail_attribute: Text | None = None
    cert_pem: Annotated[str, Field(max_length=20_000)] | None = None
    username_format: Text | None = None
    issuer_uri: Text | None = Field(None, alias="issuerUri")
    client_id: Text | None = Field(None, alias="clientId")
    client_secret: Text | None = Field(None, alias="clientSecret")
    name_attr: Text | None = Field(None, alias="nameAttr")
    scope: Text | None = None
    tenant_id: Text | None = Field(None, alias="tenantId")


class RemediationSettings(Body):
    """What is needed to reach the platform's API. `password` and `clientSecret` are never answered."""

    host: Name | None = None
    login: Text | None = None
    password: Text | None = None
    test_account: Text | None = None
    port: Port | None = None
    use_ssl: bool | None = None
    client_id: Text | None = None
    tenant_id: Text | None = None
    client_secret: Text | None = None


def _empty_is_nothing(value: object) -> object:
    """The manual's samples send "" for no settings."""
    return None if value == "" else value


Nothing = BeforeValidator(_empty_is_nothing)


class PlatformChange(Body):
    """Fields left out stay as they are."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = left_out()
    transport_dest: Host = left_out()
    transport_type: Transport = left_out()
    transport_port: Port = left_out()
    fallback_transport_dest: Host | None = None
    fallback_transport_type: Transport | None = None
    fallback_transport_port: Port | None = None
    username: Annotated[Text | None, Field(description="With which we sign in there; null for none.")] = None
    password: Annotated[Text | None, Field(description="Never answered; an empty text removes it.")] = None
    api_type: Api | None = None
    api_data: Annotated[RemediationSettings | None, Nothing] = None
    auth_type: Auth = left_out()
    auth_data: Annotated[AuthSettings | None, Nothing] = None
    default: Annotated[bool, Field(description="For who has no platform of their own, and unknown users.")] = left_out()


class PlatformAdd(PlatformChange):
    """Name, server, protocol and port are needed."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Main server"])]
    transport_dest: Host
    transport_type: Transport
    transport_port: Port


class PlatformAnswer(Answer):
    """A platform without its secrets."""

    id: int
    domain_id: int
    name: str
    transport_dest: str
    transport_type: Transport
    transport_port: int
    fallback_transport_dest: str | None
    fallback_transport_type: Transport | None
    fallback_transport_port: int | None
    username: str | None
    has_password: bool
    api_type: Api | None
    api_data: dict[str, Any] | None
    auth_type: Auth
    auth_data: dict[str, Any] | None
    default: bool


def present(relay: Relay) -> PlatformAnswer:
    found: dict[str, Any] = {
        "id": relay.pk,
        "domain_id": relay.domain_id,
        "name": relay.name,
        "transport_dest": relay.transport_dest,
        "transport_type": relay.transport_type,
        "transport_port": relay.transport_port,
        "fallback_transport_dest": relay.fallback_dest or None,
        "fallback_transport_type": relay.fallback_type or None,
        "fallback_transport_port": relay.fallback_port,
        "username": relay.username or None,
        "has_password": bool(relay.password),
        "api_type": relay.api_type or None,
        "api_data": relay.api_data or None,
        "auth_type": relay.auth_type,
        "auth_data": relay.auth_data or None,
        "default": relay.is_default,
    }
    return PlatformAnswer(**found)


def values_of(body: PlatformChange) -> dict[str, Any]:
    """What was sent, by the service's names."""
    inside = {outside: name for name, outside in NAMES.items()}
    sent = body.model_dump(by_alias=True, exclude_unset=True)
    plain = {name: value for name, value in body.changes().items() if name not in ("auth_data", "api_data")}
    values = {inside.get(_outside(name), name): value for name, value in plain.items()}
    return values | {
        name: sent[key] for name, key in (("auth_data", "authData"), ("api_data", "apiData")) if key in sent
    }


def _outside(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def platform(actor: Actor, platform_id: int) -> Relay:
    """`admit` of everything about one platform."""
    return get_relay(actor, platform_id)


def _present_all(actor: Actor, rows: Sequence[Relay]) -> list[PlatformAnswer]:
    return [present(row) for row in rows]


PLATFORMS = Listing(
    PlatformAnswer,
    _present_all,
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={
        "name": filters.text("name", "What it is called."),
        "domainId": filters.number("domain_id", "Its domain."),
        "transportDest": filters.text("transport_dest", "The server."),
    },
)


@group.list("/platforms", PLATFORMS)
def platforms_all(actor: Actor) -> QuerySet[Relay]:
    """List the platforms of all domains whose platforms one manages."""
    return list_relays(actor)


@group.get("/domains/{int:domainId}/platforms", admit=subjects.domain(Right.MANAGE_RELAYS))
def platform_list(actor: Actor, domain: Domain) -> list[PlatformAnswer]:
    """List a domain's platforms."""
    return [present(relay) for relay in list_relays_of(actor, domain)]


@group.post("/domains/{int:domainId}/platforms", admit=subjects.domain(Right.MANAGE_RELAYS))
def platform_create(actor: Actor, domain: Domain, body: PlatformAdd) -> Created[PlatformAnswer]:
    """Add a platform to a domain.

    The first one becomes the domain's default.
    """
    relay = relays.create_relay(actor, domain, values_of(body))
    return Created(present(relay), f"/platforms/{relay.pk}")


@group.get("/platforms/{int:platformId}", admit=platform)
def platform_detail(actor: Actor, relay: Relay) -> PlatformAnswer:
    """Read a platform."""
    return present(relay)


@group.patch("/platforms/{int:platformId}", admit=platform)
def platform_change(actor: Actor, relay: Relay, body: PlatformChange) -> None:
    """Change some fields of a platform.

    Whoever moves it to another server gives its passwords anew: a kept one never goes to another server.
    """
    relays.update_relay(actor, relay, values_of(body))


@group.delete("/platforms/{int:platformId}", admit=platform)
def platform_delete(actor: Actor, relay: Relay) -> None:
    """Remove a platform.

    409 while mailboxes have it, or while it is the default beside others.
    """
    relays.delete_relay(actor, relay)
