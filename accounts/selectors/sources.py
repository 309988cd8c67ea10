"""Reads of sources: those of the places somebody administers, what a place chose, the buttons of the sign-in page."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.http import Http404

from accounts import places, responsible
from accounts.actors import Actor
from accounts.models import Source, SourceChoice
from accounts.permissions import CONFIGURING, Right, known_rights
from accounts.responsible import Chosen
from accounts.scopes import SERVER, ScopeRef
from accounts.sources.kinds import Kind

_WEB = [each.value for each in Kind if each.is_web]


def sources_visible_to(actor: Actor, right: Right = Right.MANAGE_SOURCES) -> QuerySet[Source]:
    """Those of the scopes where the actor holds the right; fails closed."""
    return Source.objects.filter(places.condition(actor.reach(right)))


def list_sources(actor: Actor) -> QuerySet[Source]:
    """For lists, with how many people are bound to each. Raises: Forbidden."""
    actor.require_somewhere(Right.MANAGE_SOURCES)
    return sources_visible_to(actor).annotate(people=Count("identities")).order_by("name", "pk")


def get_source(actor: Actor, source_id: int) -> Source:
    """One of them. Raises: Http404."""
    found = sources_visible_to(actor).filter(pk=source_id).first()
    if found is None:
        raise Http404("no such source")
    return found


def may_change(actor: Actor, source: Source) -> bool:
    """Whether the actor holds all that it speaks for."""
    if source.authority is None:
        return actor.is_administrator
    return actor.holds(known_rights(source.authority) | CONFIGURING, source.scope)


def choice_of(scope: ScopeRef) -> tuple[Chosen, Chosen]:
    """What holds on a scope, and what would if it chose nothing itself."""
    chain = places.chain(scope)
    return responsible.chosen(chain), responsible.chosen(chain[1:] if scope != SERVER else ())


def choosable(actor: Actor, scope: ScopeRef) -> list[Source]:
    """The sources whose own place has this one in it, and which the actor may use there."""
    chain = places.chain(scope)
    return [
        each for each in sources_visible_to(actor).order_by("name") if each.scope in chain and may_change(actor, each)
    ]


def users_of(source: Source) -> list[tuple[ScopeRef, str]]:
    """The places that chose it, with their names ("" for the server)."""
    scopes = [each.scope for each in source.choices.order_by("level", "object_id")[:200]]
    names = places.labels(scopes)
    return [(each, names.get(each, "")) for each in scopes]


def buttons() -> list[Source]:
    """The providers that have a button on the sign-in page: only the server's own."""
    found = Source.objects.filter(level=SERVER.level, kind__in=_WEB, is_enabled=True, shows_button=True)
    return [each for each in found.order_by("name")[:10] if each.counts]


def has_providers() -> bool:
    """Whether any place has a provider, so that the page offers to ask for the address first."""
    return SourceChoice.objects.filter(source__kind__in=_WEB, source__is_enabled=True).exists()
