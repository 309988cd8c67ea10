"""What an access token is for and how narrow it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import RightsField
from accounts.permissions import PERSONAL_RIGHTS, Right

LIVES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("One year")), ("", _("Until it is revoked"))]


class TokenForm(forms.Form):
    """A new token of one's own; `held`: the rights that it can be narrowed to."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("The program that will use it. One token for each, so that you can revoke it alone."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.ChoiceField(label=_("It lives"), choices=LIVES, required=False, initial="90")
    read_only = forms.BooleanField(label=_("May only read"), required=False)

    def __init__(self, *args: Any, held: Iterable[Right] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        offered = frozenset(held) - PERSONAL_RIGHTS
        if offered:
            self.fields["rights"] = RightsField(
                offered,
                label=_("Only these rights"),
                help_text=_("Without a choice it has all of yours, also those you get later."),
            )

    def values(self) -> dict[str, Any]:
        """As `services.create_token` takes it."""
        data = self.cleaned_data
        days = int(data["days"] or 0)
        return {
            "name": data["name"],
            "read_only": data["read_only"],
            "rights": data.get("rights") or None,
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }
