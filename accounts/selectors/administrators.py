"""Reads of who holds which rights where: administrators, grants, roles, and what somebody could give.

Who may see grants on a scope (`VIEW_GRANTS`) sees the people who hold them, and of each person only the grants in
their reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet
from django.http import Http404

from accounts import places
from accounts.actors import Actor
from accounts.models import Grant, Role, User
from accounts.permissions import (
    BUILT_IN_ROLES,
    RIGHTS,
    SYSTEM_ADMINISTRATOR,
    BuiltInRole,
    Level,
    Right,
    Text,
    rights_at,
)
from accounts.scopes import SERVER, ScopeRef
from config.kit.lookups import like_escaped


def grants_visible_to(actor: Actor) -> QuerySet[Grant]:
    """The grants on scopes where the actor may see rights; fails closed."""
    return Grant.objects.filter(places.condition(actor.reach(Right.VIEW_GRANTS))).select_related("role", "user")


def sees_system_administrators(actor: Actor) -> bool:
    """Whether the actor learns who runs everything: who sees the whole server's rights."""
    return actor.reach(Right.VIEW_GRANTS).everything


def administrators_visible_to(actor: Actor) -> QuerySet[User]:
    """The people who hold rights there; for who sees the whole server also the system administrators."""
    # Their ids first: with OR between two tables every person would be looked at.
    holding = grants_visible_to(actor).select_related(None).order_by().values("user")
    if sees_system_administrators(actor):
        holding = holding.union(User.objects.filter(is_administrator=True).order_by().values("pk"))
    return User.objects.filter(pk__in=holding)


def list_administrators(actor: Actor, *, scope: ScopeRef | None = None, search: str = "") -> QuerySet[User]:
    """Administrators, of one scope if given, with search in address and name. Raises: Forbidden."""
    actor.require_somewhere(Right.VIEW_GRANTS)
    found = administrators_visible_to(actor)
    if scope is not None:
        here = Grant.objects.filter(level=scope.level, object_id=scope.id).order_by().values("user")
        if scope == SERVER:
            here = here.union(User.objects.filter(is_administrator=True).order_by().values("pk"))
        found = found.filter(pk__in=here)
    for word in search.replace("\0", " ").split()[:10]:
        found = found.filter(Q(email__icontains=word) | Q(name__icontains=word))
    return found


def find_administrators(actor: Actor, text: str, limit: int) -> list[User]:
    """The first few with all these words in address or name, for the palette; one query.

    Starts from those who hold something, so that it costs nothing more where there are a million people.
    """
    if not actor.has_somewhere(Right.VIEW_GRANTS):
        return []
    holders = ArraySubquery(grants_visible_to(actor).order_by().values("user"))
    held = Func(F("pk"), holders, arg_joiner=" = ANY(", template="(%(expressions)s))", output_field=BooleanField())
    administers = Q(held)
    if actor.reach(Right.VIEW_GRANTS).everything:
        administers |= Q(is_administrator=True)
    found = User.objects.filter(administers)
    for word in text.split()[:10]:
        pattern = f"%{like_escaped(word)}%"
        found = found.filter(Q(email__ilike=pattern) | Q(name__ilike=pattern))
    return list(found.order_by("email")[:limit])


def get_administrator(actor: Actor, user_id: int, *, scope: ScopeRef | None = None) -> User:
    """One of them, of one scope if given. Raises: Http404."""
    found = administrators_visible_to(actor).filter(pk=user_id)
    if scope is not None:
        found = found.filter(Exists(Grant.objects.filter(user=OuterRef("pk"), level=scope.level, object_id=scope.id)))
    user = found.first()
    if user is None:
        raise Http404("no such administrator")
    return user


def list_grants(actor: Actor, user: User) -> list[Grant]:
    """What a person holds, as far as the actor may see it; everybody sees their own."""
    own = actor.owns(user) and actor.acting is None
    found = Grant.objects.filter(user=user).select_related("role", "user") if own else grants_visible_to(actor)
    return list(found.filter(user=user).order_by("pk"))


def get_grant(actor: Actor, grant_id: int) -> Grant:
    """One grant the actor may see, or their own. Raises: Http404."""
    visible = grants_visible_to(actor)
    found = visible.filter(pk=grant_id).first()
    if found is None and actor.user is not None and actor.acting is None:
        found = Grant.objects.filter(pk=grant_id, user=actor.user).select_related("role", "user").first()
    if found is None:
        raise Http404("no such grant")
    return found


def list_grants_on(actor: Actor, scope: ScopeRef) -> QuerySet[Grant]:
    """The grants on one scope, for who may see it: `scope` comes from `places.get` or its like."""
    return grants_visible_to(actor).filter(level=scope.level, object_id=scope.id).order_by("user__email")


