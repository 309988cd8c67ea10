"""Signatures of people: one's own, and those of somebody whom the actor manages; pictures and previews of them."""

from __future__ import annotations

from contextlib import suppress

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Forbidden
from accounts.permissions import EndUserRight, Right
from accounts.requests import ActorRequest
from accounts.scopes import ScopeRef
from archive.views.messages import FRAME_POLICY
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.errors import DomainsError
from domains.models import Mailbox
from domains.selectors import get_mailbox, mailbox_of
from domains.views.frames import mailbox_page, refusing
from gateway import signature_previews as previews
from gateway.forms.signatures import OwnSignatureForm, PictureForm
from gateway.models import OwnSignature, SignaturePicture
from gateway.selectors import signatures as selectors
from gateway.services import signature_pictures as pictures
from gateway.services import signatures
from gateway.services.signature_html import pictures_in
from gateway.signatures.pictures import MOST_BYTES

EDIT = ["GET", "HEAD", "POST"]
# The page that is edited in: no scripts of its own; the page around it, of the same origin, writes into it.
CANVAS_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self' data: https:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_CANVAS = """<!doctype html><html><head><meta charset="utf-8"><title>.</title><style>
body{margin:12px;font:15px/1.45 Calibri,Carlito,Arial,sans-serif;color:#111;background:#fff;min-height:120px;
overflow-wrap:anywhere}body:focus{outline:0}img{max-width:100%}table{border-collapse:collapse}
</style></head><body></body></html>"""


def framed(html: str, policy: str = FRAME_POLICY) -> HttpResponse:
    """A document for a frame of ours."""
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = policy
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    patch_cache_control(response, private=True, no_cache=True)
    return response


def is_dark(request: ActorRequest) -> bool:
    return (request.POST.get("shade") or request.GET.get("shade")) == "dark"


@require_safe
def my_signatures(request: ActorRequest) -> HttpResponse:
    mailbox = None if request.actor.user is None else mailbox_of(request.actor.user)
    if mailbox is None:
        return render_page(request, "gateway/my_signatures.html", {"has_none": True})
    context = _stand(request, mailbox) | {"may_change": _may_change(request, mailbox)}
    return render_page(request, "gateway/my_signatures.html", context)


@require_safe
def user_signatures(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id)
    may_change = request.actor.has(Right.MANAGE_USERS, mailbox)
    context = _stand(request, mailbox) | {"object": mailbox_page(request, mailbox), "may_change": may_change}
    return render_page(request, "gateway/user_signatures.html", context)


def _stand(request: ActorRequest, mailbox: Mailbox) -> dict[str, object]:
    effective = previews.effective_for(mailbox)
    return {
        "mailbox": mailbox,
        "signatures": list(selectors.list_own(mailbox)),
        "are_used": signatures.are_own_used(mailbox),
        "effective": effective,
        "pictures": _pictures(mailbox),
        "picture_form": PictureForm(),
        "api_path": f"/api/v1/users/{mailbox.user_id}/signatures" if mailbox.user_id else "",
    }


def _may_change(request: ActorRequest, mailbox: Mailbox) -> bool:
    return request.actor.may(EndUserRight.MANAGE_SIGNATURE) and signatures.are_own_used(mailbox)


def _pictures(mailbox: Mailbox) -> list[tuple[SignaturePicture, bool]]:
    rows = pictures.pictures_of(mailbox).select_related("content").defer("content__data")
    return [(row, pictures.is_used(row)) for row in rows]


@require_safe
def signature_effective(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """What somebody's first message to people elsewhere gets, as a document for a frame."""
    own = request.actor.user is not None and request.actor.acting is None
    mine = selectors.own_mailbox(request.actor) if own and _is_mine(request, mailbox_id) else None
    mailbox = mine or get_mailbox(request.actor, mailbox_id)
    return framed(previews.document_of(previews.effective_for(mailbox), is_dark=is_dark(request)))


def _is_mine(request: ActorRequest, mailbox_id: int) -> bool:
    return Mailbox.objects.filter(pk=mailbox_id, user=request.actor.user).exists()


@never_cache
@require_http_methods(EDIT)
def my_signature_create(request: ActorRequest) -> HttpResponse:
    mailbox = selectors.own_mailbox(request.actor)
    signatures.require_own_signatures(request.actor, mailbox)
    return _create(request, mailbox, "gateway:my-signatures", ())


