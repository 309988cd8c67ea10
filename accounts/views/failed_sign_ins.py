"""Who tried to sign in in vain, who waits because of it, and which networks are shut out."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import BadGrant
from accounts.forms.guarding import BlockForm
from accounts.lists_guarding import FAILED
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.selectors.guarding import get_wait, list_blocks, list_failed_sign_ins, list_waits
from accounts.services.blocks import block_network, lift_wait, require_managing, unblock_network
from config.kit.pages import redirect_page, render_page, toast


@require_safe
def failed_sign_in_list(request: ActorRequest) -> HttpResponseBase:
    context = {"may_block": request.actor.has(Right.MANAGE_SERVER)}
    return FAILED.answer(request, list_failed_sign_ins(request.actor), "accounts/failed_sign_in_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_blocks(request: ActorRequest) -> HttpResponse:
    require_managing(request.actor)
    form = BlockForm(request.POST or None, initial={"network": request.GET.get("network", "")[:60]})
    if request.method == "POST" and form.is_valid():
        try:
            row = block_network(request.actor, **form.values())
            toast(request, _("%(network)s is blocked.") % {"network": row.network})
            return redirect_page(request, "accounts:sign-in-blocks")
        except BadGrant as error:
            form.add_error("network" if error.field == "network" else None, str(error))
    context = {
        "form": form,
        "blocks": list_blocks(request.actor),
        "waits": list_waits(request.actor),
        "own_address": request.META.get("REMOTE_ADDR", ""),
    }
    return render_page(request, "accounts/sign_in_blocks.html", context)


@require_POST
def sign_in_unblock(request: ActorRequest) -> HttpResponse:
    require_managing(request.actor)
    try:
        unblock_network(request.actor, request.POST.get("network", "")[:60])
        toast(request, _("The network is let in again."))
    except BadGrant as error:
        toast(request, str(error), "error")
    return redirect_page(request, "accounts:sign-in-blocks")


@require_POST
def sign_in_wait_lift(request: ActorRequest, wait_id: int) -> HttpResponse:
    lift_wait(request.actor, get_wait(request.actor, wait_id))
    toast(request, _("They may try again at once."))
    return redirect_page(request, "accounts:sign-in-blocks")
