"""The shape of codes and of names of passkeys. Whether a code is right is the services'."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

_PLAIN = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}


class CodeForm(forms.Form):
    """The code of an authenticator app."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("The six digits that your authenticator app shows now."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, **_PLAIN}
        ),
    )


class RecoveryForm(forms.Form):
    """A recovery code."""

    code = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        help_text=_("One of the ten that you printed or kept. It works once."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, **_PLAIN}),
    )


class PresentPasswordForm(forms.Form):
    """The present password, to prove once more who it is."""

    code = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class PasskeyForm(forms.Form):
    """What a passkey is called."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Where it is kept, so that you can tell them apart: “Phone”, “Blue key”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
