"""Administrators: the list, one with what they hold, made, changed, taken away; and what a person may do and why."""

from __future__ import annotations

from django.db.models import Prefetch
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places, selectors
from accounts.errors import AddressTaken, BadAddress, BadGrant, LastAdministrator
from accounts.forms import PlaceForm
from accounts.forms.people import AdministratorEditForm
from accounts.lists import ADMINISTRATORS
from accounts.models import User
from accounts.permissions import END_USER_RIGHTS, Level, Right
from accounts.requests import ActorRequest
from accounts.selectors.administrators import get_administrator, grants_visible_to, list_administrators, list_grants
from accounts.services.administrators import delete_administrator, update_administrator
from accounts.services.grants import set_system_administrator
from accounts.views.explaining import explained, grant_rows
from accounts.views.pages import person_page
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile


@require_safe
def administrator_list(request: ActorRequest) -> HttpResponseBase:
    visible = Prefetch("grants", queryset=grants_visible_to(request.actor))
    rows = list_administrators(request.actor).prefetch_related(visible)
    context = {"may_grant": request.actor.has_somewhere(Right.GRANT_RIGHTS)}
    return ADMINISTRATORS.answer(request, rows, "accounts/administrator_list.html", context)


@require_safe
def administrator_create(request: ActorRequest) -> HttpResponse:
    """Choose the place first; what can be given depends on it."""
    request.actor.require_somewhere(Right.GRANT_RIGHTS)
    levels = [level for level in places.levels() if level != Level.SERVER or request.actor.has(Right.GRANT_RIGHTS)]
    form = PlaceForm(request.GET if "level" in request.GET else None, levels=levels)
    if form.is_bound and form.is_valid():
        scope = places.find(Level(form.cleaned_data["level"]), form.cleaned_data["name"])
        if scope is not None and request.actor.has(Right.GRANT_RIGHTS, scope):
            email = request.GET.get("email", "")
            url = reverse("accounts:grant-add", args=[scope.level.value, scope.id])
            return redirect_page(request, f"{url}?email={email}" if email else url)
        form.add_error("name", _("There is nothing of this name where you may give rights."))
    context = {"form": form, "email": request.GET.get("email", "")}
    return render_page(request, "accounts/administrator_create.html", context)


@require_safe
def administrator_detail(request: ActorRequest, user_id: int) -> HttpResponse:
    person = get_administrator(request.actor, user_id)
    actor = request.actor
    grants = list_grants(actor, person)
    context = {
        "object": person_page(request, person),
        "person": person,
        "grants": grant_rows(actor, grants),
        "may_edit": actor.has(Right.MANAGE_USERS, person) and actor.dominates(person),
        "may_grant": actor.has_somewhere(Right.GRANT_RIGHTS) and not actor.owns(person),
        "may_make_system": actor.is_administrator and not actor.owns(person),
        "danger": _danger(person, len(grants)) if not actor.owns(person) else None,
    }
    return render_page(request, "accounts/administrator_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def administrator_edit(request: ActorRequest, user_id: int) -> HttpResponse:
    person = get_administrator(request.actor, user_id)
    request.actor.require_over(Right.MANAGE_USERS, person)
    form = AdministratorEditForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            update_administrator(request.actor, person, form.changes(), expected=form.cleaned_data["version"])
            toast(request, _("Saved."))
            return redirect_page(request, "accounts:administrator-detail", person.pk)
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        except BadGrant as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except (BadAddress, AddressTaken) as error:
            taken = _("Somebody has this address already.")
            form.add_error("email", taken if isinstance(error, AddressTaken) else str(error))
        except LastAdministrator:
            form.add_error("is_active", _("This is the last administrator who can sign in. Make another one first."))
    context = {"object": person_page(request, person), "person": person, "form": form}
    return render_page(request, "accounts/administrator_edit.html", context)


@require_POST
def administrator_delete(request: ActorRequest, user_id: int) -> HttpResponse:
    person = get_administrator(request.actor, user_id)
    try:
        gone = delete_administrator(request.actor, person)
    except LastAdministrator:
        toast(request, _("This is the last administrator who can sign in. Make another one first."), "error")
        return redirect_page(request, "accounts:administrator-detail", person.pk)
    said = _("%(person)s and the account are gone.") if gone else _("%(person)s administers nothing any more.")
    toast(request, said % {"person": person.display_name})
    return redirect_page(request, "accounts:administrator-list")


@require_POST
def administrator_system(request: ActorRequest, user_id: int) -> HttpResponse:
    """Make somebody a system administrator, or one no more."""
    person = selectors.get_user(request.actor, user_id, need=Right.GRANT_RIGHTS)
    wanted = request.POST.get("is_administrator") == "yes"
    try:
        set_system_administrator(request.actor, person, wanted)
    except LastAdministrator:
        toast(request, _("This is the last administrator who can sign in. Make another one first."), "error")
    else:
        said = (
            _("%(person)s may do everything now.") if wanted else _("%(person)s is no system administrator any more.")
        )
        toast(request, said % {"person": person.display_name})
    return redirect_page(request, "accounts:user-detail" if not wanted else "accounts:administrator-detail", person.pk)


@require_safe
def administrator_explain(request: ActorRequest, user_id: int) -> HttpResponse:
    """What this person may do, and where each right comes from."""
    person = get_administrator(request.actor, user_id)
    context = {"object": person_page(request, person), "person": person, "groups": explained(request.actor, person)}
    return render_page(request, "accounts/administrator_explain.html", context)


@require_safe
def own_rights(request: ActorRequest) -> HttpResponse:
    """The same for oneself, with what one may do with one's own things."""
    person = request.actor.user
    assert person is not None
    own = [(label, request.actor.may(right)) for right, label in END_USER_RIGHTS.items()]
    context = {"person": person, "groups": explained(request.actor, person), "own": own}
    return render_page(request, "accounts/own_rights.html", context)


def _danger(person: User, grants: int) -> Danger:
    return Danger(
        title=_("Delete this administrator"),
        text=_("Everything they administer is taken. Without a mailbox here the account goes, with its tokens."),
        verb=_("Delete administrator"),
        url=reverse("accounts:administrator-delete", args=[person.pk]),
        typed=person.email,
        numbers=[(grants, ngettext("place where they hold rights", "places where they hold rights", grants))],
    )
