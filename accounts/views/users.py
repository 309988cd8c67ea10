"""The people of this server, for administrators: list, make and invite, new link, shut out and let in."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import mails, selectors, sentences, services
from accounts.errors import AddressTaken, BadAddress, LastAdministrator
from accounts.forms import UserForm
from accounts.lists import USERS
from accounts.models import OneTimeLink, User
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.passwords import get_password
from accounts.services.acting import may_act_as
from accounts.services.sign_in_links import is_suitable
from accounts.views.pages import person_page
from config.kit.pages import redirect_page, render_page, toast


@require_safe
def user_list(request: ActorRequest) -> HttpResponseBase:
    return USERS.answer(request, selectors.list_users(request.actor), "accounts/user_list.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_USERS)  # people of a domain are made with their mailbox
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.create_user(request.actor, **form.cleaned_data)
            return _mail_or_show(request, user)
        except (AddressTaken, BadAddress) as error:
            taken = _("Somebody has this address already.")
            form.add_error("email", taken if isinstance(error, AddressTaken) else str(error))
    return render_page(request, "accounts/user_create.html", {"form": form})


@require_safe
def user_detail(request: ActorRequest, user_id: int) -> HttpResponse:
    actor = request.actor
    person = selectors.get_user(actor, user_id, need=Right.VIEW_USERS)
    over = actor.dominates(person)
    events = [(event, sentences.of(event.action)) for event in selectors.list_events_about(actor, person)]
    context = {
        "object": person_page(request, person),
        "person": person,
        "events": events,
        "may_manage": over and actor.has(Right.MANAGE_USERS, person),
        "may_set_password": over and actor.has(Right.SET_PASSWORDS, person) and person.is_active,
        "password": get_password(actor, person) if actor.has(Right.SET_PASSWORDS, person) else None,
        "may_want_password": over and actor.has(Right.SET_PASSWORDS, person) and not actor.owns(person),
        "may_send_link": over and actor.has(Right.SEND_SIGN_IN_LINKS, person) and is_suitable(person),
        "may_act": may_act_as(actor, person),
        "may_make_system": actor.is_administrator and not actor.owns(person) and not person.is_administrator,
    }
    return render_page(request, "accounts/user_detail.html", context)


@never_cache
@require_POST
def user_link(request: ActorRequest, user_id: int) -> HttpResponse:
    """A new invitation (who never chose a password) or a link for a new one."""
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    if not person.is_active:
        toast(request, _("%(person)s may not sign in; allow that first.") % {"person": person}, "error")
        return redirect_page(request, "accounts:user-detail", person.pk)
    return _mail_or_show(request, person)


@require_POST
def user_disable(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    try:
        services.disable_user(request.actor, person)
        toast(request, _("%(person)s can't sign in any more.") % {"person": person})
    except LastAdministrator:
        toast(request, _("This is the last administrator who can sign in. Make another one first."), "error")
    return redirect_page(request, "accounts:user-detail", person.pk)


@require_POST
def user_enable(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.MANAGE_USERS)
    services.enable_user(request.actor, person)
    toast(request, _("%(person)s can sign in again.") % {"person": person})
    return redirect_page(request, "accounts:user-detail", person.pk)


def _mail_or_show(request: ActorRequest, person: User) -> HttpResponse:
    """A link is made and mailed by a task; without a mail server it is seen here, this once: it is kept as a hash."""
    kind = OneTimeLink.Kind.RESET if person.has_usable_password() else OneTimeLink.Kind.INVITATION
    if mails.post_link(request.actor, person, kind):
        toast(request, _("The link is on its way to %(person)s.") % {"person": person.email})
        return redirect_page(request, "accounts:user-detail", person.pk)
    issue = services.issue_reset_link if kind == OneTimeLink.Kind.RESET else services.invite
    link = issue(request.actor, person)
    until = OneTimeLink.objects.filter(user=person).latest("pk").expires_at
    return render_page(request, "accounts/user_link.html", {"person": person, "link": link, "until": until})
