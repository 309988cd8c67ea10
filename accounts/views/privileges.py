"""What somebody may do with their own things, by which doors they come in, against what their password is checked."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import holdings, proving, selectors
from accounts.actors import Actor
from accounts.errors import BadGrant, LastAdministrator
from accounts.forms.privileges import PrivilegesForm
from accounts.models import User
from accounts.permissions import END_USER_RIGHTS, Right
from accounts.requests import ActorRequest
from accounts.services import privileges as services
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


@require_http_methods(["GET", "HEAD", "POST"])
def user_privileges(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    may_change = request.actor.dominates(person) and not request.actor.owns(person)
    if may_change:
        proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = PrivilegesForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        try:
            _save(request.actor, person, form)
            toast(request, _("Saved."))
            return redirect_page(request, "accounts:user-privileges", person.pk)
        except BadGrant as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except LastAdministrator:
            form.add_error(None, _("This is the last administrator who can sign in. Make another one first."))
    allowed = holdings.end_user_rights(person)
    context = {
        "object": person_page(request, person),
        "person": person,
        "form": form,
        "effective": [(label, right in allowed) for right, label in END_USER_RIGHTS.items()],
        "may_change": may_change,
    }
    return render_page(request, "accounts/user_privileges.html", context)


def _save(actor: Actor, person: User, form: PrivilegesForm) -> None:
    """A system administrator's privileges are theirs by that; only the rest is changed here."""
    data = form.cleaned_data
    if not person.is_administrator:
        services.set_privileges(actor, person, data["privileges"] or ["none"])
    if set(data["doors"]) == set(form.all_doors()):
        services.reset_login_privileges(actor, person)
    else:
        services.set_login_privileges(actor, person, data["doors"] or ["none"])
    services.set_authentication(actor, person, data["authentication"])
    services.set_distinguished_name(actor, person, data["distinguished_name"])
