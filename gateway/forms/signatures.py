"""The shape of a signature, a template, a rule, a picture, and of trying what somebody's message gets."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from domains.errors import Invalid
from gateway.models import SignatureRule, SignatureSetting, SignatureTemplate
from gateway.services.signature_rules import NAMING, candidates, gone_of

_PLAIN = {"spellcheck": "false", "autocapitalize": "none", "class": "mono"}


def _html(label: Any, help_text: Any) -> forms.CharField:
    canvas = {"data-signature": "", "data-canvas": reverse_lazy("gateway:signature-canvas")}
    return forms.CharField(
        label=label,
        max_length=100_000,
        strip=False,
        help_text=help_text,
        widget=forms.Textarea({"rows": 10, **_PLAIN, **canvas}),
    )


def _text() -> forms.CharField:
    return forms.CharField(
        label=_("As text"),
        required=False,
        max_length=20_000,
        strip=False,
        help_text=_("For readers without formatting. Empty: made of the signature above."),
        widget=forms.Textarea({"rows": 4, "class": "mono"}),
    )


class OwnSignatureForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Only you see it."))
    html = _html(_("Signature"), _("What could run or watch is taken out."))
    text = _text()
    is_default = forms.BooleanField(
        label=_("Goes with my mail"), required=False, help_text=_("One signature does; the others wait.")
    )

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class TemplateForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=SignatureTemplate.Kind.choices,
        help_text=_("A message gets one signature, and below it every addition whose rule fits: a notice, a banner."),
    )
    html = _html(
        _("Signature"),
        _("{{ name }} and the like stand for what the directory knows; a line with an empty one is left out."),
    )
    text = _text()

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class PictureForm(forms.Form):
    picture = forms.FileField(
        label=_("Picture"),
        help_text=_("PNG, JPEG, GIF or WebP, at most 2 MB."),
        widget=forms.FileInput({"accept": "image/png,image/jpeg,image/gif,image/webp"}),
    )


class WorthForm(forms.Form):
    own = forms.ChoiceField(
        label=_("People's own signatures"),
        required=False,
        choices=[("", _("as the place above says")), *SignatureSetting.Own.choices],
    )


class RuleForm(forms.Form):
    """Names people and groups by address and domains by name, one a line; `values()` has their ids.

    row: the rule that is changed. What it names and is gone has no name to show; it stays, and the form says so.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=100)
    is_enabled = forms.BooleanField(label=_("In use"), required=False, initial=True)
    template = forms.ChoiceField(label=_("Gives"), required=False)
    people = forms.CharField(
        label=_("People"),
        required=False,
        max_length=100_000,
        help_text=_("Addresses, one a line. Without people, groups and domains: everybody of this place."),
        widget=forms.Textarea({"rows": 3, **_PLAIN, "data-group": _("Whose mail")}),
    )
    groups = forms.CharField(
        label=_("Groups"),
        required=False,
        max_length=100_000,
        help_text=_("Addresses of groups, one a line; groups within them count too."),
        widget=forms.Textarea({"rows": 2, **_PLAIN}),
    )
    domains = forms.CharField(
        label=_("Domains"), required=False, max_length=100_000, widget=forms.Textarea({"rows": 2, **_PLAIN})
    )
    side = forms.ChoiceField(
        label=_("Written"),
        choices=SignatureRule.Side.choices,
        widget=forms.Select({"data-group": _("To whom, and when")}),
    )
    recipients = forms.CharField(
        label=_("To these addresses only"),
        required=False,
        max_length=100_000,
        help_text=_("One a line; * stands for anything: *@example.org. Empty: to all."),
        widget=forms.Textarea({"rows": 3, **_PLAIN}),
    )
    occasion = forms.ChoiceField(label=_("When"), choices=SignatureRule.Occasion.choices)
    first_day = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}))
    last_day = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput({"type": "date"}))
    stops = forms.BooleanField(
        label=_("No further rule of this place"),
        required=False,
        help_text=_("What the places above add stays."),
    )
    position = forms.IntegerField(label=_("Place in the order"), required=False, min_value=1)

    def __init__(
        self,
        *args: Any,
        place: Any,
        templates: QuerySet[SignatureTemplate],
        row: SignatureRule | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.place = place
        self.gone = {name: [] if row is None else gone_of(row, name) for name in NAMING}
        for name, gone in self.gone.items():
            if gone:
                self.fields[name].help_text = f"{self.fields[name].help_text} {_kept(len(gone))}".strip()
        field = self.fields["template"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("no signature")), *((str(each.pk), each.name) for each in templates)]

    def values(self) -> dict[str, Any]:
        """What the service takes. Raises: Invalid, at the field that names what isn't there."""
        given = dict(self.cleaned_data)
        given.pop("version")
        given.pop("position")
        template = given.pop("template")
        return given | {
            "template_id": int(template) if template else None,
            "people": self._ids("people", "address"),
            "groups": self._ids("groups", "text"),
            "domains": self._ids("domains", "name"),
            "recipients": _lines(given["recipients"]),
        }

    def _ids(self, field: str, column: str) -> list[int]:
        names = [line.lower() for line in _lines(self.cleaned_data[field])]
        rows = candidates(self.place, field).filter(**{f"{column}__in": names})
        found = dict(rows.values_list(column, "pk"))
        missing = next((name for name in names if name not in found), None)
        if missing is not None:
            raise Invalid(_("There is no “%(name)s” here.") % {"name": missing[:80]}, field=field)
        return [*(found[name] for name in names), *self.gone[field]]

    @classmethod
    def initial_of(cls, row: SignatureRule) -> dict[str, Any]:
        names = {
            field: "\n".join(
                candidates(row.place, field).filter(pk__in=getattr(row, field)).values_list(column, flat=True)
            )
            for field, column in (("people", "address"), ("groups", "text"), ("domains", "name"))
        }
        plain = ("name", "is_enabled", "side", "occasion", "first_day", "last_day", "stops", "version", "position")
        return {
            **{name: getattr(row, name) for name in plain},
            **names,
            "template": "" if row.template_id is None else str(row.template_id),
            "recipients": "\n".join(row.recipients),
        }


def _kept(count: int) -> str:
    said = ngettext(
        "%(count)d that is no longer here stays named, so the rule is not for everybody because of it.",
        "%(count)d that are no longer here stay named, so the rule is not for everybody because of them.",
        count,
    )
    return said % {"count": count}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in re.split(r"[\n,;]+", text) if line.strip()]


class TrialForm(forms.Form):
    person = forms.CharField(
        label=_("From"), max_length=320, help_text=_("Somebody's address."), widget=forms.TextInput(_PLAIN)
    )
    to = forms.CharField(label=_("To"), max_length=320, required=False, widget=forms.TextInput(_PLAIN))
    reply = forms.BooleanField(label=_("It is a reply"), required=False)
