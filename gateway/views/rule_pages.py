"""Out-of-office notes, and trying rules on a message."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import ActorRequest
from archive.errors import StoreUnavailable
from archive.store.errors import StoreError
from config.kit.pages import redirect_page, render_page, toast
from domains.models import DomainName
from domains.views.frames import refusing
from gateway.away import script_of
from gateway.content import DamagedContent
from gateway.errors import CopyGone
from gateway.forms.mail_rules import AwayForm, TrialForm
from gateway.keeping.reading import copy_of
from gateway.selectors.mail_rules import get_place, get_script, own_messages
from gateway.services.mail_rules.away import FIELDS, note_of, set_note
from gateway.services.mail_rules.trying import Trial, try_rules
from gateway.views.mail_rules import api_of, changing, frame, without_mailbox
from gateway.views.rule_words import fate_of, shown_layer
from gateway.wording import CATEGORIES, CATEGORY_TONES

EDIT = ["GET", "HEAD", "POST"]


@require_http_methods(EDIT)
def own_away(request: ActorRequest) -> HttpResponse:
    return without_mailbox(request) or away(request, "own")


@require_http_methods(EDIT)
def away(request: ActorRequest, place: str) -> HttpResponse:
    found = changing(request, place)
    if found.mailbox is None:
        raise Http404("of mailboxes")
    note = note_of(found.mailbox)
    form = AwayForm(request.POST or None, initial={name: getattr(note, name) for name in (*FIELDS, "version")})
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            values = {name: form.cleaned_data[name] for name in FIELDS}
            saved = set_note(request.actor, found.mailbox, values, expected=form.cleaned_data["version"])
            toast(request, _("Mail is answered for you.") if saved.is_on else _("Mail is not answered."))
            return redirect_page(request, "gateway:away", place)
    names = DomainName.objects.filter(domain=found.mailbox.domain).order_by("name").values_list("name", flat=True)
    context = {"form": form, "note": note, "sieve": script_of(note, names), "api": f"{api_of(found)}/away"}
    return render_page(request, "gateway/away.html", frame(request, found) | context)


@require_http_methods(EDIT)
def mailrules_try(request: ActorRequest, place: str) -> HttpResponse:
    found = get_place(request.actor, place)
    script_id = request.GET.get("script", "")
    script = get_script(found, int(script_id)) if script_id.isascii() and script_id.isdigit() else None
    offered = {str(row.pk): row for row in own_messages(request.actor, found)}
    choices = [(key, f"{row.message.subject or '–'} ({row.message.header_from})") for key, row in offered.items()]
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = TrialForm(data, files, messages=choices, asks_for=found.mailbox is None)
    context = frame(request, found) | {"form": form, "script": script}
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            row = offered.get(form.cleaned_data.get("message") or "")
            try:
                raw = form.content() if row is None else copy_of(row).body().read()
            except (CopyGone, StoreUnavailable, StoreError, DamagedContent):
                form.add_error("message", _("This message isn't kept any more."))
                return render_page(request, "gateway/mailrules_try.html", context, status=422)
            sender = form.cleaned_data["sender"] or (row.message.sender if row is not None else "")
            trial = try_rules(
                request.actor, found.owner, raw, sender=sender, recipient=form.cleaned_data.get("recipient", ""),
                text=None if script is None or script.is_active else script.text,
            )  # fmt: skip
            context["answer"] = _shown(trial)
    return render_page(request, "gateway/mailrules_try.html", context, status=422 if form.errors else 200)


def _shown(trial: Trial) -> dict[str, Any]:
    category = trial.decision.category.value
    return {
        "verdict": CATEGORIES[category],
        "tone": CATEGORY_TONES[category],
        "layers": [shown_layer(*each) for each in trial.asked],
        "fate": fate_of(trial.ruled),
        "sender": trial.sender,
        "recipient": trial.recipient,
    }
