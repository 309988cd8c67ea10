"""Domains. Deleting one is our deletion: suspended at once, purged after the days that the server keeps it."""

from __future__ import annotations

from django.http import Http404, HttpResponse

from accounts.errors import BadAddress as BadAccountAddress
from accounts.permissions import Right
from api.james.answers import body, invalid, not_found, nothing
from api.james.asking import Asked
from domains.errors import BadAddress
from domains.models import Domain, Status
from domains.selectors import list_domains
from domains.services import domain_states
from domains.services.domains import create_domain, parse_name


def list_all(asked: Asked) -> HttpResponse:
    rows = list_domains(asked.actor).exclude(status__in=[Status.DELETED, Status.PURGED])
    return body(sorted(rows.values_list("name", flat=True)))


def find(asked: Asked, name: str, *, need: Right = Right.VIEW_DOMAINS) -> Domain:
    """The domain of this name that is in use. Raises: Http404, Forbidden."""
    try:
        canonical = parse_name(name)
    except (BadAddress, BadAccountAddress) as error:
        raise Http404("no such domain") from error
    row = Domain.objects.exclude(status__in=[Status.DELETED, Status.PURGED]).filter(name=canonical).first()
    if row is None or not asked.actor.has(Right.VIEW_DOMAINS, row):
        raise Http404("no such domain")
    asked.actor.require(need, row)
    return row


def exists(asked: Asked) -> HttpResponse:
    try:
        find(asked, asked.named["domain"])
    except Http404 as error:
        raise not_found(
            f"The domain list does not contain: {asked.named['domain']}", type_="InvalidArgument"
        ) from error
    return nothing()


def put(asked: Asked) -> HttpResponse:
    name = asked.named["domain"]
    try:
        canonical = parse_name(name)
    except BadAddress as error:
        raise invalid(f"Invalid request for domain creation {name}", str(error)) from error
    row = Domain.objects.exclude(status=Status.PURGED).filter(name=canonical).first()
    if row is not None and asked.actor.has(Right.VIEW_DOMAINS, row):
        if row.status == Status.DELETED:
            domain_states.restore_domain(asked.actor, row)
        return nothing()
    create_domain(asked.actor, name=canonical)
    return nothing()


def delete(asked: Asked) -> HttpResponse:
    try:
        row = find(asked, asked.named["domain"], need=Right.DELETE_DOMAINS)
    except Http404:
        asked.actor.require_somewhere(Right.DELETE_DOMAINS)
        return nothing()
    domain_states.delete_domain(asked.actor, row)
    return nothing()
