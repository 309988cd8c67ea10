"""Taking what a source's word gave, when it says nothing for its people any more: another was chosen for their place,
it was switched off, or they went elsewhere. That is what their groups gave, and the sessions they came in for by it.
Giving roles is `group_roles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Q, QuerySet

from accounts import responsible
from accounts.actors import Actor
from accounts.models import Grant, Identity, Session, Source, User
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from accounts.services.grants import Bundle, record_grant
from accounts.services.sessions import drop_sessions, end_short_tokens

BY_SOURCE = ("directory", "imap", "oidc")  # how sessions began that a source's word began (`accounts.sessions.WAYS`)


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
    """Take what came of groups from people of a scope for whom the source that gave it isn't responsible any more, and
    end the sessions it began; how many grants. Call it inside the transaction that changed who is.
    """
    served = _Served()
    theirs = User.objects.filter(_at_home_in(scope, ""))
    end_sessions_by_source(actor, theirs, still=served)
    return take(actor, _unserved(_of_groups().filter(_at_home_in(scope)), served))


def take_of(actor: Actor, source: Source) -> int:
    """The same of one source, wherever its people are: it was switched off or deleted."""
    end_sessions_by_source(actor, User.objects.filter(identities__source=source))
    return take(actor, _of_groups().filter(source=source))


def end_sessions_by_source(
    actor: Actor, people: QuerySet[User], *, still: Callable[[User], Source | None] = lambda _user: None
) -> int:
    """End these people's sessions that a source's word began, but the one that asks; how many.

    still: the source that is responsible for somebody now. What it began itself goes on.
    """
    begun = Session.objects.filter(user__in=people, how__in=BY_SOURCE).exclude(pk=actor.session_id or 0)
    ended, whose = [], set()
    for session in begun.select_related("user"):
        assert session.user is not None
        source = still(session.user)
        if source is None or _way_of(source) != session.how or not _is_bound(source, session.user):
            ended.append(session.pk)
            whose.add(session.user.pk)
    Session.objects.filter(pk__in=ended).delete()
    end_short_tokens(whose)
    return len(ended)


def _way_of(source: Source) -> str:
    kind = source.kind_of
    return "directory" if kind.is_directory else "oidc" if kind.is_web else "imap"


def _is_bound(source: Source, user: User) -> bool:
    return Identity.objects.filter(source=source, user=user).exists()


class _Served:
    """Who is responsible for somebody now; one question for each domain, however many of its people there are."""

    def __init__(self) -> None:
        self._found: dict[str, Source | None] = {}

    def __call__(self, user: User) -> Source | None:
        domain = user.email.rpartition("@")[2]
        if domain not in self._found:
            self._found[domain] = responsible.source_for(user.email)
        return self._found[domain]


def _of_groups() -> QuerySet[Grant]:
    return Grant.objects.exclude(source=None).select_related("user", "role", "source")


def _at_home_in(scope: ScopeRef, way: str = "user__") -> Q:
    if scope == SERVER:
        return Q()
    home = {Level.DOMAIN: "home_domain_id", Level.CUSTOMER: "home_customer_id"}
    return Q(**{way + home[scope.level]: scope.id}) if scope.level in home else Q(pk__in=[])


def _unserved(grants: Iterable[Grant], served: _Served) -> list[Grant]:
    unserved = []
    for grant in grants:
        by = served(grant.user)
        if by is None or by.pk != grant.source_id:
            unserved.append(grant)
    return unserved
