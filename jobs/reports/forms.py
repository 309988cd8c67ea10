"""What is asked before a report is sent. Rules are the service's."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class SendReportForm(forms.Form):
    """To whom."""

    recipients = forms.CharField(
        label=_("Recipients"),
        max_length=20_000,
        required=False,
        help_text=_("Addresses, set apart by commas; each gets it in their language, with what you may see."),
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
