"""Roles: those that are always there and own ones side by side, one with its holders, made, changed, deleted."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places, proving
from accounts.actors import Actor
from accounts.errors import BadGrant, NameTaken, RoleInUse
from accounts.forms import PlaceForm, RoleForm
from accounts.models import Role
from accounts.permissions import BUILT_IN_ROLES, LEVEL_LABELS, RIGHTS, Level, Right, known_rights, rights_at
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import get_role, list_holders, roles_visible_to
from accounts.services.roles import change_role, create_role, delete_role
from accounts.views.explaining import grant_rows
from accounts.views.grants import scope_from
from config.kit.objects import Danger, ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile

SHOWN = 200


@require_safe
def role_list(request: ActorRequest) -> HttpResponse:
    """Own roles as a list, and all roles as a matrix of rights."""
    request.actor.require_somewhere(Right.VIEW_GRANTS)
    own = list(roles_visible_to(request.actor)[:SHOWN])
    names = places.labels(role.scope for role in own)
    rows = [(role, names.get(role.scope, ""), LEVEL_LABELS[Level(role.level)]) for role in own]
    columns = [(role.label, role.rights) for role in BUILT_IN_ROLES.values()]
    context = {
        "roles": rows,
        "columns": [label for label, _rights in columns],
        "matrix": _matrix(columns),
        "may_make": request.actor.has_somewhere(Right.MANAGE_ROLES),
    }
    return render_page(request, "accounts/role_list.html", context)


@require_safe
def role_new(request: ActorRequest) -> HttpResponse:
    """Choose the place first: a role is for it and for what lies below."""
    request.actor.require_somewhere(Right.MANAGE_ROLES)
    levels = [level for level in places.levels() if level != Level.USER]
    levels = [level for level in levels if level != Level.SERVER or request.actor.has(Right.MANAGE_ROLES)]
    form = PlaceForm(request.GET if "level" in request.GET else None, levels=levels)
    if form.is_bound and form.is_valid():
        scope = places.find(Level(form.cleaned_data["level"]), form.cleaned_data["name"])
        if scope is not None and request.actor.has(Right.MANAGE_ROLES, scope):
            return redirect_page(request, "accounts:role-create", scope.level.value, scope.id)
        form.add_error("name", _("There is nothing of this name where you may make roles."))
    return render_page(request, "accounts/role_new.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def role_create(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.MANAGE_ROLES)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = RoleForm(request.POST or None, offered=_offered(request.actor, scope))
    if request.method == "POST" and form.is_valid():
        role = _try(form, lambda: create_role(request.actor, obj, **_values(form)))
        if role is not None:
            toast(request, _("The role “%(role)s” can be given now.") % {"role": role.name})
            return redirect_page(request, "accounts:role-detail", role.pk)
    context = {"form": form, "place": _("the server") if scope == SERVER else str(obj)}
    return render_page(request, "accounts/role_create.html", context)


@require_safe
def role_detail(request: ActorRequest, role_id: int) -> HttpResponse:
    role = get_role(request.actor, role_id)
    may_change = _may_change(request.actor, role)
    holders = list(list_holders(request.actor, role)[:SHOWN])
    groups = {str(info.group): list[Any]() for info in RIGHTS.values()}
    for right in RIGHTS:
        if right in known_rights(role.rights):
            groups[str(RIGHTS[right].group)].append(RIGHTS[right].label)
    context = {
        "object": _page(request, role, may_change),
        "role": role,
        "groups": [(group, labels) for group, labels in groups.items() if labels],
        "holders": grant_rows(request.actor, holders),
        "danger": _danger(role, len(holders)) if may_change else None,
    }
    return render_page(request, "accounts/role_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def role_edit(request: ActorRequest, role_id: int) -> HttpResponse:
    role = get_role(request.actor, role_id, need=Right.MANAGE_ROLES)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    initial = {"name": role.name, "description": role.description, "rights": role.rights, "version": role.version}
    initial["needs_second_factor"] = role.needs_second_factor
    form = RoleForm(request.POST or None, initial=initial, offered=_offered(request.actor, role.scope))
    if request.method == "POST" and form.is_valid():
        expected = form.cleaned_data["version"]
        changed = _try(form, lambda: change_role(request.actor, role, _values(form), expected=expected))
        if changed is not None:
            toast(request, _("Saved. Everybody who holds the role has what it says now."))
            return redirect_page(request, "accounts:role-detail", role.pk)
    context = {"object": _page(request, role, False), "role": role, "form": form}
    return render_page(request, "accounts/role_edit.html", context)


@require_POST
def role_delete(request: ActorRequest, role_id: int) -> HttpResponse:
    role = get_role(request.actor, role_id, need=Right.MANAGE_ROLES)
    try:
        delete_role(request.actor, role)
    except RoleInUse as error:
        toast(request, str(error), "error")
        return redirect_page(request, "accounts:role-detail", role.pk)
    toast(request, _("The role “%(role)s” is deleted.") % {"role": role.name})
    return redirect_page(request, "accounts:role-list")


def _page(request: ActorRequest, role: Role, may_change: bool) -> ObjectPage:
    place = "" if role.scope == SERVER else places.labels([role.scope]).get(role.scope, "")
    return ObjectPage.of(
        request,
        "role",
        role,
        name=role.name,
        facts=[LEVEL_LABELS[Level(role.level)], place] if place else [LEVEL_LABELS[Level(role.level)]],
        crumbs=[(_("Roles"), reverse("accounts:role-list"))],
        edit_url=reverse("accounts:role-edit", args=[role.pk]) if may_change else "",
    )


def _danger(role: Role, holders: int) -> Danger:
    return Danger(
        title=_("Delete this role"),
        text=_("It can't be given any more. People who hold it must get another one first."),
        verb=_("Delete role"),
        url=reverse("accounts:role-delete", args=[role.pk]),
        typed=role.name,
        numbers=[(holders, ngettext("person holds it", "people hold it", holders))],
    )


def _may_change(actor: Actor, role: Role) -> bool:
    rights = known_rights(role.rights) & rights_at(Level(role.level))
    return actor.has(Right.MANAGE_ROLES, role.scope) and actor.holds(rights, role.scope)


def _offered(actor: Actor, scope: ScopeRef) -> frozenset[Right]:
    return actor.rights_on(scope) & rights_at(scope.level)


def _values(form: RoleForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("name", "description", "rights", "needs_second_factor")}


def _try(form: RoleForm, do: Any) -> Role | None:
    try:
        role: Role = do()
        return role
    except BadGrant as error:
        field = {"permissions": "rights"}.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error))
    except NameTaken as error:
        form.add_error("name", str(error))
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))
    return None


def _matrix(columns: list[tuple[Any, frozenset[Right]]]) -> list[tuple[str, list[tuple[Any, list[bool]]]]]:
    """[(group, [(right's label, [held by each column])])]."""
    groups: dict[str, list[tuple[Any, list[bool]]]] = {}
    for right, info in RIGHTS.items():
        groups.setdefault(str(info.group), []).append((info.label, [right in rights for _label, rights in columns]))
    return list(groups.items())
