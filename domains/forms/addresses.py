"""Forms about groups and forwards, and the question who gets mail for an address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from domains.forms.fields import LinesField, VersionField
from domains.models import Address

_ADDRESS = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}
_PASTE = gettext_lazy("One a line, or set apart by commas. “Name <name@example.org>” is fine.")


class AddressForm(forms.Form):
    """A group or a forward: `is_group` says which, `is_new` asks for its first recipients."""

    email = forms.CharField(label=gettext_lazy("Address"), max_length=254, widget=forms.TextInput(_ADDRESS))
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=1000, required=False)
    enabled = forms.BooleanField(label=gettext_lazy("Takes mail"), required=False, initial=True)
    senders = forms.ChoiceField(label=gettext_lazy("Who may send to it"), choices=Address.Senders.choices)
    allowed_senders = LinesField(
        label=gettext_lazy("Allowed senders"),
        rows=3,
        help_text=gettext_lazy("Addresses, or domains as @example.org; where only those listed may send."),
    )
    recipients = LinesField(label=gettext_lazy("Delivers to"), help_text=_PASTE)
    version = VersionField()

    def __init__(self, *args: Any, is_group: bool, is_new: bool, domain_name: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_group:
            del self.fields["senders"], self.fields["allowed_senders"]
        if not is_new:
            del self.fields["recipients"]
        if domain_name:
            self.fields["email"].widget.attrs["data-unit"] = f"@{domain_name}"


class RecipientsForm(forms.Form):
    """More recipients, as a paste."""

    recipients = LinesField(label=gettext_lazy("Addresses"), rows=4, help_text=_PASTE)


class WhoGetsForm(forms.Form):
    """An address, and who sends to it."""

    address = forms.CharField(label=gettext_lazy("Address"), max_length=300, widget=forms.TextInput(_ADDRESS))
    sender = forms.CharField(
        label=gettext_lazy("From"),
        max_length=300,
        required=False,
        widget=forms.TextInput(_ADDRESS),
        help_text=gettext_lazy("Some groups take mail of certain senders only. Empty: of one who may send to all."),
    )
