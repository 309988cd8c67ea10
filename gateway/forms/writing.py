"""A mail that is written here. Shape only; who gets it and who may write as whom is the service's to judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gateway.services.writing import LONGEST_SUBJECT, LONGEST_TEXT

_LINE = forms.TextInput(attrs={"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"})


class MailForm(forms.Form):
    """author: one's own address or an alias; files: ids of what was sent before, beside those sent now (`more`)."""

    author = forms.ChoiceField(label=_("From"))
    to = forms.CharField(label=_("To"), max_length=20_000, widget=_LINE, help_text=_("Addresses, with commas between."))
    cc = forms.CharField(label=_("Cc"), max_length=20_000, required=False, widget=_LINE)
    bcc = forms.CharField(
        label=_("Bcc"), max_length=20_000, required=False, widget=_LINE, help_text=_("Nobody else sees these.")
    )
    subject = forms.CharField(label=_("Subject"), max_length=LONGEST_SUBJECT, required=False)
    text = forms.CharField(
        label=_("Text"), max_length=LONGEST_TEXT, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 14})
    )
    wants_receipt = forms.BooleanField(label=_("Ask for a read receipt"), required=False)
    is_important = forms.BooleanField(label=_("Mark as important"), required=False)

    def __init__(self, data: Any = None, *, authors: Sequence[str], initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["author"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each, each) for each in authors]
        if len(authors) == 1:
            field.widget = forms.HiddenInput()
            self.initial["author"] = authors[0]


class TrialForm(forms.Form):
    to = forms.CharField(label=_("To"), max_length=320, help_text=_("An address of a domain whose rules you manage."))
    subject = forms.CharField(label=_("Subject"), max_length=LONGEST_SUBJECT, required=False)
    text = forms.CharField(
        label=_("Text"), max_length=5_000, required=False, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("For instance words that one of your rules looks for."),
    )  # fmt: skip
    with_virus = forms.BooleanField(label=_("Attach a harmless file that scanners take for a virus"), required=False)
