"""What people write about approvals. Shape only; rules are the services'."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.approvals import REASON_MAX


class ReasonForm(forms.Form):
    """Why something that can't be undone should be done."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX,
        help_text=_("Whoever decides reads it, and it is kept for ever."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ApproveForm(forms.Form):
    """A word to it, if there is one, and the numbers that were looked at."""

    answer = forms.CharField(label=_("A word to it"), max_length=REASON_MAX, required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def seen_numbers(self) -> list[int] | None:
        """What the page showed; None where it said nothing usable."""
        try:
            found: Any = json.loads(self.cleaned_data["seen"] or "null")
        except ValueError:
            return []
        return found if found is None or isinstance(found, list) else []


class RejectForm(forms.Form):
    """Why not."""

    answer = forms.CharField(label=_("Why not"), max_length=REASON_MAX, widget=forms.Textarea(attrs={"rows": 2}))
