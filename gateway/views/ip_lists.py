"""The IP lists."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.views.frames import refusing
from gateway.forms.reception import IpCheckForm, IpForm
from gateway.models import IpEntry
from gateway.selectors.reception import get_ip, list_ips
from gateway.services import ip_lists
from gateway.tables.reception import IPS, LIST_TONES


@require_safe
def ip_list(request: ActorRequest) -> HttpResponseBase:
    return IPS.answer(request, list_ips(request.actor), "gateway/ip_list.html")


@require_http_methods(["GET", "HEAD", "POST"])
def ip_add(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_GATEWAY)
    initial = {"network": request.GET.get("network", ""), "list": request.GET.get("list", IpEntry.List.BLACKLISTED)}
    form = IpForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            entry = ip_lists.add_ip(request.actor, **form.cleaned_data)
            text = _("%(network)s is on the list “%(list)s”.")
            toast(request, text % {"network": entry, "list": entry.get_list_display()})
            return redirect_page(request, "gateway:ip-list")
    return render_page(request, "gateway/ip_add.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def ip_edit(request: ActorRequest, entry_id: int) -> HttpResponse:
    """Its comment and its end; another list or network is another line."""
    entry = get_ip(request.actor, entry_id)
    initial = {"network": entry.shown, "list": entry.list, "expires_at": entry.expires_at, "comment": entry.comment}
    form = IpForm(request.POST or None, initial=initial)
    for name in ("network", "list"):
        form.fields[name].disabled = True
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            ip_lists.add_ip(request.actor, **form.cleaned_data)
            toast(request, _("Saved."))
            return redirect_page(request, "gateway:ip-list")
    danger = Danger(
        _("Take it off the list"),
        _("It counts no more from the next connection on."),
        _("Take off %(network)s") % {"network": entry},
        reverse("gateway:ip-remove", args=[entry.pk]),
    )
    return render_page(request, "gateway/ip_edit.html", {"form": form, "entry": entry, "danger": danger})


@require_POST
def ip_remove(request: ActorRequest, entry_id: int) -> HttpResponse:
    entry = get_ip(request.actor, entry_id)
    ip_lists.remove_ip(request.actor, entry)
    toast(request, _("%(network)s is off the list.") % {"network": entry})
    return redirect_page(request, "gateway:ip-list")


@require_safe
def ip_check(request: ActorRequest) -> HttpResponse:
    """On which lists an address is, and which of them counts."""
    request.actor.require(Right.MANAGE_GATEWAY)
    form = IpCheckForm(request.GET or None)
    found: list[IpEntry] | None = None
    if form.is_bound and form.is_valid():
        with refusing(form):
            lines = ip_lists.state_of(request.actor, form.cleaned_data["address"])
            rows = IpEntry.objects.in_bulk([line.number for line in lines])
            found = [rows[line.number] for line in lines if line.number in rows]
    context = {
        "form": form,
        "found": found,
        "address": form.data.get("address", ""),
        "now": timezone.now(),
        "tones": LIST_TONES,
        "lines": [(row, LIST_TONES[row.list]) for row in found or []],
    }
    return render_page(request, "gateway/ip_check.html", context, status=422 if form.errors else 200)
