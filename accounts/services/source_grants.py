"""Taking what groups of a source gave, when the source says nothing for its people any more: another one was chosen for
their place, it was switched off, or they went elsewhere. Giving it is `group_roles`.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts import responsible
from accounts.actors import Actor
from accounts.models import Grant, Source
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from accounts.services.grants import Bundle, record_grant
from accounts.services.sessions import drop_sessions


def take(actor: Actor, grants: Iterable[Grant]) -> int:
    """Take these from their people, who sign in again; how many. Call it inside a transaction."""
    taken = 0
    for grant in grants:
        record_grant(actor, "grant.remove", grant, Bundle.of(grant).label, None)
        grant.delete()
        drop_sessions([grant.user_id], keep=actor.session_id)
        taken += 1
    return taken


def take_unserved(actor: Actor, scope: ScopeRef) -> int:
    """Take what came of groups from people of a scope for whom the source that gave it isn't responsible any more; how
    many grants. Call it inside the transaction that changed who is.
    """
    return take(actor, _unserved(_of_groups().filter(_at_home_in(scope))))


def take_of(actor: Actor, source: Source) -> int:
    """The same of one source, wherever its people are: it was switched off or deleted."""
    return take(actor, _of_groups().filter(source=source))


def _of_groups() -> QuerySet[Grant]:
    return Grant.objects.exclude(source=None).select_related("user", "role", "source")


def _at_home_in(scope: ScopeRef) -> Q:
    if scope == SERVER:
        return Q()
    home = {Level.DOMAIN: "user__home_domain_id", Level.CUSTOMER: "user__home_customer_id"}
    return Q(**{home[scope.level]: scope.id}) if scope.level in home else Q(pk__in=[])


def _unserved(grants: Iterable[Grant]) -> list[Grant]:
    """One question for each domain, however many of its people hold something."""
    found: dict[str, Source | None] = {}
    unserved = []
    for grant in grants:
        domain = grant.user.email.rpartition("@")[2]
        if domain not in found:
            found[domain] = responsible.source_for(grant.user.email)
        served_by = found[domain]
        if served_by is None or served_by.pk != grant.source_id:
            unserved.append(grant)
    return unserved
