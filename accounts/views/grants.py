"""Giving rights on a place: the tab of who administers it, adding somebody, changing and taking what they hold."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import mails, places, proving
from accounts.actors import Actor
from accounts.errors import AddressTaken, BadAddress, BadGrant, GrantExists
from accounts.forms import AdministratorForm, GrantForm
from accounts.models import Grant, OneTimeLink, User
from accounts.permissions import Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import get_grant, list_grantable, list_grants_on, list_role_choices
from accounts.services import invite
from accounts.services.administrators import NewPerson, create_administrator, revoke_administrator
from accounts.services.grants import change_grant
from accounts.views.explaining import explained, grant_rows
from accounts.views.pages import person_page, scope_page
from config.kit.pages import redirect_page, render_page, toast

SHOWN = 200


def scope_from(level: str, object_id: int) -> ScopeRef:
    """The scope an address names. Raises: Http404."""
    try:
        scope = ScopeRef(Level(level), object_id)
    except ValueError:
        raise Http404("no such level") from None
    if (scope.level == Level.SERVER) != (scope == SERVER):
        raise Http404("the server has no number")
    return scope


@require_safe
def scope_rights(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """Who administers this; of a person also what they may do themselves."""
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.VIEW_GRANTS)
    grants = list(list_grants_on(request.actor, scope)[:SHOWN])
    context = {
        "object": scope_page(request, scope, obj),
        "scope": scope,
        "grants": grant_rows(request.actor, grants),
        "is_cut": len(grants) == SHOWN,
        "may_grant": request.actor.has(Right.GRANT_RIGHTS, obj),
        "held": explained(request.actor, obj) if isinstance(obj, User) else None,
    }
    return render_page(request, "accounts/scope_rights.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def grant_add(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """Let somebody administer this: a person who is here, or a new one who is invited."""
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.GRANT_RIGHTS)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    offered = _offered(request.actor, obj)
    initial = {"email": request.GET.get("email", ""), "role": AdministratorForm.usual_role(scope, offered["roles"])}
    form = AdministratorForm(request.POST or None, initial=initial, **offered)
    if request.method == "POST" and form.is_valid():
        new = NewPerson(form.cleaned_data["email"], form.cleaned_data["name"], form.cleaned_data["language"])
        grant = _try(form, lambda: create_administrator(request.actor, obj, new, form.bundle(), expires_at=form.end()))
        if grant is not None:
            return _made(request, grant)
    context = {"object": scope_page(request, scope, obj), "scope": scope, "form": form, **_roles(request.actor, obj)}
    return render_page(request, "accounts/grant_add.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def grant_edit(request: ActorRequest, grant_id: int) -> HttpResponse:
    grant = get_grant(request.actor, grant_id)
    request.actor.require(Right.GRANT_RIGHTS, grant.scope)
    obj = places.get(request.actor, grant.scope, Right.GRANT_RIGHTS)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = GrantForm(request.POST or None, initial=GrantForm.initial_of(grant), **_offered(request.actor, obj))
    if request.method == "POST" and form.is_valid():
        changed = _try(form, lambda: change_grant(request.actor, grant, form.bundle(), expires_at=form.end()))
        if changed is not None:
            toast(request, _("The rights of %(person)s are changed.") % {"person": grant.user.display_name})
            return redirect_page(request, "accounts:administrator-detail", grant.user.pk)
    context = {
        "object": person_page(request, grant.user),
        "grant": grant,
        "rows": grant_rows(request.actor, [grant]),
        "form": form,
        **_roles(request.actor, obj),
    }
    return render_page(request, "accounts/grant_edit.html", context)


@require_POST
def grant_remove(request: ActorRequest, grant_id: int) -> HttpResponse:
    grant = get_grant(request.actor, grant_id)
    scope, person = grant.scope, grant.user
    gone = revoke_administrator(request.actor, person, scope)
    if gone:
        toast(request, _("%(person)s held nothing else here; the account is gone.") % {"person": person.display_name})
    else:
        toast(request, _("The rights of %(person)s are taken.") % {"person": person.display_name})
    if request.actor.has(Right.VIEW_GRANTS, scope):
        return redirect_page(request, "accounts:scope-rights", scope.level.value, scope.id)
    return redirect_page(request, "accounts:own-rights")


def _offered(actor: Actor, obj: Any) -> dict[str, Any]:
    return {
        "roles": list_role_choices(actor, obj),
        "grantable": [each.right for each in list_grantable(actor, obj) if each.editable],
    }


def _roles(actor: Actor, obj: Any) -> dict[str, Any]:
    """What each role that can be given allows, in words."""
    return {"roles": [role for role in list_role_choices(actor, obj) if role.is_givable]}


def _try(form: GrantForm, do: Any) -> Grant | None:
    """What the service refuses stands at its field."""
    try:
        grant: Grant = do()
        return grant
    except BadGrant as error:
        field = {"permissions": "rights"}.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error))
    except GrantExists as error:
        form.add_error("email", str(error))
    except (BadAddress, AddressTaken) as error:
        form.add_error("email", str(error))
    return None


def _made(request: ActorRequest, grant: Grant) -> HttpResponse:
    """A new account is invited: by mail, or by a link that is shown now and never again."""
    person = grant.user
    where = ["accounts:scope-rights", grant.level, grant.object_id]
    if person.has_usable_password() or not request.actor.has(Right.SET_PASSWORDS, person) or not person.is_active:
        toast(request, _("%(person)s has the rights now.") % {"person": person.display_name})
        return redirect_page(request, *where)
    if mails.post_link(request.actor, person, OneTimeLink.Kind.INVITATION):
        toast(request, _("%(person)s has the rights now, and an invitation by mail.") % {"person": person.email})
        return redirect_page(request, *where)
    link = invite(request.actor, person)
    until = OneTimeLink.objects.filter(user=person).latest("pk").expires_at
    context = {"person": person, "link": link, "until": until, "kind": "invitation", "scope": grant.scope}
    return render_page(request, "accounts/user_link.html", context)
