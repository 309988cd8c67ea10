"""What waits for moderators of mailing lists; and the page behind the way off a list, which anybody may open."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from domains.errors import DomainsError
from domains.models import MailingList, Subscriber
from domains.views.lists import list_frame
from gateway.lists import addresses, commands
from gateway.selectors.list_posts import get_moderated, get_posting, list_held, list_posted
from gateway.services import list_posts
from gateway.wording import list_reason

SHOWN = 50


@require_safe
def list_held_page(request: ActorRequest, list_id: int) -> HttpResponse:
    found = get_moderated(request.actor, list_id)
    rows = list(list_held(found)[:SHOWN])
    held = [{"row": row, "why": list_reason(row.why), "text": _beginning(list_posts.text_of(row))} for row in rows]
    context = {
        "object": list_frame(request, found),
        "list": found,
        "held": held,
        "posted": [{"row": row, "why": list_reason(row.why)} for row in list_posted(found)[:SHOWN]],
        "waits_for_digest": any(row.state == "digest" for row in list_posted(found)[:SHOWN]),
        "decide_url": reverse("gateway:list-held", args=[found.pk]),
    }
    return render_page(request, "gateway/list_held.html", context)


def _beginning(raw: bytes) -> str:
    """A few lines of what somebody wrote, as they stand in the message."""
    body = raw.partition(b"\r\n\r\n")[2]
    return body.decode("utf-8", "replace")[:1500].strip()


@require_POST
def list_decide(request: ActorRequest, list_id: int, posting_id: int) -> HttpResponse:
    found = get_moderated(request.actor, list_id)
    posting = get_posting(found, posting_id)
    verdict = request.POST.get("verdict", "")
    try:
        if verdict == "approve":
            list_posts.approve(request.actor, posting)
            toast(request, _("It is distributed in a moment."))
        elif verdict in ("reject", "discard"):
            list_posts.reject(request.actor, posting, silently=verdict == "discard")
            toast(request, _("It is not distributed."))
    except DomainsError as error:
        toast(request, str(error), "error")
    return redirect_page(request, "gateway:list-held", list_id)


@require_POST
def list_digest(request: ActorRequest, list_id: int) -> HttpResponse:
    found = get_moderated(request.actor, list_id)
    was_sent = list_posts.send_digest_now(request.actor, found)
    toast(request, _("The digest is on its way.") if was_sent else _("Nothing was posted since the last digest."))
    return redirect_page(request, "gateway:list-held", list_id)


@csrf_exempt  # RFC 8058: mail programs post it by themselves; the proof in the address is what counts
@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_leave(request: ActorRequest, list_id: int, proof: str) -> HttpResponse:
    """A GET changes nothing: scanners follow links."""
    found = MailingList.objects.select_related("address__domain", "owner").filter(pk=list_id).first()
    number = None if found is None else addresses.subscriber_of(found.pk, proof, "leave")
    if found is None or number is None:
        return render_page(request, "gateway/list_leave.html", {"is_gone": True}, status=404)
    context: dict[str, Any] = {"list": found, "is_done": False}
    if request.method == "POST":
        commands.leave(found, proof)
        context["is_done"] = True
    elif not Subscriber.objects.filter(pk=number, list=found).exists():
        context["is_done"] = True
    return render_page(request, "gateway/list_leave.html", context)
