"""The page that a link of a digest mail leads to. Nobody signs in, and following the link (GET) changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.errors import BadLink, TooManyAttempts
from accounts.requests import ActorRequest
from accounts.wording import wait_text
from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from config.kit.pages import redirect_page, render_page, toast
from gateway import wording
from gateway.content import DamagedContent
from gateway.errors import GatewayError
from gateway.forms.quarantine import RequestForm
from gateway.models import Recipient
from gateway.release_options import Way
from gateway.selectors.quarantine import last_request
from gateway.services import digest_links as services
from gateway.services.digest_links import Opened
from gateway.services.held import is_infected
from gateway.tables.quarantine import from_shown

State = Recipient.State


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def digest_link(request: ActorRequest, token: str) -> HttpResponse:
    """One message, and what its reader may do; the buttons do it."""
    try:
        opened = services.open_link(token, address=request.META.get("REMOTE_ADDR", ""))
        with translation.override(_language(request, opened)):
            if request.method == "POST":
                return _act(request, opened, token)
            return render_page(request, "gateway/digest_link.html", _shown(opened))
    except BadLink:
        return _unlogged(render_page(request, "gateway/digest_link_bad.html", status=404))
    except TooManyAttempts as error:
        context = {"problem": wait_text(error.retry_after_s)}
        response = render_page(request, "gateway/digest_link_bad.html", context, status=429)
        response["Retry-After"] = str(error.retry_after_s)
        return _unlogged(response)


def _unlogged(response: HttpResponse) -> HttpResponse:
    """Kept out of the log, which would show the token: what opens nothing now may open something again."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # as django.utils.log marks its own
    return response


def _language(request: ActorRequest, opened: Opened) -> str:
    """The reader's, which the mail had too; that of the page for who has chosen none."""
    person = opened.actor.user
    return (person.language if person is not None else "") or translation.get_language() or "en"


def _act(request: ActorRequest, opened: Opened, token: str) -> HttpResponse:
    """What was pressed; what can't be done is said on the page, which shows how things are."""
    try:
        match request.POST.get("do"):
            case "release":
                services.release(opened)
                said = _("The message is on its way to %(address)s.") % {"address": opened.recipient.address}
            case "clean":
                services.report_clean(opened)
                said = _("Thank you. The scanners learn from it.")
            case "ask":
                services.ask(opened, why=request.POST.get("why", ""))
                said = _("Your request was sent to the administrators.")
            case _:
                return redirect_page(request, "gateway:digest-link", token)
        toast(request, said)
    except GatewayError as error:
        toast(request, str(error), "error")
    except (StoreUnavailable, StoreError, DamagedContent):
        toast(request, _("The stored message can't be read just now. Try again later."), "error")
    return redirect_page(request, "gateway:digest-link", token)


def _shown(opened: Opened) -> dict[str, Any]:
    row = opened.recipient
    asked = last_request(row)
    return {
        "recipient": row,
        "mail": row.message,
        "from_shown": from_shown(row),
        "verdict": wording.CATEGORIES.get(row.category, row.category),
        "tone": wording.CATEGORY_TONES.get(row.category, "warn"),
        "why": wording.decided_because(row.decision),
        "until": opened.link.expires_at,
        "may_release": opened.is_here and opened.way is Way.ITSELF,
        "may_ask": opened.is_here and opened.way is Way.REQUEST and (asked is None or asked.state != "open"),
        "may_report": row.state in (State.HELD, State.RELEASED)
        and opened.link.reported_at is None
        and not is_infected(row),
        "reported": opened.link.reported_at is not None,
        "request": asked,
        "form": RequestForm(),
    }