# --- roles -------------------------------------------------------------------------------------------------------


def roles_visible_to(actor: Actor) -> QuerySet[Role]:
    """Own roles of the scopes where the actor may see rights; fails closed."""
    return Role.objects.filter(places.condition(actor.reach(Right.VIEW_GRANTS)))


def get_role(actor: Actor, role_id: int, *, need: Right = Right.VIEW_GRANTS) -> Role:
    """Raises: Http404, Forbidden."""
    role = roles_visible_to(actor).filter(pk=role_id).first()
    if role is None:
        raise Http404("no such role")
    actor.require(need, role.scope)
    return role


def list_holders(actor: Actor, role: Role) -> QuerySet[Grant]:
    """Who holds a role, as far as the actor may see it."""
    return grants_visible_to(actor).filter(role=role).order_by("user__email")


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role that could be given on a scope. value: "built-in:KEY" or "own:ID"."""

    value: str
    label: Text
    help: Text
    rights: frozenset[Right]
    is_givable: bool

    @property
    def labels(self) -> list[Text]:
        return right_labels(self.rights)


def list_role_choices(actor: Actor, obj: object) -> list[RoleChoice]:
    """Roles for a scope's object: built-in ones of its level, and own ones of it and of what it lies in.

    Those that hold more than the actor does are told, but can't be given.
    """
    scope = places.scope_of(obj)
    chain = places.chain(scope)
    carried = rights_at(scope.level)
    held = actor.rights_on(obj)
    choices = [
        RoleChoice(f"built-in:{role.key}", role.label, role.help, role.rights & carried, role.rights & carried <= held)
        for role in BUILT_IN_ROLES.values()
        if scope.level in role.levels and role.key != SYSTEM_ADMINISTRATOR
    ]
    where = Q(pk__in=[])
    for each in chain:
        where |= Q(level=each.level, object_id=each.id)
    for own in Role.objects.filter(where):
        rights = frozenset(Right(name) for name in own.rights if name in _NAMES) & carried
        if rights:
            choices.append(RoleChoice(f"own:{own.pk}", own.name, own.description, rights, rights <= held))
    return choices


# --- what could be given, and where somebody's rights come from --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Grantable:
    """A right that can be given on a scope. editable: by this actor."""

    right: Right
    label: Text
    group: Text
    editable: bool


def list_grantable(actor: Actor, obj: object) -> list[Grantable]:
    """The rights this actor holds on a scope's object, which is what they could give there at most.

    `obj` comes from `places.get`. Source: GET /security/permissions of the Cleanmail API.
    """
    scope = places.scope_of(obj)
    may_grant = actor.has(Right.GRANT_RIGHTS, obj)
    held = actor.rights_on(obj) & rights_at(scope.level)
    return [Grantable(right, info.label, info.group, may_grant) for right, info in RIGHTS.items() if right in held]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a right comes from: the place, and the role or the grant that gives it."""

    place: str
    level: Level
    role: Text  # "" where it was given singly
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """A right somebody holds, and everything it comes from."""

    right: Right
    label: Text
    group: Text
    sources: list[Source]


def explain_rights(actor: Actor, user: User) -> list[Explained]:
    """What a person may do and why, as far as the actor may see it (`get_administrator` or oneself)."""
    found: dict[Right, list[Source]] = {}
    sees_all = actor.owns(user) or sees_system_administrators(actor)
    if user.is_administrator and sees_all:
        label = BUILT_IN_ROLES[SYSTEM_ADMINISTRATOR].label
        found = {right: [Source("", Level.SERVER, label)] for right in Right}
    grants = [grant for grant in list_grants(actor, user) if not grant.is_expired]
    names = places.labels(grant.scope for grant in grants)
    for grant in grants:
        place = names.get(grant.scope, grant.object_label)
        for right in grant.all_rights():
            role = "" if right in grant.rights else role_label(grant)
            found.setdefault(right, []).append(Source(place, Level(grant.level), role, grant.expires_at))
    return [Explained(right, info.label, info.group, found[right]) for right, info in RIGHTS.items() if right in found]


def role_label(grant: Grant) -> Text:
    """The name of a grant's role ("" for single rights alone)."""
    built_in: BuiltInRole | None = BUILT_IN_ROLES.get(grant.role_key)
    if built_in is not None:
        return built_in.label
    return grant.role.name if grant.role is not None else grant.role_key


def right_labels(rights: Iterable[Right]) -> list[Text]:
    """Their words, in the order of the catalogue."""
    wanted = set(rights)
    return [info.label for right, info in RIGHTS.items() if right in wanted]


_NAMES = frozenset(right.value for right in Right)
