"""Filters from and to files: what an import would do, the import, the export."""

from __future__ import annotations

import base64
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from domains.forms.rules import LABELS
from domains.policy.exchange import Format
from domains.policy.exchange_fields import columns_of
from domains.policy.rules import RuleKind
from domains.selectors import get_domain
from domains.services import rule_files
from domains.services.rule_values import KINDS
from domains.views.frames import refusing

SHOWN_ROWS = 500
PASTED = 2 * 1024 * 1024
WORDS = {
    "new": gettext_lazy("New"),
    "changed": gettext_lazy("Changed"),
    "same": gettext_lazy("There already"),
    "refused": gettext_lazy("Refused"),
}
TONES = {"new": "good", "changed": "busy", "same": "none", "refused": "bad"}


class ImportForm(forms.Form):
    """A file, or what would stand in it; `held` is the file of the dry run, which the second step sends again."""

    file = forms.FileField(label=gettext_lazy("File"), required=False, help_text=gettext_lazy("CSV or JSON."))
    text = forms.CharField(
        label=gettext_lazy("Or paste it"),
        required=False,
        max_length=PASTED,
        strip=False,
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "class": "mono"}),
    )
    replace = forms.ChoiceField(
        label=gettext_lazy("What is there already"),
        choices=[
            ("", gettext_lazy("Stays; the rules of the file are added")),
            ("yes", gettext_lazy("Goes; the file takes its place")),
        ],
        required=False,
        widget=forms.RadioSelect,
    )
    held = forms.CharField(required=False, max_length=rule_files.MOST_BYTES * 3 // 2, widget=forms.HiddenInput)

    def raw(self) -> bytes:
        """The bytes to read. What can't be read is an empty file."""
        held, file = self.cleaned_data["held"], self.cleaned_data["file"]
        if file is not None:
            return bytes(file.read(rule_files.MOST_BYTES + 1))
        if self.cleaned_data["text"]:
            return str(self.cleaned_data["text"]).encode()
        try:
            return base64.b64decode(held, validate=True)
        except ValueError:
            return b""

    def replaces(self) -> bool:
        return bool(self.cleaned_data["replace"] == "yes")


@require_http_methods(["GET", "HEAD", "POST"])
def rule_import(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=KINDS[kind].right)
    form = ImportForm(request.POST or None, request.FILES or None, initial={"replace": ""})
    context: dict[str, Any] = {
        "form": form,
        "domain": domain,
        "kind_label": LABELS[kind],
        "columns": [(column.name, column.required and not column.may_be_given) for column in columns_of(kind)],
        "back": reverse("domains:domain-rules", args=[domain.pk, kind]),
        "limit": SHOWN_ROWS,
    }
    if request.method == "POST" and form.is_valid():
        raw = form.raw()
        file_format = Format.JSON if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else Format.CSV
        if "import" in request.POST:
            with refusing(form):
                done = rule_files.import_rules(request.actor, kind, domain, raw, file_format, replace=form.replaces())
                said = _("Imported: %(new)s new, %(changed)s changed, %(removed)s removed.")
                toast(request, said % {name: number(count) for name, count in done.numbers.items()})
                return redirect_page(request, context["back"])
        plan = rule_files.plan_import(request.actor, kind, domain, raw, file_format, replace=form.replaces())
        context |= {
            "plan": plan,
            "rows": [(row, WORDS[row.what], TONES[row.what]) for row in _worst_first(plan.rows)[:SHOWN_ROWS]],
            "held": base64.b64encode(raw).decode(),
            "replaces": form.replaces(),
        }
    return render_page(request, "domains/rule_import.html", context)


@require_safe
def rule_export(request: ActorRequest, domain_id: int, kind: RuleKind) -> HttpResponse:
    domain = get_domain(request.actor, domain_id, need=Right.VIEW_POLICIES)
    file_format = Format.JSON if request.GET.get("format") == "json" else Format.CSV
    text = rule_files.export_rules(request.actor, kind, domain, file_format)
    mark = "\ufeff" if file_format is Format.CSV else ""
    types = {Format.CSV: "text/csv; charset=utf-8", Format.JSON: "application/json"}
    name = f"{domain.name}-{kind}-rules-{timezone.localdate():%Y-%m-%d}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(mark + text, content_type=types[file_format], headers=headers)


def _worst_first(rows: list[rule_files.PlannedRow]) -> list[rule_files.PlannedRow]:
    return sorted(rows, key=lambda row: (row.what != "refused", row.line))
