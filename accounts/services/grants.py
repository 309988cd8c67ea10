"""Writes of grants: who holds which role or rights on which scope.

Nobody gives, changes or takes what they don't hold there themselves, nobody gives anything to themselves, and nobody
does either while acting as somebody. Rights are read anew by every request, so what is taken counts at once; who loses
some signs in again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, places, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, GrantExists, LastAdministrator
from accounts.models import Grant, GroupRole, OptionValue, Role, Source, SourceChoice, User
from accounts.permissions import BUILT_IN_ROLES, RIGHTS, SYSTEM_ADMINISTRATOR, Level, Right, known_rights, rights_at
from accounts.responsible import SOURCE_ONLY
from accounts.scopes import SERVER, ScopeRef
from accounts.services import locks
from accounts.services.sessions import drop_sessions


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is given: a built-in role by its key, somebody's own role, or single rights; rights may join a role."""

    role_key: str = ""
    role: Role | None = None
    rights: frozenset[Right] = field(default_factory=frozenset)

    @classmethod
    def of_rights(cls, names: Iterable[str]) -> Bundle:
        """Single rights by their names. Raises: BadGrant for a name that is no right."""
        wanted = set(names)
        rights = known_rights(wanted)
        if len(rights) < len(wanted):
            unknown = ", ".join(sorted(wanted - {right.value for right in rights}))
            raise BadGrant(_("There is no right called %(name)s.") % {"name": unknown}, field="permissions")
        return cls(rights=rights)

    @classmethod
    def of(cls, grant: Grant) -> Bundle:
        """What somebody was given."""
        return cls(grant.role_key, grant.role, known_rights(grant.rights))

    def all_rights(self) -> frozenset[Right]:
        """Everything it holds, before a level cuts it."""
        names = set(self.rights)
        if self.role_key:
            names |= BUILT_IN_ROLES[self.role_key].rights
        elif self.role is not None:
            names |= known_rights(self.role.rights)
        return frozenset(names)

    @property
    def label(self) -> str:
        """What it is called in the audit trail."""
        parts = [self.role_key] if self.role_key else [self.role.name] if self.role else []
        return ", ".join([*parts, *sorted(right.value for right in self.rights)])


def add_grant(
    actor: Actor,
    user: User,
    obj: object,
    bundle: Bundle,
    *,
    expires_at: datetime | None = None,
    is_new: bool = False,
) -> Grant:
    """Give a person a role or rights on a scope's object. is_new: the actor has just made the account.

    Raises: GrantExists, BadGrant, Forbidden.
    """
    scope = places.scope_of(obj)
    require_granting(actor, user, obj, bundle)
    if not is_new:
        require_knowing(actor, user)
    check_bundle(bundle, scope, expires_at)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if Grant.objects.filter(user=user, level=scope.level, object_id=scope.id).exists():
            raise GrantExists(_("%(person)s has rights there already; change those.") % {"person": user})
        grant = Grant.objects.create(
            user=user,
            level=scope.level,
            object_id=scope.id,
            object_label=label_of_place(obj),
            granted_by_label=actor.label[:300],
            expires_at=expires_at,
            **_columns(bundle),
        )
        record_grant(actor, "grant.add", grant, None, bundle.label, expires_at)
    return grant


def change_grant(actor: Actor, grant: Grant, bundle: Bundle, *, expires_at: datetime | None = None) -> Grant:
    """Give another role or other rights in place of those a person has on a scope. Raises: BadGrant, Forbidden."""
    obj = grant.scope  # enough to ask rights on: what it lies in is looked up
    require_granting(actor, grant.user, obj, bundle)
    check_bundle(bundle, grant.scope, expires_at)
    with transaction.atomic():
        found = Grant.objects.select_for_update(of=("self",)).select_related("role", "user").get(pk=grant.pk)
        require_holding(actor, found.all_rights(), obj)
        old = Bundle.of(found)
        for name, value in _columns(bundle).items():
            setattr(found, name, value)
        old_expiry, found.expires_at = found.expires_at, expires_at
        found.source = None  # by hand from now on
        found.save()
        if old.all_rights() - bundle.all_rights():
            drop_sessions([found.user_id], keep=actor.session_id)
        if (old.label, old_expiry) != (bundle.label, expires_at):
            record_grant(actor, "grant.change", found, old.label, bundle.label, expires_at)
    return found


