"""The form with which a list of known passwords is sent."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class BreachListForm(forms.Form):
    """A file; what may be in it is said by the service."""

    file = forms.FileField(
        label=_("File"),
        max_length=500,
        help_text=_(
            "SHA-1 hashes as of Have I Been Pwned (HASH:COUNT), or plain words, one a line; 1 GiB at most. It takes "
            "the place of the one that was uploaded before."
        ),
    )
