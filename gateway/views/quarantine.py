"""One kept message: what it is and why it is here, its contents without risk, and what can be done.

Contents are shown to their owner, and to others only while the owner's archive stands open to them, with a reason that
the owner sees. Frame, parts and source go by the same rules as in the archive.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.errors import Forbidden
from accounts.permissions import EndUserRight, Right
from accounts.requests import ActorRequest
from archive import reading
from archive.mail.names import safe_filename
from archive.views.messages import FRAME_POLICY, PART_POLICY
from config.kit.pages import render_page
from gateway import wording
from gateway.errors import CopyGone, NotReleasable
from gateway.forms.quarantine import DecideForm, OpenForm, ReasonForm, ReleaseForm, RequestForm
from gateway.keeping.reading import kept_of
from gateway.learning import Verdict
from gateway.models import Recipient
from gateway.selectors import quarantine as selectors
from gateway.services import spamfight
from gateway.services.held import is_infected, is_own
from gateway.services.opening import open_copy
from gateway.services.quarantine import require_releasing
from gateway.services.release_requests import may_request
from gateway.services.sender_marks import sender_of
from gateway.tables.quarantine import from_shown, score_text
from gateway.views.doors import DAMAGES, kept_page


@require_safe
@kept_page
def own_item(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """As its owner sees it."""
    found = selectors.get_item(request.actor, recipient_id)
    if not is_own(request.actor, found):
        raise Http404("not one's own")
    return _page(request, found, managed=False)


@require_safe
@kept_page
def quarantine_item(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """As who looks after it sees it."""
    found = selectors.get_item(request.actor, recipient_id)
    request.actor.require(Right.MANAGE_QUARANTINE, found)
    return _page(request, found, managed=True)


def _page(request: ActorRequest, found: Recipient, *, managed: bool) -> HttpResponse:
    kept = kept_of(found)
    context: dict[str, Any] = {
        "recipient": found,
        "mail": found.message,
        "managed": managed,
        "kept": kept,
        "from_shown": from_shown(found),
        "verdict": wording.CATEGORIES.get(found.category, found.category),
        "tone": wording.CATEGORY_TONES.get(found.category, "warn"),
        "findings": wording.findings_of(found.decision),
        "score": score_text(found),
        "parts": found.message.facts.get("score_parts", [])[:30],
        "infected": is_infected(found),
        "may_follow": not managed or request.actor.has(Right.TRACK_MAIL, found),
        "is_held": found.state == Recipient.State.HELD,
    }
    context |= _offers(request, found, managed=managed) | _contents(request, found)
    return render_page(request, "gateway/item.html", context)


def _offers(request: ActorRequest, found: Recipient, *, managed: bool) -> dict[str, Any]:
    """What the buttons offer; each service asks again."""
    actor = request.actor
    asked = selectors.last_request(found)
    offered: dict[str, Any] = {"sender": sender_of(found), "request": asked, "refusal": ""}
    try:
        require_releasing(actor, found, "for the page")
        offered["may_release"] = found.state not in (Recipient.State.DELETED, Recipient.State.EXPIRED)
    except NotReleasable as error:
        offered["refusal"] = str(error)
    except Forbidden:
        offered["may_release"] = False
    mailbox = found.mailbox
    if mailbox is not None and is_own(actor, found):
        offered["may_mark"] = actor.may(EndUserRight.MANAGE_SENDERS)
    else:
        offered["may_mark"] = actor.has(Right.MANAGE_FILTERS, found)
    offered["may_request"] = may_request(actor, found) and (asked is None or asked.state != "open")
    offered["may_decide"] = managed and asked is not None and asked.state == "open"
    verdict = Verdict.CLEAN if found.state == Recipient.State.HELD else Verdict.SPAM
    offered["keepers"] = spamfight.offered(actor, found, verdict)
    offered["release_form"] = ReleaseForm(infected=is_infected(found) and managed)
    offered["request_form"] = RequestForm()
    offered["decide_form"] = DecideForm(infected=is_infected(found))
    offered["delete_form"] = ReasonForm()
    return offered


def _contents(request: ActorRequest, found: Recipient) -> dict[str, Any]:
    allowed = selectors.reading_of(request.actor, found)
    if not allowed.allowed:
        if found.mailbox is None:
            may_open = selectors.may_open(request.actor, found)
            return {"may_read": False, "is_nobodys": True, "may_open": may_open, "open_form": OpenForm()}
        return {"may_read": False, "may_open": request.actor.has(Right.READ_OTHERS_MAIL, found.mailbox)}
    try:
        copy = open_copy(request.actor, found)
    except CopyGone as error:
        return {"may_read": True, "gone": str(error)}
    try:
        loaded = copy.loaded()
    except DAMAGES as error:
        return {"may_read": True, "damage": str(error)}
    said = loaded.reading
    as_text = said.html is None or request.GET.get("view") == "text"
    shown: dict[str, Any] = {
        "may_read": True,
        "reading": said,
        "notes": reading.notes(said),
        "attachments": reading.attachments(said),
        "as_text": as_text,
        "both": said.html is not None and said.text is not None,
        "blocks": reading.text_blocks(said.text or "") if as_text else [],
    }
    if not as_text:
        document = reading.frame(loaded, allow_remote=False)
        shown |= {"blocked": document.blocked, "trackers": document.trackers}
    return shown


@require_safe
@kept_page
def item_body(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """The document of the sandboxed frame: sanitised, nothing loaded from elsewhere."""
    copy = open_copy(request.actor, selectors.get_item(request.actor, recipient_id))
    try:
        document = reading.frame(copy.loaded(), allow_remote=False).html
    except DAMAGES as error:
        raise Http404(str(error)) from error
    response = HttpResponse(document, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@kept_page
def item_eml(request: ActorRequest, recipient_id: int) -> HttpResponseBase:
    """As it came in; what is infected only for who may release that."""
    found = selectors.get_item(request.actor, recipient_id)
    copy = open_copy(request.actor, found)
    _require_harmless(request, found)
    body = iter(()) if request.method == "HEAD" else copy.chunks()
    response = StreamingHttpResponse(body, content_type="message/rfc822")
    response["Content-Length"] = str(copy.size_bytes)
    return _as_download(
        response, safe_filename(f"{found.message.subject[:80].strip() or 'message'}.eml", "message.eml")
    )


@require_safe
@kept_page
def item_part(request: ActorRequest, recipient_id: int, index: int) -> HttpResponseBase:
    """One attachment, to be saved, never run by the browser; of infected mail only for who may release that."""
    found = selectors.get_item(request.actor, recipient_id)
    copy = open_copy(request.actor, found)
    _require_harmless(request, found)
    try:
        taken = reading.attachment(copy.loaded(), index)
    except DAMAGES as error:
        raise Http404(str(error)) from error
    if taken is None:
        raise Http404("no such part")
    return _as_download(HttpResponse(taken[1], content_type="application/octet-stream"), taken[0].name)


def _require_harmless(request: ActorRequest, found: Recipient) -> None:
    if is_infected(found):
        request.actor.require(Right.RELEASE_INFECTED, found)


def _as_download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = PART_POLICY
    response["Cache-Control"] = "private, no-cache"
    return response
