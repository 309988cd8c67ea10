"""DKIM keys of a domain. Private halves are taken and never answered."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api.errors import NotFound
from api.operations import Created, Group
from api.schemas import Answer, Body, Moment
from api.v1 import subjects
from domains.dkim_keys import KeyKind
from domains.models import DkimKey, Domain
from domains.services import dkim

group = Group("DKIM", "The keys that sign a domain's mail, and the DNS records to publish for them.")


class DkimBody(Body):
    """A key to bring along, or what to make. Without anything RSA 2048 is made, under a selector of the month."""

    private_key: Annotated[str, Field(max_length=20_000, description="PEM; PKCS #1 or #8.")] | None = None
    public_key: Annotated[str, Field(max_length=20_000, description="Taken from the private key; not read.")] | None = (
        None
    )
    selector: Annotated[str, Field(max_length=63, examples=["pk202611"])] | None = None
    kind: Annotated[KeyKind, Field(description="What to make where no private key is given.")] | None = None


class DnsRecord(Answer):
    name: str
    text: str
    zone: Annotated[str, Field(description="A line for a zone file.")]


class DkimKeyAnswer(Answer):
    """A key without its private half."""

    id: int
    selector: str
    algorithm: str
    state: DkimKey.State
    public_key: str
    records: list[DnsRecord]
    created_at: Moment
    activated_at: Moment | None
    retired_at: Moment | None


def _key(actor: Actor, domain_id: int, key_id: int) -> DkimKey:
    domain = subjects.domain(Right.MANAGE_DKIM)(actor, domain_id)
    found = domain.dkim_keys.select_related("domain").filter(pk=key_id).first()
    if found is None:
        raise NotFound()
    return found


def _present(key: DkimKey, names: list[str]) -> DkimKeyAnswer:
    return DkimKeyAnswer(
        id=key.pk,
        selector=key.selector,
        algorithm=key.algorithm,
        state=DkimKey.State(key.state),
        public_key=key.public_key,
        records=[DnsRecord(name=each.name, text=each.text, zone=each.zone) for each in dkim.records_of(key, names)],
        created_at=key.created_at,
        activated_at=key.activated_at,
        retired_at=key.retired_at,
    )


def _names(domain: Domain) -> list[str]:
    return list(domain.names.order_by("is_alias", "name").values_list("name", flat=True))


def _lines(domain: Domain) -> list[str]:
    """The records as the manual writes them, of the keys that aren't retired."""
    names = _names(domain)
    keys = [key for key in domain.dkim_keys.all() if key.state != DkimKey.State.RETIRED]
    return [f"{record.name} TXT {record.text}" for key in keys for record in dkim.records_of(key, names)]


def _make(actor: Actor, domain: Domain, body: DkimBody | None) -> DkimKey:
    body = body or DkimBody()
    return dkim.create_key(
        actor,
        domain,
        selector=body.selector or "",
        kind=body.kind or KeyKind.RSA_2048,
        private_key=body.private_key or "",
        activate=not domain.dkim_keys.filter(state=DkimKey.State.ACTIVE).exists(),
    )


@group.post("/domains/{int:domainId}/dkim", admit=subjects.domain(Right.MANAGE_DKIM))
def dkim_create(actor: Actor, domain: Domain, body: DkimBody | None) -> Created[list[str]]:
    """Make a DKIM key, or bring one along.

    Answers all DNS records of the domain's keys. The first key signs at once; another waits, to be published and then
    put to work.
    """
    _make(actor, domain, body)
    return Created(_lines(domain), f"/domains/{domain.pk}/dkim")


@group.put("/domains/{int:domainId}/dkim", admit=subjects.domain(Right.MANAGE_DKIM))
def dkim_replace(actor: Actor, domain: Domain, body: DkimBody | None) -> list[str]:
    """Replace the key that signs.

    A new key is made or brought along and signs at once, alone; those before are retired, and their records should stay
    published for a week.
    """
    key = _make(actor, domain, body)
    dkim.activate_key(actor, key, alone=True)
    return _lines(domain)


@group.get("/domains/{int:domainId}/dkim", admit=subjects.domain())
def dkim_records(actor: Actor, domain: Domain) -> list[str]:
    """Read a domain's DKIM records.

    For each key that isn't retired, under each name of the domain; 404 where there is no key.
    """
    found = _lines(domain)
    if not found:
        raise NotFound()
    return found


@group.delete("/domains/{int:domainId}/dkim", admit=subjects.domain(Right.MANAGE_DKIM))
def dkim_delete(actor: Actor, domain: Domain) -> None:
    """Forget all DKIM keys of a domain, also the one that signs."""
    if not dkim.delete_all_keys(actor, domain):
        raise NotFound()


@group.get("/domains/{int:domainId}/dkim/keys", admit=subjects.domain())
def dkim_keys(actor: Actor, domain: Domain) -> list[DkimKeyAnswer]:
    """List a domain's keys, with their state and the records to publish."""
    names = _names(domain)
    return [_present(key, names) for key in domain.dkim_keys.all()]


@group.post("/domains/{int:domainId}/dkim/rotation", admit=subjects.domain(Right.MANAGE_DKIM))
def dkim_rotate(actor: Actor, domain: Domain) -> Created[DkimKeyAnswer]:
    """Begin a rotation: a new key of the same algorithm, waiting to be published and put to work."""
    return Created(_present(dkim.rotate(actor, domain), _names(domain)))


@group.post("/domains/{int:domainId}/dkim/keys/{int:keyId}/activation", admit=_key, status=200)
def dkim_key_activate(actor: Actor, key: DkimKey) -> DkimKeyAnswer:
    """Sign with this key from now on; the one before is retired."""
    return _present(dkim.activate_key(actor, key), _names(key.domain))


@group.post("/domains/{int:domainId}/dkim/keys/{int:keyId}/retirement", admit=_key, status=200)
def dkim_key_retire(actor: Actor, key: DkimKey) -> DkimKeyAnswer:
    """Stop signing with this key."""
    return _present(dkim.retire_key(actor, key), _names(key.domain))


@group.delete("/domains/{int:domainId}/dkim/keys/{int:keyId}", admit=_key)
def dkim_key_delete(actor: Actor, key: DkimKey) -> None:
    """Forget a key that doesn't sign."""
    dkim.delete_key(actor, key)
