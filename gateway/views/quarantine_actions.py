"""What is done to one kept message from its page: release, delete, mark its sender, report, ask, decide."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import ActorRequest
from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from config.kit.pages import redirect_page, toast
from domains.errors import DomainsError
from gateway.content import DamagedContent
from gateway.errors import CopyGone, GatewayError
from gateway.forms.quarantine import DecideForm, OpenForm, ReasonForm, ReleaseForm, ReportForm, RequestForm, SenderForm
from gateway.learning import Verdict
from gateway.models import Recipient
from gateway.selectors import quarantine as selectors
from gateway.services import opening, release_requests, sender_marks, spamfight
from gateway.services import quarantine as services
from gateway.services.held import is_own, require_handling
from gateway.views.doors import kept_page


@contextmanager
def _told(request: ActorRequest) -> Iterator[None]:
    """What the services refuse is said on the page, which shows how things are."""
    try:
        yield
    except (CopyGone, StoreUnavailable):
        raise
    except (GatewayError, DomainsError) as error:
        toast(request, str(error), "error")
    except (StoreError, DamagedContent):
        toast(request, _("The stored bytes of this message can't be read, so it can't be sent on."), "error")


def _back(request: ActorRequest, found: Recipient) -> HttpResponse:
    """To the message as the actor sees it; to the list when it is in quarantine no more."""
    own = is_own(request.actor, found) and request.POST.get("as") == "own"
    if found.state in (Recipient.State.DELETED, Recipient.State.EXPIRED):
        return redirect_page(request, "gateway:own-list" if own else "gateway:quarantine-list")
    return redirect_page(request, "gateway:own-item" if own else "gateway:quarantine-item", found.pk)


@require_POST
@kept_page
def release(request: ActorRequest, recipient_id: int) -> HttpResponse:
    found = selectors.get_item(request.actor, recipient_id)
    require_handling(request.actor, found)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        return _back(request, found)
    then, reason = form.cleaned_data["then"], form.cleaned_data["reason"]
    with _told(request):
        if then == "allow":
            sender_marks.release_and_allow(request.actor, found, reason=reason)
        else:
            services.release(request.actor, found, reason=reason, again=found.state == Recipient.State.RELEASED)
        if then == "clean":
            services.report(request.actor, found, Verdict.CLEAN)
        toast(request, _("The message is on its way to %(address)s.") % {"address": found.address})
    return _back(request, found)


@require_POST
@kept_page
def delete(request: ActorRequest, recipient_id: int) -> HttpResponse:
    found = selectors.get_item(request.actor, recipient_id)
    require_handling(request.actor, found)
    form = ReasonForm(request.POST)
    if form.is_valid():
        with _told(request):
            services.delete(request.actor, found, reason=form.cleaned_data["reason"])
            toast(request, _("The message is deleted from quarantine."))
    return _back(request, found)


@require_POST
@kept_page
def open_to_read(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """A message of an address that nobody here owns, with a reason."""
    found = selectors.get_item(request.actor, recipient_id)
    form = OpenForm(request.POST)
    with _told(request):
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        opening.open_item(request.actor, found, reason=reason)
    return redirect_page(request, "gateway:quarantine-item", found.pk)


@require_POST
@kept_page
def sender(request: ActorRequest, recipient_id: int) -> HttpResponse:
    found = selectors.get_item(request.actor, recipient_id)
    with _told(request):
        sender_marks.require_marking(request.actor, found)
        form = SenderForm(request.POST)
        if not form.is_valid():
            return _back(request, found)
        values = form.cleaned_data
        if values["mark"] == "allow":
            value = sender_marks.allow_sender(request.actor, found, whole_domain=values["whole"])
            text = _("What %(sender)s sends is let through from now on.")
        else:
            value = sender_marks.block_sender(
                request.actor, found, whole_domain=values["whole"], delete=values["delete"]
            )
            text = _("What %(sender)s sends is blocked from now on.")
        toast(request, text % {"sender": value})
    return _back(request, found)


@require_POST
@kept_page
def report(request: ActorRequest, recipient_id: int) -> HttpResponse:
    found = selectors.get_item(request.actor, recipient_id)
    require_handling(request.actor, found)
    form = ReportForm(request.POST)
    if form.is_valid():
        with _told(request):
            verdict = Verdict(form.cleaned_data["verdict"])
            if form.cleaned_data["send"]:
                spamfight.send(request.actor, found, verdict)
                toast(request, _("Thank you: it is on its way to those who look after the filters."))
            else:
                services.report(request.actor, found, verdict)
                toast(request, _("Thank you: it is noted, and scanners that learn are taught."))
    return _back(request, found)


@require_POST
@kept_page
def request_release(request: ActorRequest, recipient_id: int) -> HttpResponse:
    found = selectors.get_item(request.actor, recipient_id)
    require_handling(request.actor, found)
    form = RequestForm(request.POST)
    with _told(request):
        why = form.cleaned_data["why"] if form.is_valid() else ""
        release_requests.request_release(request.actor, found, why=why)
        toast(request, _("An administrator is asked. You see the answer here."))
    return _back(request, found)


@require_POST
@kept_page
def request_decide(request: ActorRequest, request_id: int) -> HttpResponse:
    found = selectors.get_request(request.actor, request_id)
    form = DecideForm(request.POST)
    answer = form.cleaned_data["answer"] if form.is_valid() else ""
    with _told(request):
        if request.POST.get("do") == "grant":
            release_requests.grant(request.actor, found, answer=answer)
            toast(request, _("The message is on its way to %(address)s.") % {"address": found.recipient.address})
        else:
            release_requests.decline(request.actor, found, answer=answer)
            toast(request, _("Declined; who asked is told."))
    return redirect_page(request, "gateway:request-list")
