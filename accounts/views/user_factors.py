"""Second factors of others, for who resets their passwords: how it stands, initialise or renew, switch off, devices."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.factors import get_factors
from accounts.selectors.sources import identities_of
from accounts.services import second_factors, trusted_devices
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


@require_safe
def user_factors(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    context = {
        "object": person_page(request, person),
        "person": person,
        "factors": get_factors(request.actor, person),
        "identities": [] if request.actor.owns(person) else identities_of(request.actor, person),
        "may_change": second_factors.may_change(request.actor, person),
    }
    return render_page(request, "accounts/user_factors.html", context)


@require_POST
def user_factors_initialise(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    second_factors.initialise(request.actor, person)
    toast(request, _("%(person)s sets up a second factor when they come next.") % {"person": person})
    return redirect_page(request, "accounts:user-factors", person.pk)


@require_POST
def user_factors_remove(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    if second_factors.remove_second_factors(request.actor, person):
        toast(request, _("%(person)s has no second factor any more.") % {"person": person})
    return redirect_page(request, "accounts:user-factors", person.pk)


@require_POST
def user_devices_revoke(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    trusted_devices.revoke_devices(request.actor, person)
    toast(request, _("Every device of %(person)s is asked for the second step again.") % {"person": person})
    return redirect_page(request, "accounts:user-factors", person.pk)
