"""Aliases of domains: other names under which a domain takes mail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from django.db.models import QuerySet
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.errors import NotFound
from api.listing import Listing
from api.operations import Created, Group
from api.schemas import Answer, Name
from api.v1 import subjects
from domains.models import Domain, DomainName
from domains.services import domain_names

group = Group("Domain aliases", "Other names under which a domain takes mail.", names={"names": "name"})

Names = Annotated[list[Name], Field(max_length=domain_names.MOST_NAMES, examples=[["example.net", "example.com"]])]


class Alias(Answer):
    """Another name of a domain."""

    id: int
    name: str


ALIASES = Listing(
    Alias,
    lambda actor, rows: present(rows),
    sorts={"name": "name", "id": "pk"},
    default="name",
    filters={"name": filters.text("name", "The alias.", canonical=True)},
)


def present(rows: Iterable[DomainName]) -> list[Alias]:
    return [Alias(id=row.pk, name=row.name) for row in rows]


@group.list("/domains/{int:domainId}/aliases", ALIASES)
def domain_alias_list(actor: Actor, domain_id: int) -> QuerySet[DomainName]:
    """List a domain's aliases."""
    return subjects.domain()(actor, domain_id).names.filter(is_alias=True)


def _claiming(actor: Actor, domain_id: int) -> Domain:
    domain = subjects.domain(Right.EDIT_DOMAINS)(actor, domain_id)
    domain_names.require_claiming(actor, domain)
    return domain


@group.post("/domains/{int:domainId}/aliases", admit=_claiming)
def domain_alias_add(actor: Actor, domain: Domain, body: Names) -> Created[list[Alias]]:
    """Add aliases to a domain.

    All or none. Answers those that were added. Claiming a name needs the right to add domains, unless the option
    `DOMAIN_ADMINISTRATORS_ADD_NAMES` lets who may change the domain.
    """
    return Created(present(domain_names.add_names(actor, domain, body)), f"/domains/{domain.pk}/aliases")


@group.put("/domains/{int:domainId}/aliases", admit=subjects.domain(Right.EDIT_DOMAINS))
def domain_alias_replace(actor: Actor, domain: Domain, body: Names) -> None:
    """Replace all aliases of a domain."""
    domain_names.replace_names(actor, domain, body)


def _alias(actor: Actor, domain_id: int, alias_id: int) -> DomainName:
    domain = subjects.domain(Right.EDIT_DOMAINS)(actor, domain_id)
    found = domain.names.filter(pk=alias_id, is_alias=True).first()
    if found is None:
        raise NotFound()
    return found


@group.delete("/domains/{int:domainId}/aliases/{int:aliasId}", admit=_alias)
def domain_alias_remove(actor: Actor, alias: DomainName) -> None:
    """Delete one domain alias."""
    domain_names.remove_name(actor, alias.domain, alias)
