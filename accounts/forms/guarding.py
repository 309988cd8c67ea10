"""What an app password is for, and which network is blocked for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AppPassword

LIVES = [("", _("Until it is deleted")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("One year"))]
BLOCKS = [
    ("1", _("One hour")),
    ("24", _("One day")),
    ("168", _("One week")),
    ("720", _("30 days")),
    ("", _("Until it is lifted")),
]


class AppPasswordForm(forms.Form):
    """A new app password of one's own."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The program or device that will use it: “Thunderbird at home”, “scanner on the second floor”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    protocols = forms.MultipleChoiceField(
        label=_("What it is for"),
        choices=AppPassword.Protocol.choices,
        initial=["smtp"],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("It opens nothing else."),
    )
    days = forms.ChoiceField(label=_("It lives"), choices=LIVES, required=False)

    def values(self) -> dict[str, Any]:
        """As `services.app_passwords.create_app_password` takes it."""
        days = int(self.cleaned_data["days"] or 0)
        return {
            "name": self.cleaned_data["name"],
            "protocols": self.cleaned_data["protocols"],
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }


class BlockForm(forms.Form):
    """A network to shut out."""

    network = forms.CharField(
        label=_("Address or network"),
        max_length=60,
        help_text=_("Such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    hours = forms.ChoiceField(label=_("For"), choices=BLOCKS, required=False, initial="24")
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)

    def values(self) -> dict[str, Any]:
        """As `services.blocks.block_network` takes it."""
        hours = int(self.cleaned_data["hours"] or 0)
        return {
            "network": self.cleaned_data["network"],
            "expires_at": timezone.now() + timedelta(hours=hours) if hours else None,
            "reason": self.cleaned_data["reason"],
        }
