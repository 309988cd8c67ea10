"""What groups of a source give: grants that are made at sign-in or by a synchronisation, and taken with the group.

They are marked with their source. What somebody was given by hand on the same place stays, and nothing beyond what
whoever configured the source holds is ever given.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, places, responsible
from accounts.actors import Actor
from accounts.errors import BadGrant, Forbidden, GrantExists
from accounts.holdings import Held
from accounts.models import Grant, GroupRole, Source, User
from accounts.permissions import Level, rights_at
from accounts.scopes import SERVER, ScopeRef
from accounts.services.grants import Bundle, check_bundle, label_of_place, record_grant, require_granting
from accounts.services.source_grants import take
from accounts.services.sources import require_changing
from accounts.sources.dn import folded


def add_group_role(actor: Actor, source: Source, *, group: str, bundle: Bundle, obj: object) -> GroupRole:
    """Whoever is in this group holds this role on this scope, from their next sign-in or synchronisation on.

    Raises: Forbidden (beyond what the actor holds), ProofNeeded, BadGrant, GrantExists.
    """
    require_changing(actor, source)
    scope = places.scope_of(obj)
    group = group.strip()
    if not group or len(group) > 500 or not group.isprintable():
        raise BadGrant(_("Name the group, with 500 characters at most."), field="group")
    if source.kind == "imap":
        raise BadGrant(_("A mail server knows no groups."), field="group")
    if scope.level == Level.USER or source.scope not in places.chain(scope):
        raise BadGrant(_("The source gives roles only on what lies in its own place."), field="place")
    if bundle.rights:
        raise BadGrant(_("A group gets a role."), field="role")
    require_granting(actor, User(), obj, bundle)
    check_bundle(bundle, scope, None)
    try:
        with transaction.atomic():
            made = GroupRole.objects.create(
                source=source, group=group, role_key=bundle.role_key, role=bundle.role,
                level=scope.level, object_id=scope.id, object_label=label_of_place(obj),
            )  # fmt: skip
            audit.record(actor, "source.add_group", source, group=group, role=bundle.label, place=made.object_label)
    except IntegrityError as error:
        raise GrantExists(_("This group has this role there already.")) from error
    return made


def remove_group_role(actor: Actor, row: GroupRole) -> None:
    """The group gives this no more: who has it by the group loses it at once. Raises: Forbidden, ProofNeeded."""
    require_changing(actor, row.source)
    with transaction.atomic():
        role = row.role_key or str(row.role)
        audit.record(actor, "source.remove_group", row.source, group=row.group, role=role, place=row.object_label)
        people = Grant.objects.filter(source=row.source, level=row.level, object_id=row.object_id)
        take(actor, people.select_related("user", "role"))
        row.delete()


def groups_that_count(source: Source) -> list[str]:
    """The names of the groups that give something."""
    return list(source.group_roles.order_by("group").values_list("group", flat=True).distinct())


def describe(source: Source) -> dict[str, str]:
    """{group: what it gives, in a word that changes with it}: for telling whether somebody's roles are as they were."""
    found: dict[str, list[str]] = {}
    for row in GroupRole.objects.filter(source=source).order_by("pk"):
        found.setdefault(row.group, []).append(f"{row.role_key}{row.role_id}@{row.level}{row.object_id}")
    return {group: " ".join(given) for group, given in found.items()}


def apply_groups(source: Source, user: User, groups: Iterable[str] | None) -> None:
    """Give somebody what their groups give them now, and take what they gave before. groups: None: not known, so that
    nothing changes. Grants of other sources go, for those aren't responsible for the person any more.
    """
    if groups is None:
        return
    wanted = bundles_of(source, groups)
    actor = system_for(source)
    with transaction.atomic():
        present = {
            each.scope: each
            for each in Grant.objects.select_for_update(of=("self",)).filter(user=user).select_related("role", "user")
        }
        for scope, bundle in wanted.items():
            grant = present.get(scope)
            if grant is None:
                _give(actor, source, user, scope, bundle)
            elif grant.source_id == source.pk and Bundle.of(grant) != bundle:
                take(actor, [grant])
                _give(actor, source, user, scope, bundle)
        for scope, grant in present.items():
            if grant.source_id is not None and (grant.source_id != source.pk or scope not in wanted):
                take(actor, [grant])


def take_all(source: Source, user: User) -> None:
    """Somebody left: what their groups gave them goes. Call it inside a transaction."""
    take(system_for(source), Grant.objects.filter(user=user, source=source).select_related("user", "role"))


def bundles_of(source: Source, groups: Iterable[str]) -> dict[ScopeRef, Bundle]:
    """What these groups come to: on each scope one role, and the rights of others joined to it."""
    names = {_comparable(source, each) for each in groups}
    found: dict[ScopeRef, Bundle] = {}
    for row in GroupRole.objects.filter(source=source).select_related("role").order_by("pk"):
        if _comparable(source, row.group) not in names:
            continue
        bundle = Bundle(row.role_key, row.role)
        scope = row.scope
        here = bundle.all_rights() & rights_at(scope.level)
        if not here or not responsible.covers(source, [Held(scope, here)]):
            continue  # the role holds more now than whoever configured this, or the place lies elsewhere
        first = found.get(scope)
        if first is not None:
            more = here - first.all_rights()
            bundle = Bundle(first.role_key, first.role, first.rights | more)
        found[scope] = bundle
    return found


def system_for(source: Source) -> Actor:
    """Who acts when a source's word changes something."""
    return Actor(user=None, kind="system", label=f"source: {source.name}"[:300], via="source")


def _comparable(source: Source, group: str) -> str:
    return folded(group) if source.kind_of.is_directory else group


def _give(actor: Actor, source: Source, user: User, scope: ScopeRef, bundle: Bundle) -> None:
    label = "" if scope == SERVER else places.labels([scope]).get(scope, "")
    grant = Grant.objects.create(
        user=user, role_key=bundle.role_key, role=bundle.role, rights=sorted(each.value for each in bundle.rights),
        level=scope.level, object_id=scope.id, object_label=label[:300], granted_by_label=actor.label, source=source,
    )  # fmt: skip
    record_grant(actor, "grant.add", grant, None, bundle.label)


def require_group_role(actor: Actor, source: Source, row_id: int) -> GroupRole:
    """One of a source's. Raises: Forbidden."""
    row = source.group_roles.filter(pk=row_id).select_related("source", "role").first()
    if row is None:
        raise Forbidden("no such group")
    return row
