"""The certificates that the gateway shows."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.views.frames import refusing
from gateway.forms.reception import CertificateForm
from gateway.selectors.reception import get_certificate, list_certificates
from gateway.services import certificates
from gateway.tables.reception import CERTIFICATES


@require_safe
def certificate_list(request: ActorRequest) -> HttpResponseBase:
    rows = list_certificates(request.actor)
    context = {"is_self_signed": not rows.filter(is_default=True).exists()}
    return CERTIFICATES.answer(request, rows, "gateway/certificate_list.html", context=context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def certificate_create(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_GATEWAY)
    is_first = not list_certificates(request.actor).exists()
    form = CertificateForm(request.POST or None, request.FILES or None, initial={"is_default": is_first})
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            row = certificates.save_certificate(request.actor, None, form.values())
            toast(request, _("Clients see %(name)s within seconds.") % {"name": row})
            return redirect_page(request, "gateway:certificate-list")
    return render_page(request, "gateway/certificate_create.html", {"form": form, "roots": certificates.roots()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def certificate_edit(request: ActorRequest, certificate_id: int) -> HttpResponse:
    row = get_certificate(request.actor, certificate_id)
    names = ("name", "chain", "chain_path", "key_path", "is_default", "is_web", "version")
    form = CertificateForm(
        request.POST or None, request.FILES or None, initial={name: getattr(row, name) for name in names}
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            expected = form.cleaned_data["version"]
            certificates.save_certificate(request.actor, row, form.values(), expected=expected)
            toast(request, _("Saved. Clients see it within seconds."))
            return redirect_page(request, "gateway:certificate-list")
    danger = Danger(
        _("Delete the certificate"),
        _("Clients that ask for its names are then shown the default one, or one that Postkeep has signed itself."),
        _("Delete %(name)s") % {"name": row},
        reverse("gateway:certificate-delete", args=[row.pk]),
        typed=row.name,
    )
    is_over = row.not_after is not None and row.not_after <= timezone.now()
    context = {
        "form": form,
        "is_exposed": certificates.exposed_key(row),
        "certificate": row,
        "danger": danger,
        "is_over": is_over,
        "roots": certificates.roots(),
    }
    return render_page(request, "gateway/certificate_edit.html", context)


@require_POST
def certificate_delete(request: ActorRequest, certificate_id: int) -> HttpResponse:
    row = get_certificate(request.actor, certificate_id)
    name = row.name
    certificates.delete_certificate(request.actor, row)
    toast(request, _("%(name)s is deleted.") % {"name": name})
    return redirect_page(request, "gateway:certificate-list")