@never_cache
@require_http_methods(EDIT)
def user_signature_create(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    return _create(request, mailbox, "gateway:user-signatures", (mailbox.pk,))


def _create(request: ActorRequest, mailbox: Mailbox, back: str, args: tuple[int, ...]) -> HttpResponse:
    first = not selectors.list_own(mailbox).exists()
    form = OwnSignatureForm(
        request.POST or None, initial={"name": _("Signature") if first else "", "is_default": first}
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            signatures.create_own(request.actor, mailbox, form.values())
            toast(request, _("The signature is saved."))
            return redirect_page(request, back, *args)
    return render_page(request, "gateway/signature_edit.html", _editor(mailbox, form, None, reverse(back, args=args)))


@never_cache
@require_http_methods(EDIT)
def my_signature_edit(request: ActorRequest, signature_id: int) -> HttpResponse:
    row = selectors.get_own(request.actor, signature_id)
    signatures.require_own_signatures(request.actor, row.mailbox)
    shown = {name: getattr(row, name) for name in ("name", "html", "text", "is_default", "version")}
    form = OwnSignatureForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            signatures.update_own(request.actor, row, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The signature is saved."))
            return redirect_page(request, _back(request, row.mailbox))
    return render_page(
        request, "gateway/signature_edit.html", _editor(row.mailbox, form, row, _back(request, row.mailbox))
    )


def _back(request: ActorRequest, mailbox: Mailbox) -> str:
    if _is_mine(request, mailbox.pk):
        return reverse("gateway:my-signatures")
    return reverse("gateway:user-signatures", args=[mailbox.pk])


def _editor(mailbox: Mailbox, form: OwnSignatureForm, row: OwnSignature | None, back: str) -> dict[str, object]:
    danger = None
    if row is not None:
        danger = Danger(
            _("Delete the signature"),
            _("Mail goes out without it from the next message on."),
            _("Delete the signature"),
            reverse("gateway:my-signature-delete", args=[row.pk]),
        )
    return {
        "form": form,
        "title": row.name if row is not None else _("New signature"),
        "mailbox": mailbox,
        "back": back,
        "danger": danger,
        "preview_url": reverse("gateway:my-signature-preview"),
        "picture_url": reverse("gateway:my-picture-add", args=[mailbox.pk]),
    }


@require_POST
def my_signature_delete(request: ActorRequest, signature_id: int) -> HttpResponse:
    row = selectors.get_own(request.actor, signature_id)
    back = _back(request, row.mailbox)
    signatures.delete_own(request.actor, row)
    toast(request, _("The signature “%(name)s” is deleted.") % {"name": row.name})
    return redirect_page(request, back)


@require_POST
def my_signature_preview(request: ActorRequest) -> HttpResponse:
    """What stands in the form, as it would look; keeps nothing. Pictures are shown to who may see them."""
    html, text = request.POST.get("html", "")[:100_000], request.POST.get("text", "")[:20_000]
    made, words = previews.tried(html, text, mailbox=None, fills=False)
    return framed(previews.document(made, words, is_dark=is_dark(request), pictures=seen_pictures(request, made)))


def seen_pictures(request: ActorRequest, html: str) -> list[SignaturePicture]:
    """The pictures in it that the actor may see; the place of another stays empty."""
    found = []
    for number in sorted(pictures_in(html))[:50]:
        with suppress(Http404, Forbidden):
            found.append(selectors.get_picture(request.actor, number))
    return found


@require_safe
def signature_canvas(request: ActorRequest) -> HttpResponse:
    """The empty page that signatures are edited in."""
    return framed(_CANVAS, CANVAS_POLICY)


@require_safe
def signature_picture(request: ActorRequest, picture_id: int) -> HttpResponse:
    row = selectors.get_picture(request.actor, picture_id)
    response = HttpResponse(bytes(row.content.data), content_type=row.content.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    patch_cache_control(response, private=True, max_age=3600)
    return response


@require_POST
def my_picture_add(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """For a person's signatures. Answers scripts with the picture's address, others with the page they came from."""
    own = _is_mine(request, mailbox_id)
    mailbox = (
        selectors.own_mailbox(request.actor) if own else get_mailbox(request.actor, mailbox_id, need=Right.MANAGE_USERS)
    )
    return take_picture(request, mailbox, _back(request, mailbox))


def take_picture(request: ActorRequest, owner: pictures.Owner, back: str) -> HttpResponse:
    pictures.require_pictures(request.actor, owner)
    form = PictureForm(request.POST, request.FILES)
    problem, row = "", None
    if form.is_valid():
        upload = form.cleaned_data["picture"]
        try:
            row = pictures.add_picture(request.actor, owner, name=upload.name, raw=upload.read(MOST_BYTES + 1))
        except DomainsError as error:
            problem = str(error)
    else:
        problem = _("Choose a picture first.")
    if request.headers.get("Accept", "").startswith("application/json"):
        if row is None:
            return JsonResponse({"problem": problem}, status=422)
        return JsonResponse(
            {"id": row.pk, "url": reverse("gateway:signature-picture", args=[row.pk]), "name": row.name}
        )
    toast(request, problem or _("The picture is kept."), "error" if problem else "success")
    return redirect_page(request, back)


@require_POST
def picture_delete(request: ActorRequest, picture_id: int) -> HttpResponse:
    row = selectors.get_picture(request.actor, picture_id)
    owner = pictures.owner_of(row)
    back = _back(request, owner) if isinstance(owner, Mailbox) else place_url(owner)
    try:
        pictures.delete_picture(request.actor, row)
    except DomainsError as error:
        toast(request, str(error), "error")
    else:
        toast(request, _("The picture is deleted."))
    return redirect_page(request, back)


def place_url(place: ScopeRef) -> str:
    """The page of a place's signatures."""
    return reverse("gateway:signature-place", args=[place.level.value, place.id])
