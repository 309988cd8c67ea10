"""The form with which a file to import is sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from config.kit import mailing


class ImportForm(forms.Form):
    """A file and how: `change` where what is there can be changed, `invite` for people."""

    file = forms.FileField(label=gettext_lazy("CSV file"), widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}))
    change = forms.BooleanField(
        label=gettext_lazy("Change what is there already"),
        required=False,
        help_text=gettext_lazy("Without it, a row that differs from what is there is refused."),
    )
    invite = forms.BooleanField(
        label=gettext_lazy("Invite people without a password by mail"),
        required=False,
        help_text=gettext_lazy("Each gets a link with which they choose a password. It works for seven days."),
    )

    def __init__(self, *args: Any, changes: bool, invites: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not changes:
            del self.fields["change"]
        if not invites:
            del self.fields["invite"]
            return
        field, ready = self.fields["invite"], mailing.is_configured()
        field.initial, field.disabled = ready, not ready
        if not ready:
            field.help_text = gettext_lazy(
                "No mail server is set up (POSTKEEP_MAIL_HOST). In the list of users, “Links for passwords” makes a"
                " link for each."
            )
