"""Reads of sources: those of the places somebody administers, what a place chose, the buttons of the sign-in page."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.http import Http404

from accounts import places, responsible
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Identity, Source, SourceChoice, User
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


def people_without_groups(source: Source) -> QuerySet[Identity]:
    """Whose groups the source couldn't say when they signed in last: their roles are as they were before."""
    return source.identities.exclude(groups_lack="").select_related("user").order_by("user__email")


def list_own_identities(actor: Actor) -> QuerySet[Identity]:
    """Who one is at sources. Raises: Forbidden: nobody looks at them in somebody's place."""
    if actor.user is None or actor.acting is not None or (actor.allowed is not None and not actor.allowed):
        raise Forbidden("only the person themselves")
    return Identity.objects.filter(user=actor.user).select_related("source").order_by("source__name", "pk")


def get_own_identity(actor: Actor, identity_id: int) -> Identity:
    """Raises: Http404, Forbidden."""
    found = list_own_identities(actor).filter(pk=identity_id).first()
    if found is None:
        raise Http404("not one's own")
    return found


def identities_of(actor: Actor, user: User) -> QuerySet[Identity]:
    """Who somebody is at sources, for who resets their password. Raises: Forbidden."""
    actor.require_over(Right.SET_PASSWORDS, user)
    return Identity.objects.filter(user=user).select_related("source").order_by("source__name", "pk")


def buttons() -> list[Source]:
    """The providers that have a button on the sign-in page: only the server's own."""
    found = Source.objects.filter(level=SERVER.level, kind__in=_WEB, is_enabled=True, shows_button=True)
    return [each for each in found.order_by("name")[:10] if each.counts]


def has_providers() -> bool:
    """Whether any place has a provider, so that the page offers to ask for the address first."""
    return SourceChoice.objects.filter(source__kind__in=_WEB, source__is_enabled=True).exists()
