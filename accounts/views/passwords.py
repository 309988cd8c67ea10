"""New passwords that somebody wants: of one person, and of everybody who belongs somewhere."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import places, selectors
from accounts.errors import NoPasswordHere
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.passwords import count_passwords, has_people
from accounts.services.password_wishes import let_password_be, want_new_password, want_new_passwords
from accounts.views.grants import scope_from
from accounts.views.pages import scope_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number


@require_POST
def user_password_want(request: ActorRequest, user_id: int) -> HttpResponse:
    """`sessions=end` signs them out everywhere as well."""
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    try:
        want_new_password(request.actor, person, end_sessions=request.POST.get("sessions") == "end")
        toast(request, _("%(person)s chooses a new password at the next sign-in.") % {"person": person})
    except NoPasswordHere as error:
        toast(request, error, "error")
    return redirect_page(request, "accounts:user-detail", person.pk)


@require_POST
def user_password_let(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    if let_password_be(request.actor, person):
        toast(request, _("%(person)s keeps the password they have.") % {"person": person})
    return redirect_page(request, "accounts:user-detail", person.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def scope_passwords(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """Have everybody of the server, a customer or a domain choose a new one."""
    scope = scope_from(level, object_id)
    if not has_people(scope):
        raise Http404("nobody belongs to this")
    obj = places.get(request.actor, scope, Right.SET_PASSWORDS)
    if request.method == "POST":
        count = want_new_passwords(request.actor, obj, end_sessions=request.POST.get("sessions") == "end")
        said = ngettext(
            "%(n)s person chooses a new password at the next sign-in.",
            "%(n)s people choose a new password at their next sign-in.",
            count,
        )
        toast(request, said % {"n": number(count)})
        return redirect_page(request, reverse("accounts:scope-passwords", args=[level, object_id]))
    context = {"object": scope_page(request, scope, obj), "facts": count_passwords(request.actor, scope)}
    return render_page(request, "accounts/scope_passwords.html", context)
