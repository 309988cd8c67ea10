"""What is done to a user as a whole: links and passwords, states, deletion, restoring, purging."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import proving
from accounts.errors import BadPassword
from accounts.models import User
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.services import invite, issue_reset_link, set_password
from config.kit.pages import redirect_page, render_page, toast
from domains import selectors
from domains.commands.purging import PurgeDeletedUserArguments
from domains.errors import DomainsError
from domains.forms.mailboxes import DeleteForm, PasswordForm
from domains.models import Mailbox
from domains.services import mailbox_states
from domains.services.purging import COMMAND, purge_mailbox, require_purging
from domains.views.frames import mailbox_page, refusing
from jobs import two_people
from jobs.forms import ReasonForm
from jobs.views.approvals import ask_and_answer


def _person(mailbox: Mailbox) -> User:
    if mailbox.user is None:
        raise Http404("nobody signs in with this mailbox")
    return mailbox.user


@never_cache
@require_POST
def user_link(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """A link with which the person chooses a password, shown once: the first one, or a new one."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.SET_PASSWORDS)
    person = _person(mailbox)
    if not person.is_active:
        toast(request, _("%(person)s may not sign in; allow that first.") % {"person": mailbox.address}, "error")
        return redirect_page(request, "domains:user-detail", mailbox.pk)
    issue = issue_reset_link if person.has_usable_password() else invite
    link = issue(request.actor, person)
    return render_page(request, "domains/user_link.html", {"mailbox": mailbox, "link": link})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def user_password(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Set somebody's password by hand."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.SET_PASSWORDS)
    person = _person(mailbox)
    request.actor.require_over(Right.SET_PASSWORDS, person)
    proving.require_recent(request.actor)  # before the form, so that nothing typed is lost
    form = PasswordForm(request.POST or None, about=person)
    if request.method == "POST" and form.is_valid():
        try:
            set_password(request.actor, person, **form.cleaned_data)
            toast(request, _("The password of %(person)s is set.") % {"person": mailbox.address})
            return redirect_page(request, "domains:user-detail", mailbox.pk)
        except BadPassword as error:
            form.add_error("password", error.messages)
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "form": form}
    return render_page(request, "domains/user_password.html", context)


@require_POST
def user_state(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Enable, disable or set to pending (`status`)."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    try:
        mailbox_states.set_status(request.actor, mailbox, request.POST.get("status", ""))
        words = {"address": mailbox.address, "state": str(mailbox.get_status_display()).lower()}
        toast(request, _("%(address)s is %(state)s now.") % words)
    except DomainsError as error:
        toast(request, error, "error")
    return redirect_page(request, "domains:user-detail", mailbox.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def user_delete(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Delete as a state, after a look at what stands on it."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    usual = mailbox_states.deletion_days(request.actor, mailbox.domain, None)
    form = DeleteForm(request.POST or None, initial={"after_days": usual})
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            mailbox_states.delete_mailbox(request.actor, mailbox, after_days=form.cleaned_data["after_days"])
            toast(request, _("%(address)s is deleted. It can be restored until its purge.") % {"address": mailbox})
            return redirect_page(request, "domains:user-detail", mailbox.pk)
    uses = None if mailbox.claim is None else selectors.uses_of(request.actor, mailbox.claim)
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "form": form, "uses": uses}
    return render_page(request, "domains/user_delete.html", context)


@require_POST
def user_restore(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    try:
        mailbox_states.restore_mailbox(request.actor, mailbox)
        toast(request, _("%(address)s is back.") % {"address": mailbox.address})
    except DomainsError as error:
        toast(request, error, "error")
    return redirect_page(request, "domains:user-detail", mailbox.pk)


@require_POST
def user_purge(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Purge before its date; where that takes two people, ask for it."""
    mailbox = selectors.get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    address = mailbox.address
    if require_purging(request.actor, mailbox) and two_people.needed(request.actor, Right.MANAGE_USERS, mailbox):
        return _ask_for_purge(request, mailbox)
    try:
        purge_mailbox(request.actor, mailbox)
    except DomainsError as error:
        toast(request, error, "error")
        return redirect_page(request, "domains:user-detail", mailbox.pk)
    toast(request, _("%(address)s is gone for good; its archive stays.") % {"address": address})
    return redirect_page(request, "domains:user-list")


def _ask_for_purge(request: ActorRequest, mailbox: Mailbox) -> HttpResponse:
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        answer = ask_and_answer(request, form, COMMAND, PurgeDeletedUserArguments(mailbox.address))
        if answer is not None:
            return answer
    context = {"object": mailbox_page(request, mailbox), "mailbox": mailbox, "form": form}
    return render_page(request, "domains/user_purge.html", context)
