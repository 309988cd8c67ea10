"""Quotas and throttles of the server and a domain, throttles of a mailbox: what counts, from where, changing it.

One module for all levels, since they show and ask the same. The quotas of a mailbox stand on its own page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.forms import Form
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import ObjectPage, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import duration, number, size_text
from domains.forms.limits import QuotaForm, ThrottleForm
from domains.limits import UNLIMITED
from domains.models import Domain, Mailbox, Throttle
from domains.selectors import get_domain, get_mailbox
from domains.services import quotas, throttles
from domains.views.frames import domain_page, mailbox_page, refusing

FIELDS = {"size": "quota_bytes", "count": "quota_messages", "sieve": "sieve_quota_bytes"}
DIRECTIONS = ("inbound", "outbound")
FULLEST = 10


@dataclass(frozen=True)
class Place:
    """One level: whose limits these are and where its pages are."""

    scope: Domain | Mailbox | None
    url: str
    quota_url: Callable[[str], str]
    throttle_url: Callable[[str], str]
    reset_url: Callable[[str], str]
    kinds: tuple[str, ...]
    page: ObjectPage | None


@require_safe
def server_limits(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_QUOTAS)
    return _show(request, _server())


@require_safe
def domain_limits(request: ActorRequest, domain_id: int) -> HttpResponse:
    domain = get_domain(request.actor, domain_id)
    boxes = Mailbox.objects.visible_to(request.actor, Right.VIEW_USERS).filter(domain=domain, fill_permille__gt=0)
    fullest = list(boxes.order_by("-fill_permille", "-pk")[:FULLEST])
    return _show(request, _domain(request, domain), fullest=fullest)


@require_safe
def user_throttles(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    return _show(request, _mailbox(request, get_mailbox(request.actor, mailbox_id)))


@require_http_methods(["GET", "HEAD", "POST"])
def server_quota(request: ActorRequest, kind: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_QUOTAS)
    return _change_quota(request, _server(), kind)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_quota(request: ActorRequest, domain_id: int, kind: str) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_QUOTAS)
    return _change_quota(request, _domain(request, domain), kind)


@require_http_methods(["GET", "HEAD", "POST"])
def server_throttle(request: ActorRequest, direction: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_THROTTLES)
    return _change_throttle(request, _server(), direction)


@require_http_methods(["GET", "HEAD", "POST"])
def domain_throttle(request: ActorRequest, domain_id: int, direction: str) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_THROTTLES)
    return _change_throttle(request, _domain(request, domain), direction)


@require_http_methods(["GET", "HEAD", "POST"])
def user_throttle(request: ActorRequest, mailbox_id: int, direction: str) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_THROTTLES)
    return _change_throttle(request, _mailbox(request, mailbox), direction)


@require_POST
def server_throttle_remove(request: ActorRequest, direction: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_THROTTLES)
    return _remove_throttle(request, _server(), direction)


@require_POST
def domain_throttle_remove(request: ActorRequest, domain_id: int, direction: str) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.MANAGE_THROTTLES)
    return _remove_throttle(request, _domain(request, domain), direction)


@require_POST
def user_throttle_remove(request: ActorRequest, mailbox_id: int, direction: str) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_THROTTLES)
    return _remove_throttle(request, _mailbox(request, mailbox), direction)


# --- the three places ---------------------------------------------------------------------------------------------


def _place(scope: Domain | Mailbox | None, stem: str, kinds: tuple[str, ...], page: ObjectPage | None) -> Place:
    keys: list[object] = [] if scope is None else [scope.pk]
    return Place(
        scope,
        reverse(f"domains:{stem}-{'limits' if kinds else 'throttles'}", args=keys),
        lambda kind: reverse(f"domains:{stem}-quota", args=[*keys, kind]),
        lambda direction: reverse(f"domains:{stem}-throttle", args=[*keys, direction]),
        lambda direction: reverse(f"domains:{stem}-throttle-remove", args=[*keys, direction]),
        kinds,
        page,
    )


def _server() -> Place:
    return _place(None, "server", ("size", "count", "sieve"), None)


def _domain(request: ActorRequest, domain: Domain) -> Place:
    return _place(domain, "domain", ("size", "count"), domain_page(request, domain))


def _mailbox(request: ActorRequest, mailbox: Mailbox) -> Place:
    return _place(mailbox, "user", (), mailbox_page(request, mailbox))  # its quotas have a page of their own


# --- showing ------------------------------------------------------------------------------------------------------


def _show(request: ActorRequest, place: Place, **more: Any) -> HttpResponse:
    actor = request.actor
    may_quota = actor.has(Right.MANAGE_QUOTAS, place.scope)
    may_throttle = actor.has(Right.MANAGE_THROTTLES, place.scope)
    context = {
        "object": place.page,
        "quotas": [_quota_value(place, kind, may_change=may_quota) for kind in place.kinds],
        "throttles": [_throttle_value(place, direction, may_change=may_throttle) for direction in DIRECTIONS],
        **more,
    }
    template = "domains/server_limits.html" if place.page is None else "domains/limits.html"
    return render_page(request, template, context)


def _labels() -> dict[str, str]:
    return {"size": _("Size of a mailbox"), "count": _("Messages in a mailbox"), "sieve": _("Sieve scripts")}


def _sources() -> dict[str, str]:
    return {"server": _("the server"), "domain": _("the domain")}


def amount(kind: str, value: int | None) -> str:
    """A quota in words."""
    if value is None or value == UNLIMITED:
        return _("Unlimited")
    return number(value) if kind == "count" else size_text(value)


def _found(place: Place) -> dict[str, quotas.Quota]:
    return quotas.of_domain(place.scope) if isinstance(place.scope, Domain) else quotas.of_server()


def _quota_value(place: Place, kind: str, *, may_change: bool) -> ShownValue:
    quota = _found(place)[kind]
    inherited = place.scope is not None and quota.computed.source != "domain"
    source = _sources().get(quota.computed.source, _("the default")) if inherited else ""
    shown = amount(kind, quota.computed.value)
    return ShownValue(
        _labels()[kind], shown, key=f"quota-{kind}", source=source, edit_url=place.quota_url(kind) if may_change else ""
    )


def _throttle_value(place: Place, direction: str, *, may_change: bool) -> ShownValue:
    own = throttles.get_throttle(place.scope, direction)
    counts = own or throttles.above(place.scope, direction)
    label = Throttle.Direction(direction).label
    source = ""
    if own is None and place.scope is not None:
        source = _sources().get(counts.level, "") if counts is not None else _("the default")
    return ShownValue(
        label,
        throttle_text(counts),
        key=f"throttle-{direction}",
        source=source,
        reset_url=place.reset_url(direction) if own is not None and may_change else "",
        edit_url=place.throttle_url(direction) if may_change else "",
    )


def throttle_text(throttle: Throttle | None) -> str:
    """A throttle in words."""
    if throttle is None:
        return _("Unlimited")
    parts = []
    if throttle.max_messages is not None:
        parts.append(_("%(count)s messages") % {"count": number(throttle.max_messages)})
    if throttle.max_bytes is not None:
        parts.append(size_text(throttle.max_bytes))
    text = (
        _("%(what)s in %(period)s") % {"what": ", ".join(parts), "period": duration(throttle.period_s)} if parts else ""
    )
    if throttle.max_message_bytes is not None:
        largest = _("no message over %(size)s") % {"size": size_text(throttle.max_message_bytes)}
        text = f"{text}; {largest}" if text else largest
    return text


# --- changing -----------------------------------------------------------------------------------------------------


def _change_quota(request: ActorRequest, place: Place, kind: str) -> HttpResponse:
    if kind not in place.kinds:
        raise Http404("no such quota")
    quota = _found(place)[kind]
    own = quota.server if place.scope is None else quota.domain
    version = place.scope.version if place.scope is not None else quotas.server_quota().version
    form = QuotaForm(
        request.POST or None,
        label=_labels()[kind],
        inherited=_("No limit of its own") if place.scope is None else _("As the level above says"),
        is_size=kind != "count",
        value=own,
        initial={"version": version},
    )

    def save() -> None:
        values, expected = {FIELDS[kind]: form.value}, form.cleaned_data["version"]
        if isinstance(place.scope, Domain):
            quotas.set_domain_quota(request.actor, place.scope, values, expected=expected)
        else:
            quotas.set_server_quota(request.actor, values, expected=expected)

    return _save(request, place, form, save, _labels()[kind])


def _change_throttle(request: ActorRequest, place: Place, direction: str) -> HttpResponse:
    if direction not in DIRECTIONS:
        raise Http404("no such direction")
    own = throttles.get_throttle(place.scope, direction)
    form = ThrottleForm(request.POST or None, initial=ThrottleForm.initial_of(own))

    def save() -> None:
        throttles.set_throttle(
            request.actor,
            place.scope,
            direction=direction,
            period_s=form.period_s,
            limits=form.limits,
            expected=form.cleaned_data["version"],
        )

    return _save(request, place, form, save, str(Throttle.Direction(direction).label))


def _save(request: ActorRequest, place: Place, form: Form, save: Callable[[], None], title: str) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        with refusing(form, {"period": "seconds", **dict.fromkeys(FIELDS.values(), "amount")}):
            save()
            toast(request, _("%(what)s is saved.") % {"what": title})
            return redirect_page(request, place.url)
    context = {"form": form, "title": title, "back": place.url, "object": place.page}
    return render_page(request, "domains/limit_edit.html", context)


def _remove_throttle(request: ActorRequest, place: Place, direction: str) -> HttpResponse:
    if direction not in DIRECTIONS:
        raise Http404("no such direction")
    throttles.remove_throttle(request.actor, place.scope, direction=direction)
    toast(request, _("It is as the level above says."))
    return redirect_page(request, place.url)