def remove_grant(actor: Actor, grant: Grant) -> None:
    """Take from a person what they hold on a scope; giving up one's own is always possible. Raises: Forbidden."""
    obj = grant.scope
    if not actor.owns(grant.user):
        actor.require(Right.GRANT_RIGHTS, obj)
        require_holding(actor, grant.all_rights(), obj)
    _require_own_authority(actor)
    proving.require_recent(actor)
    with transaction.atomic():
        found = Grant.objects.select_for_update(of=("self",)).filter(pk=grant.pk).select_related("role").first()
        if found is not None:
            if not actor.owns(grant.user):
                require_holding(actor, found.all_rights(), obj)
            record_grant(actor, "grant.remove", found, Bundle.of(found).label, None)
            found.delete()
            drop_sessions([found.user_id], keep=actor.session_id)


def set_system_administrator(actor: Actor, user: User, is_administrator: bool) -> None:
    """Make somebody a system administrator, or one no more. Raises: LastAdministrator, Forbidden."""
    if not actor.is_administrator:
        raise Forbidden("only system administrators, in person, make or unmake system administrators")
    if is_administrator and actor.owns(user):
        raise Forbidden("nobody grants rights to themselves")
    proving.require_recent(actor)
    with transaction.atomic():
        locks.hold(locks.ADMINISTRATORS)
        found = User.objects.select_for_update().get(pk=user.pk)
        if not is_administrator:
            require_another_administrator(found)
        if found.is_administrator != is_administrator:
            User.objects.filter(pk=user.pk).update(is_administrator=is_administrator)
            action = "user.make_administrator" if is_administrator else "user.unmake_administrator"
            audit.record(actor, action, user)
            if not is_administrator:
                drop_sessions([user.pk], keep=actor.session_id)
        user.is_administrator = is_administrator


def require_another_administrator(user: User) -> None:
    """Call it under the lock, before the person stops being one who can sign in. Raises: LastAdministrator.

    Others count who come in whatever becomes of a directory or provider: with a password kept here, at these pages.
    Where there never was such a one, anybody active does.
    """
    if not user.is_administrator:
        return
    active = User.objects.filter(is_administrator=True, is_active=True)
    sure = active.filter(Q(login_privileges=None) | Q(login_privileges__contains=["web"])).exclude(
        Q(authentication=SOURCE_ONLY) | Q(password="") | Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    )
    counting = sure if sure.filter(pk=user.pk).exists() else active
    if not counting.exclude(pk=user.pk).exists():
        raise LastAdministrator(user.email)


def require_granting(actor: Actor, user: User, obj: object, bundle: Bundle) -> None:
    """Whether the actor may give this to this person here. Raises: Forbidden."""
    _require_own_authority(actor)
    actor.require(Right.GRANT_RIGHTS, obj)
    if actor.owns(user):
        raise Forbidden("nobody grants rights to themselves")
    if bundle.role_key and bundle.role_key not in BUILT_IN_ROLES:
        raise BadGrant(_("There is no such role."), field="role")
    require_holding(actor, bundle.all_rights(), obj)
    proving.require_recent(actor)


def require_knowing(actor: Actor, user: User) -> None:
    """That the actor sees this person: as one of theirs, or as an administrator of something of theirs.

    Who holds something anywhere is beyond the reach of their own administrators, who don't hold it; nobody does that to
    other people's people. Raises: Forbidden.
    """
    if actor.has(Right.VIEW_USERS, user):
        return
    seen = Grant.objects.filter(places.condition(actor.reach(Right.VIEW_GRANTS)), user=user)
    if not seen.exists():
        raise Forbidden(f"{user} belongs elsewhere")


