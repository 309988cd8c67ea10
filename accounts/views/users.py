"""The people of this server, for administrators: list, make and invite, new link, shut out and let in."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors, services
from accounts.errors import AddressTaken, BadAddress, LastAdministrator
from accounts.forms import UserForm
from accounts.models import User
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.tables import UserTable
from accounts.wording import action_text
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import keyset
from config.kit.tables import Empty


@require_safe
def user_list(request: ActorRequest) -> HttpResponse:
    search = request.GET.get("q", "").strip()
    page = keyset(request, selectors.list_users(request.actor, search=search), order="email")
    nobody = Empty(_("Nobody has this name or address"), icon="users")
    table = UserTable(page.rows, request=request, pager=page.pager, empty=nobody)
    context = {"table": table, "search": search}
    return render_page(request, "accounts/user_list.html", context, partial="table")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_USERS)  # people of a domain are made with their mailbox
    form = UserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = services.create_user(request.actor, **form.cleaned_data)
            link = services.invite(request.actor, user)
            return _show_link(request, user, link)
        except (AddressTaken, BadAddress) as error:
            taken = _("Somebody has this address already.")
            form.add_error("email", taken if isinstance(error, AddressTaken) else str(error))
    return render_page(request, "accounts/user_create.html", {"form": form})


@require_safe
def user_detail(request: ActorRequest, user_id: int) -> HttpResponse:
    person = selectors.get_user(request.actor, user_id, need=Right.VIEW_USERS)
    events = [
        {"at": event.at, "actor_label": event.actor_label, "text": action_text(event.action)}
        for event in selectors.list_events_about(request.actor, person)
    ]
    return render_page(request, "accounts/user_detail.html", {"person": person, "events": events})


@never_cache
@require_POST
def user_link(request: ActorRequest, user_id: int) -> HttpResponse:
    """A new invitation (who never chose a password) or a link for a new one."""
    person = selectors.get_user(request.actor, user_id, need=Right.SET_PASSWORDS)
    if not person.is_active:
        toast(request, _("%(person)s may not sign in; allow that first.") % {"person": person}, "error")
        return redirect_page(request, "accounts:user-detail", person.pk)
    issue = services.issue_reset_link if person.has_usable_password() else services.invite
    return _show_link(request, person, issue(request.actor, person))


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


def _show_link(request: ActorRequest, person: User, link: str) -> HttpResponse:
    """The only time the link is seen; it is kept as a hash."""
    return render_page(request, "accounts/user_link.html", {"person": person, "link": link})
