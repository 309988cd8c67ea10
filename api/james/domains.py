"""Domains and their aliases. Deleting one is our deletion: suspended at once, purged after the days it is kept.

James keeps an alias as a domain of its own beside the mapping; here it is a name of the domain it leads to. So a domain
in which there is nothing becomes a name of the other (`domains.services.absorbing`), and one again without the mapping;
lists show both. An alias can't lead to a domain that isn't served here.
"""

from __future__ import annotations

from django.http import Http404, HttpResponse

from accounts.permissions import Right
from api.james import tasks
from api.james.answers import INVALID, arguments, body, conflict, invalid, not_found, nothing
from api.james.asking import Asked
from config.kit.fixed import Fixed
from domains.errors import BadAddress
from domains.models import Domain, DomainName, Status
from domains.selectors import list_domains
from domains.services import absorbing, domain_states
from domains.services.domains import create_domain, parse_name

GONE = (Status.DELETED, Status.PURGED)
_KEPT = DomainName.objects.exclude(domain__status=Status.PURGED).select_related("domain__customer")
NO_ALIASES = "The following domain is not in the domain list and has no registered local aliases: {}"
_NAME = Fixed(lambda name: _KEPT.filter(name=name), str)


def list_all(asked: Asked) -> HttpResponse:
    rows = list_domains(asked.actor).exclude(status__in=GONE)
    names = DomainName.objects.filter(domain__in=rows).values_list("name", flat=True)
    return body(sorted(names))


def parsed(name: str) -> str:
    """A name as it is kept. Raises: JamesError."""
    try:
        return parse_name(name)
    except BadAddress as error:
        raise invalid(f"Invalid request for domain creation {name[:300]}", str(error)) from error


def find(asked: Asked, name: str, *, need: Right = Right.VIEW_DOMAINS) -> Domain:
    """The domain of this name that is in use. Raises: Http404, Forbidden."""
    try:
        canonical = parse_name(name)
    except BadAddress as error:
        raise Http404("no such domain") from error
    row = Domain.objects.exclude(status__in=GONE).select_related("customer").filter(name=canonical).first()
    if row is None or not asked.actor.has(Right.VIEW_DOMAINS, row):
        raise Http404("no such domain")
    asked.actor.require(need, row)
    return row


def served(asked: Asked, name: str, *, need: Right = Right.VIEW_DOMAINS) -> Domain:
    """The same, or James's own words. Raises: JamesError, Forbidden."""
    canonical = parsed(name)
    try:
        return find(asked, canonical, need=need)
    except Http404 as error:
        raise not_found(f"The domain list does not contain: {canonical}", type_=INVALID) from error


def exists(asked: Asked) -> HttpResponse:
    found = _NAME.first(parsed(asked.named["domain"]))
    is_gone = found is not None and not found.is_alias and found.domain.status in GONE
    if found is None or is_gone or not asked.actor.has(Right.VIEW_DOMAINS, found.domain):
        served(asked, asked.named["domain"])
    return nothing()


def put(asked: Asked) -> HttpResponse:
    canonical = parsed(asked.named["domain"])
    found = _NAME.first(canonical)
    if found is not None and asked.actor.has(Right.VIEW_DOMAINS, found.domain):
        if not found.is_alias and found.domain.status == Status.DELETED:
            domain_states.restore_domain(asked.actor, found.domain)
        return nothing()
    create_domain(asked.actor, name=canonical)
    return nothing()


def delete(asked: Asked) -> HttpResponse:
    alias = alias_named(asked, asked.named["domain"])
    if alias is not None:
        absorbing.forget_alias(asked.actor, alias)
        return nothing()
    try:
        row = find(asked, parsed(asked.named["domain"]), need=Right.DELETE_DOMAINS)
    except Http404:
        asked.actor.require_somewhere(Right.DELETE_DOMAINS)
        return nothing()
    domain_states.delete_domain(asked.actor, row)
    return nothing()


def alias_named(asked: Asked, name: str) -> DomainName | None:
    """The name, where it is an alias of a domain that the actor may see."""
    try:
        canonical = parse_name(name)
    except BadAddress:
        return None
    rows = DomainName.objects.filter(name=canonical, is_alias=True).exclude(domain__status=Status.PURGED)
    row = rows.select_related("domain__customer").first()
    return row if row is not None and asked.actor.has(Right.VIEW_DOMAINS, row.domain) else None


def list_aliases(asked: Asked) -> HttpResponse:
    canonical = parsed(asked.named["domain"])
    if alias_named(asked, canonical) is not None:  # a domain as any other in lists, with no names of its own
        return body([])
    row = Domain.objects.exclude(status=Status.PURGED).filter(name=canonical).first()
    if row is None or not asked.actor.has(Right.VIEW_DOMAINS, row):
        asked.actor.require_somewhere(Right.VIEW_DOMAINS)
        raise not_found(NO_ALIASES.format(canonical), type_=INVALID)
    names = list(row.names.filter(is_alias=True).order_by("name").values_list("name", flat=True))
    if not names and row.status in GONE:
        raise not_found(NO_ALIASES.format(canonical), type_=INVALID)
    return body([{"source": name} for name in names])


def put_alias(asked: Asked) -> HttpResponse:
    target, source = _both(asked)
    _require_two(target, source)
    alias = alias_named(asked, source)
    if alias is not None and alias.domain.name == target:
        return nothing()
    if alias is not None:
        raise conflict(f"{source} is an alias of {alias.domain.name} already")
    other = served(asked, source, need=Right.EDIT_DOMAINS)
    try:
        row = find(asked, target, need=Right.EDIT_DOMAINS)
    except Http404 as error:
        raise invalid(f"{target} is not served here, and aliases lead to served domains only") from error
    absorbing.absorb_domain(asked.actor, row, other)
    return nothing()


def delete_alias(asked: Asked) -> HttpResponse:
    target, source = _both(asked)
    alias = alias_named(asked, source)
    if alias is not None and alias.domain.name == target:
        absorbing.release_alias(asked.actor, alias)
        return nothing()
    if alias is None:
        served(asked, source, need=Right.EDIT_DOMAINS)
    _require_two(target, source)
    return nothing()


def _both(asked: Asked) -> tuple[str, str]:
    return parsed(asked.named["domain"]), parsed(asked.named["alias"])


def _require_two(target: str, source: str) -> None:
    if target == source:
        raise invalid(f"Source domain and destination domain can not have same value({source})")


def act(asked: Asked) -> HttpResponse:
    """POST /domains/{domain}?action=…"""
    tasks.wanted(asked, "action", ["deleteData"])
    try:
        find(asked, asked.named["domain"], need=Right.DELETE_DOMAINS)
    except Http404 as error:
        asked.actor.require_somewhere(Right.DELETE_DOMAINS)
        raise arguments("'domainName' parameter should be an existing domain") from error
    raise arguments("Data of users leaves an archive by retention, or by DeleteFolder with a second person's approval")
