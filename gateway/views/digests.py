"""When digest mails come: the settings of the server, customers, domains and people, one's own, and the mail itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places
from accounts.errors import BadOption, Forbidden
from accounts.models import User
from accounts.permissions import EndUserRight, Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.views.grants import scope_from
from accounts.views.pages import scope_page
from config.kit import branding
from config.kit.pages import redirect_page, render_page, toast
from domains.selectors import mailbox_of
from gateway.digests.items import COVERS, examples, find, item_of
from gateway.digests.letter import Around, as_page
from gateway.digests.options import OFTEN, Often, plans_of
from gateway.digests.times import next_due
from gateway.forms.digests import DigestForm
from gateway.release_options import ways_of
from gateway.services import digests as services
from jobs.views.reports import FRAME_POLICY

_API = {
    Level.SERVER: "/api/v1/server/digest",
    Level.DOMAIN: "/api/v1/domains/{}/digest",
    Level.USER: "/api/v1/users/{}/digest",
}


@require_http_methods(["GET", "HEAD", "POST"])
def server_digest(request: ActorRequest) -> HttpResponse:
    return digest_settings(request, Level.SERVER.value, 0)


@require_http_methods(["GET", "HEAD", "POST"])
def digest_settings(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """Of the server, a customer, a domain, or a person whom one looks after."""
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.MANAGE_QUARANTINE)
    found = services.get_schedule(request.actor, obj)
    form = DigestForm(request.POST or None, found=found)
    if request.method == "POST" and _saved(request, obj, form):
        return redirect_page(request, _page_of(scope))
    context = {
        "object": scope_page(request, scope, obj),
        "form": form,
        "frame_url": reverse("gateway:digest-example", args=[level, object_id]),
        "send_url": reverse("gateway:digest-example-send", args=[level, object_id]),
        "level": scope.level.value,
        "api_path": _API.get(scope.level, "").format(scope.id),
    }
    return render_page(request, "gateway/digest_settings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def own_digest(request: ActorRequest) -> HttpResponse:
    person = _own(request)
    found = services.get_schedule(request.actor, person)
    form = DigestForm(request.POST or None, found=found)
    if request.method == "POST" and _saved(request, person, form):
        return redirect_page(request, "gateway:own-digest")
    (plan,) = plans_of([person])
    context = {
        "tab": "digest",
        "form": form,
        "has_mailbox": mailbox_of(person) is not None,
        "next": next_due(plan, timezone.now()),
        "often": OFTEN[plan.often] if plan.often is not Often.OFF else "",
        "zone": plan.zone,
        "api_path": _API[Level.USER].format(person.pk),
    }
    return render_page(request, "gateway/own_digest.html", context)


@never_cache
@require_safe
def own_digest_preview(request: ActorRequest) -> HttpResponse:
    """What would be mailed now; its links lead nowhere."""
    person = _own(request)
    box = mailbox_of(person)
    now = timezone.now()
    found = None if box is None else find(box.pk, now - COVERS, now)
    language = get_language() or "en"
    (plan,) = plans_of([person])
    if box is None or found is None or not found.rows:
        return _document(as_page(examples(), services.example_around(person, person, language)))
    ways = ways_of(box)
    brand = branding.of_person(person, language)
    around = Around(box.address, found.count, plan.link_days, str(OFTEN[plan.often]), brand)
    return _document(as_page([item_of(row, ways, "#") for row in found.rows], around))


@require_POST
def own_digest_send(request: ActorRequest) -> HttpResponse:
    box = mailbox_of(_own(request))
    if box is None:
        toast(request, _("There is no mailbox with this account."), "error")
        return redirect_page(request, "gateway:own-digest")
    try:
        count = services.send_own(request.actor, box)
        toast(request, _("A mail about %(count)d messages is on its way to you.") % {"count": count})
    except services.NotMailed as error:
        toast(request, str(error), "error")
    return redirect_page(request, "gateway:own-digest")


@never_cache
@require_safe
def digest_example(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    """The mail with messages that don't exist, as people of this domain would get it."""
    obj = places.get(request.actor, scope_from(level, object_id), Right.MANAGE_QUARANTINE)
    assert request.actor.user is not None
    around = services.example_around(request.actor.user, obj, get_language() or "en")
    return _document(as_page(examples(), around))


@require_POST
def digest_example_send(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    scope = scope_from(level, object_id)
    obj = places.get(request.actor, scope, Right.MANAGE_QUARANTINE)
    try:
        address = services.send_example(request.actor, obj)
        toast(request, _("An example was sent to %(address)s.") % {"address": address})
    except services.NotMailed as error:
        toast(request, str(error), "error")
    return redirect_page(request, _page_of(scope))


def _own(request: ActorRequest) -> User:
    """Raises: Forbidden, also for who acts as somebody."""
    person = request.actor.user
    if person is None or request.actor.acting is not None:
        raise Forbidden("one's own only")
    request.actor.require_own(EndUserRight.RELEASE_QUARANTINE)
    return person


def _saved(request: ActorRequest, obj: Any, form: DigestForm) -> bool:
    if not form.is_valid():
        return False
    try:
        services.set_schedule(request.actor, obj, form.values())
    except BadOption as error:
        form.add_error(None, str(error))
        return False
    toast(request, _("The settings are saved."))
    return True


def _page_of(scope: ScopeRef) -> str:
    if scope == SERVER:
        return reverse("gateway:server-digest")
    return reverse("gateway:digest-settings", args=[scope.level.value, scope.id])


def _document(html: str) -> HttpResponse:
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response