def require_holding(actor: Actor, rights: frozenset[Right], obj: object) -> None:
    """Nobody gives or takes beyond what they hold. Raises: Forbidden."""
    level = places.scope_of(obj).level
    missing = [right for right in rights & rights_at(level) if not actor.has(right, obj)]
    if missing:
        raise Forbidden(f"{actor.label} doesn't hold {', '.join(sorted(missing))} there")


def forget_scope(obj: object) -> None:
    """The object of a scope goes for good, and with it what is kept by its level and id: the grants on it, what its
    sources gave, its options, and its own roles wherever somebody holds one. For the app that removes it.
    """
    scope = places.scope_of(obj)
    here = {"level": scope.level, "object_id": scope.id}
    own, roles = Source.objects.filter(**here), Role.objects.filter(**here)
    SourceChoice.objects.filter(Q(**here) | Q(source__in=own)).delete()
    own.delete()  # their groups, and the grants that came of them
    GroupRole.objects.filter(Q(**here) | Q(role__in=roles)).delete()
    Grant.objects.filter(Q(**here) | Q(role__in=roles)).delete()
    roles.delete()
    OptionValue.objects.filter(**here).delete()


def relabel(obj: object) -> None:
    """The object of a scope is called otherwise now: grants on it say so. In the transaction that renames it."""
    scope = places.scope_of(obj)
    Grant.objects.filter(level=scope.level, object_id=scope.id).update(object_label=label_of_place(obj))


def _require_own_authority(actor: Actor) -> None:
    """Rights are given by people and their programs, never in somebody's place. Raises: Forbidden."""
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("no rights are given while acting as somebody")


def check_bundle(bundle: Bundle, scope: ScopeRef, expires_at: datetime | None) -> None:
    """Whether this can stand on this level at all. Raises: BadGrant."""
    if bundle.role_key:
        built_in = BUILT_IN_ROLES[bundle.role_key]
        if built_in.key == SYSTEM_ADMINISTRATOR or scope.level not in built_in.levels:
            text = _("The role “%(role)s” can't be given here.") % {"role": built_in.label}
            raise BadGrant(text, field="role")
    if bundle.role is not None and bundle.role.scope not in places.chain(scope):
        raise BadGrant(_("This role was made for another place."), field="role")
    lost = bundle.rights - rights_at(scope.level)
    if lost:
        names = ", ".join(str(RIGHTS[right].label) for right in sorted(lost))
        raise BadGrant(_("Can't be given here: %(rights)s.") % {"rights": names}, field="permissions")
    if not bundle.all_rights() & rights_at(scope.level):
        raise BadGrant(_("Choose a role, or at least one right."), field="permissions")
    if expires_at is not None and expires_at <= timezone.now():
        raise BadGrant(_("The end must lie in the future."), field="expires_at")


def _columns(bundle: Bundle) -> dict[str, object]:
    return {
        "role_key": bundle.role_key,
        "role": bundle.role,
        "rights": sorted(right.value for right in bundle.rights),
    }


def label_of_place(obj: object) -> str:
    """What grants call the object of a scope."""
    return "" if obj == SERVER else str(obj)[:300]


def record_grant(
    actor: Actor, action: str, grant: Grant, old: str | None, new: str | None, expires: datetime | None = None
) -> None:
    """Note what somebody was given or lost. The event is about the person, and lies in the scopes of the place."""
    details = {"level": grant.level, "place": grant.object_label}
    if expires is not None:
        details["expires_at"] = expires.isoformat()
    within = _Both(grant.user, places.chain(grant.scope))
    audit.record(actor, action, grant.user, changes={"rights": (old, new)}, within=within, **details)


@dataclass(frozen=True)
class _Both:
    """The person, and the scopes of the place where they were given something."""

    user: User
    chain: tuple[ScopeRef, ...]

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (ScopeRef(Level.USER, self.user.pk), *self.chain[:-1])
