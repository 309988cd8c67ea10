"""Signatures of a place (server, customer, domain): its rules in order, templates, pictures; all templates; trying."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import places
from accounts.permissions import Level, Right
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from config.kit.objects import Danger
from config.kit.pages import redirect_page, render_page, toast
from domains.models import Mailbox
from domains.views.frames import customer_page, domain_page, refusing
from gateway import signature_previews as previews
from gateway.forms.signatures import PictureForm, RuleForm, TemplateForm, TrialForm, WorthForm
from gateway.models import SignatureRule, SignatureTemplate
from gateway.selectors import signatures as selectors
from gateway.services import signature_pictures as pictures
from gateway.services import signature_rules as rules
from gateway.signatures.filling import NAMES
from gateway.tables.signatures import TEMPLATES
from gateway.views.signatures import EDIT, framed, is_dark, place_url, seen_pictures, take_picture

SHOWN_PEOPLE = 50


@require_safe
def signature_template_list(request: ActorRequest) -> HttpResponseBase:
    rows = selectors.with_places(selectors.list_templates(request.actor))
    context = {"on_server": request.actor.has(Right.MANAGE_SIGNATURES)}
    return TEMPLATES.answer(request, rows, "gateway/signature_template_list.html", context)


@require_safe
def signature_place(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    place = selectors.get_place(request.actor, level, object_id)
    own = SignatureRule.objects.filter(level=place.level.value, object_id=place.id).select_related("template")
    said, counts = selectors.worth_of(place)
    rows = pictures.pictures_of(place).select_related("content").defer("content__data")
    context = _frame(request, place) | {
        "rules": own.order_by("position", "pk"),
        "templates": SignatureTemplate.objects.filter(level=place.level.value, object_id=place.id),
        "worth_form": WorthForm(initial={"own": said or ""}),
        "worth_said": said is not None,
        "worth": dict(WorthForm.base_fields["own"].choices)[counts],  # type: ignore[attr-defined]
        "pictures": [(row, pictures.is_used(row)) for row in rows],
        "picture_form": PictureForm(),
    }
    return render_page(request, "gateway/signature_place.html", context)


def _frame(request: ActorRequest, place: ScopeRef) -> dict[str, Any]:
    """What every page of a place shares."""
    context: dict[str, Any] = {"place": place, "place_url": place_url(place), "place_name": _name(place)}
    if place == SERVER:
        return context | {"base": "base.html"}
    found = places.get(request.actor, place, Right.MANAGE_SIGNATURES)
    page = domain_page(request, found) if place.level is Level.DOMAIN else customer_page(request, found)
    return context | {"base": "base_object.html", "object": page}


def _name(place: ScopeRef) -> str:
    return _("the server") if place == SERVER else places.labels([place]).get(place, "")


@require_POST
def signature_worth(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    place = selectors.get_place(request.actor, level, object_id)
    form = WorthForm(request.POST)
    if form.is_valid():
        rules.set_worth(request.actor, place, form.cleaned_data["own"] or None)
        toast(request, _("Saved. It counts from the next message on."))
    else:
        toast(request, _("There is no such choice."), "error")
    return redirect_page(request, place_url(place))


@require_POST
def signature_place_picture(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    place = selectors.get_place(request.actor, level, object_id)
    return take_picture(request, place, place_url(place))


# --- templates ---


@never_cache
@require_http_methods(EDIT)
def signature_template_create(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    place = selectors.get_place(request.actor, level, object_id)
    form = TemplateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            made = rules.create_template(request.actor, place, form.values())
            toast(request, _("The template is saved. A rule says whose mail gets it."))
            return redirect_page(request, "gateway:signature-template-edit", made.pk)
    return render_page(request, "gateway/signature_edit.html", _editor(place, form, None))


@never_cache
@require_http_methods(EDIT)
def signature_template_edit(request: ActorRequest, template_id: int) -> HttpResponse:
    row = selectors.get_template(request.actor, template_id)
    shown = {name: getattr(row, name) for name in ("name", "kind", "html", "text", "version")}
    form = TemplateForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            rules.update_template(request.actor, row, form.values(), expected=form.cleaned_data["version"])
            toast(request, _("The template is saved. It counts from the next message on."))
            return redirect_page(request, place_url(row.place))
    return render_page(request, "gateway/signature_edit.html", _editor(row.place, form, row))


def _editor(place: ScopeRef, form: TemplateForm, row: SignatureTemplate | None) -> dict[str, Any]:
    danger = None
    if row is not None:
        danger = Danger(
            _("Delete the template"),
            _("The rules that give it are deleted too."),
            _("Delete the template"),
            reverse("gateway:signature-template-delete", args=[row.pk]),
            numbers=[(row.rules.count(), _("rules"))],
        )
    return {
        "form": form,
        "title": row.name if row is not None else _("New template"),
        "back": place_url(place),
        "back_label": _("Signatures of %(place)s") % {"place": _name(place)},
        "danger": danger,
        "preview_url": reverse("gateway:signature-template-preview"),
        "picture_url": reverse("gateway:signature-place-picture", args=[place.level.value, place.id]),
        "placeholders": NAMES,
        "is_template": True,
    }


@require_POST
def signature_template_delete(request: ActorRequest, template_id: int) -> HttpResponse:
    row = selectors.get_template(request.actor, template_id)
    place = row.place
    rules.delete_template(request.actor, row)
    toast(request, _("The template “%(name)s” is deleted.") % {"name": row.name})
    return redirect_page(request, place_url(place))


@require_POST
def signature_template_preview(request: ActorRequest) -> HttpResponse:
    """What stands in the form, filled in for a person the actor may see, or for an example; keeps nothing."""
    request.actor.require_somewhere(Right.MANAGE_SIGNATURES)
    address = request.POST.get("as", "").strip().lower()
    mailbox = selectors.list_people(request.actor).filter(address=address).first() if address else None
    html, text = request.POST.get("html", "")[:100_000], request.POST.get("text", "")[:20_000]
    made, words = previews.tried(html, text, mailbox=mailbox, fills=True)
    return framed(previews.document(made, words, is_dark=is_dark(request), pictures=seen_pictures(request, made)))


# --- rules ---


@require_http_methods(EDIT)
def signature_rule_create(request: ActorRequest, level: str, object_id: int) -> HttpResponse:
    place = selectors.get_place(request.actor, level, object_id)
    form = RuleForm(request.POST or None, place=place, templates=rules.usable_templates(place))
    if request.method == "POST" and form.is_valid():
        with refusing(form, {"template_id": "template"}):
            made = rules.create_rule(request.actor, place, form.values())
            if form.cleaned_data["position"]:
                rules.move_rule(request.actor, made, position=form.cleaned_data["position"])
            toast(request, _("The rule is saved. It counts from the next message on."))
            return redirect_page(request, place_url(place))
    context = {"form": form, "title": _("New rule"), **_frame_of_form(place)}
    return render_page(request, "gateway/signature_rule_edit.html", context)


@require_http_methods(EDIT)
def signature_rule_edit(request: ActorRequest, rule_id: int) -> HttpResponse:
    row = selectors.get_rule(request.actor, rule_id)
    templates = rules.usable_templates(row.place)
    form = RuleForm(
        request.POST or None, place=row.place, templates=templates, row=row, initial=RuleForm.initial_of(row)
    )
    if request.method == "POST" and form.is_valid():
        with refusing(form, {"template_id": "template"}):
            rules.update_rule(request.actor, row, form.values(), expected=form.cleaned_data["version"])
            if form.cleaned_data["position"] not in (None, row.position):
                rules.move_rule(request.actor, row, position=form.cleaned_data["position"])
            toast(request, _("The rule is saved. It counts from the next message on."))
            return redirect_page(request, place_url(row.place))
    danger = Danger(
        _("Delete the rule"),
        _("Mail gets what the next rule that fits gives."),
        _("Delete the rule"),
        reverse("gateway:signature-rule-delete", args=[row.pk]),
    )
    context = {"form": form, "title": row.name, "danger": danger, **_frame_of_form(row.place)}
    return render_page(request, "gateway/signature_rule_edit.html", context)


def _frame_of_form(place: ScopeRef) -> dict[str, Any]:
    return {"back": place_url(place), "back_label": _("Signatures of %(place)s") % {"place": _name(place)}}


@require_POST
def signature_rule_delete(request: ActorRequest, rule_id: int) -> HttpResponse:
    row = selectors.get_rule(request.actor, rule_id)
    rules.delete_rule(request.actor, row)
    toast(request, _("The rule “%(name)s” is deleted.") % {"name": row.name})
    return redirect_page(request, place_url(row.place))


# --- trying ---


@require_safe
def signature_trial(request: ActorRequest) -> HttpResponse:
    """As a person writing to somebody: what the message would get, and which rules say so."""
    request.actor.require_somewhere(Right.MANAGE_SIGNATURES)
    form = TrialForm(request.GET or None)
    context: dict[str, Any] = {"form": form}
    if request.GET and form.is_valid():
        mailbox = _person(request, form)
        if mailbox is not None:
            to = form.cleaned_data["to"]
            found = previews.effective_for(mailbox, to, is_reply=form.cleaned_data["reply"])
            context |= {
                "found": found,
                "mailbox": mailbox,
                "frame": f"{reverse('gateway:signature-trial-frame')}?{request.GET.urlencode()}",
            }
    return render_page(request, "gateway/signature_trial.html", context)


def _person(request: ActorRequest, form: TrialForm) -> Mailbox | None:
    address = form.cleaned_data["person"].strip().lower()
    found = selectors.list_people(request.actor).filter(address=address).first()
    if found is None:
        form.add_error("person", _("There is nobody of this address, or nobody whose signatures you manage."))
    return found


@require_safe
def signature_trial_frame(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.MANAGE_SIGNATURES)
    form = TrialForm(request.GET)
    mailbox = _person(request, form) if form.is_valid() else None
    if mailbox is None:
        return framed(previews.document("", "", is_dark=is_dark(request)))
    found = previews.effective_for(mailbox, form.cleaned_data["to"], is_reply=form.cleaned_data["reply"])
    return framed(previews.document_of(found, is_dark=is_dark(request)))


@require_safe
def signature_people(request: ActorRequest) -> HttpResponse:
    """Who gets which signature: people by address, as many as fit on a page."""
    rows = selectors.list_people(request.actor).order_by("address", "pk")
    wanted, after = request.GET.get("q", "").strip().lower()[:100], request.GET.get("after", "")[:320]
    if wanted:
        rows = rows.filter(address__contains=wanted)
    if after:
        rows = rows.filter(address__gt=after)
    boxes = list(rows[: SHOWN_PEOPLE + 1])
    more, boxes = len(boxes) > SHOWN_PEOPLE, boxes[:SHOWN_PEOPLE]
    given = selectors.given_to(boxes, timezone.localdate())
    lines = [(box, (given[box.pk].outside, given[box.pk].inside)) for box in boxes]
    context = {"lines": lines, "wanted": wanted, "after": boxes[-1].address if more else ""}
    return render_page(request, "gateway/signature_people.html", context)
