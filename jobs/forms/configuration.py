"""The shapes of exporting and importing the configuration. Rules are the services'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.configuration.files import MOST_BYTES
from jobs.configuration.parts import all_parts

_SECRET = {"autocomplete": "new-password"}


class PartsForm(forms.Form):
    """Which parts; all are chosen at first."""

    parts = forms.MultipleChoiceField(label=_("Parts"), widget=forms.CheckboxSelectMultiple, choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["parts"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(part.name, part.label) for part in all_parts()]
        field.initial = [part.name for part in all_parts()]


class ExportForm(PartsForm):
    passphrase = forms.CharField(
        label=_("Passphrase for secrets"),
        required=False,
        max_length=500,
        strip=False,
        help_text=_("Passwords and keys come along, sealed with it. Empty: they are left out."),
        widget=forms.PasswordInput(attrs=_SECRET),
    )


class ImportForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("A configuration that Postkeep wrote."))
    passphrase = forms.CharField(
        label=_("Passphrase for secrets"),
        required=False,
        max_length=500,
        strip=False,
        help_text=_("That of the export. Empty: secrets that are here stay."),
        widget=forms.PasswordInput(attrs=_SECRET),
    )
    removes = forms.BooleanField(
        label=_("Remove what the file lacks"),
        required=False,
        help_text=_("Else it stays. Customers, domains and built-in jobs stay in any case."),
    )

    def text(self) -> bytes:
        """At most what may be read, and a byte, so that too much is told of."""
        found: bytes = self.cleaned_data["file"].read(MOST_BYTES + 1)
        return found
