"""Quotas of size and count at the server, a domain and a mailbox, with what counts and how full it is.

As James has them: null inherits, −1 is unlimited, `computed` is the most specific that is set.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.operations import Group
from api.schemas import Answer, Body
from api.v1 import subjects
from domains.models import Domain, Mailbox, ServerQuota
from domains.services import quotas

group = Group("Quotas", "How large mailboxes may be: null inherits, −1 is unlimited, the most specific one counts.")

Bytes = Annotated[int, Field(ge=-1, le=quotas.LARGEST, description="Bytes; −1 is unlimited, null inherits.")]
Number = Annotated[int, Field(ge=-1, le=quotas.LARGEST, description="A number; −1 is unlimited, null inherits.")]


class Level(Answer):
    """One kind of quota: what each level says, what counts and from where, and how much is used."""

    server: int | None
    domain: int | None
    user: int | None
    computed: int
    source: Annotated[str | None, Field(description="server, domain or user; null where nobody sets one.")]
    used: int
    ratio: Annotated[float | None, Field(description="Used of allowed; null where nothing limits.")]


class UserQuota(Answer):
    """The quotas of a mailbox: bytes kept, messages kept, bytes of Sieve scripts."""

    size: Level
    count: Level
    sieve: Level


class DomainQuota(Answer):
    """What a mailbox of the domain gets that has none of its own."""

    size: Level
    count: Level


class ServerQuotaAnswer(Answer):
    """What counts where neither a mailbox nor its domain says otherwise."""

    size: int | None
    count: int | None
    sieve: int | None


class QuotaChange(Body):
    """What to set; fields left out stay, null inherits."""

    size: Bytes | None = None
    count: Number | None = None


class SieveQuotaChange(QuotaChange):
    """The same, and the Sieve quota."""

    sieve: Bytes | None = None


_FIELDS = {"size": "quota_bytes", "count": "quota_messages", "sieve": "sieve_quota_bytes"}
group.names = {inside: outside for outside, inside in _FIELDS.items()}


def _values(body: QuotaChange) -> dict[str, int | None]:
    return {_FIELDS[name]: value for name, value in body.changes().items()}


def _level(quota: quotas.Quota) -> Level:
    return Level(
        server=quota.server,
        domain=quota.domain,
        user=quota.mailbox,
        computed=quota.computed.value,
        source={"mailbox": "user", "": None}.get(quota.computed.source, quota.computed.source),
        used=quota.used,
        ratio=quota.ratio,
    )


@group.get("/server/quota", admit=subjects.server(Right.MANAGE_QUOTAS))
def server_quota(actor: Actor) -> ServerQuotaAnswer:
    """Read the server's quotas."""
    row: ServerQuota = quotas.server_quota()
    return ServerQuotaAnswer(size=row.quota_bytes, count=row.quota_messages, sieve=row.sieve_quota_bytes)


@group.patch("/server/quota", admit=subjects.server(Right.MANAGE_QUOTAS))
def server_quota_change(actor: Actor, body: SieveQuotaChange) -> None:
    """Set the server's quotas."""
    quotas.set_server_quota(actor, _values(body))


@group.get("/domains/{int:domainId}/quota", admit=subjects.domain())
def domain_quota(actor: Actor, domain: Domain) -> DomainQuota:
    """Read the quotas of a domain's mailboxes."""
    found = quotas.of_domain(domain)
    return DomainQuota(size=_level(found["size"]), count=_level(found["count"]))


@group.patch("/domains/{int:domainId}/quota", admit=subjects.domain(Right.MANAGE_QUOTAS))
def domain_quota_change(actor: Actor, domain: Domain, body: QuotaChange) -> None:
    """Set the quotas of a domain's mailboxes that have none of their own."""
    quotas.set_domain_quota(actor, domain, _values(body))


@group.get("/users/{int:userId}/quota", admit=subjects.mailbox(own=True))
def user_quota(actor: Actor, mailbox: Mailbox) -> UserQuota:
    """Read a mailbox's quotas, what counts and how full it is."""
    found = quotas.of_mailbox(mailbox)
    return UserQuota(size=_level(found["size"]), count=_level(found["count"]), sieve=_level(found["sieve"]))


@group.patch("/users/{int:userId}/quota", admit=subjects.mailbox(Right.MANAGE_QUOTAS))
def user_quota_change(actor: Actor, mailbox: Mailbox, body: SieveQuotaChange) -> None:
    """Set a mailbox's own quotas."""
    quotas.set_mailbox_quota(actor, mailbox, _values(body))
