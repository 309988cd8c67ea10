"""The shape of what people type about themselves and others. Rules raise in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.passwords import NewPasswordField, for_whom
from accounts.models import User


def _email_field() -> forms.CharField:
    return forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class SignInForm(forms.Form):
    """Address and password."""

    email = _email_field()
    password = forms.CharField(
        label=_("Password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class NewPasswordForm(forms.Form):
    """The password somebody chooses behind a link: once, because it can be looked at in the browser."""

    password = NewPasswordField(label=_("New password"))

    def __init__(self, *args: Any, about: User | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        for_whom(self, about)


class FirstAdministratorForm(forms.Form):
    """Who the first administrator is."""

    email = _email_field()
    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = NewPasswordField(label=_("Password"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for_whom(self, None)


class ChangePasswordForm(forms.Form):
    """The old password and the new one."""

    old = forms.CharField(
        label=_("Present password"),
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = NewPasswordField(label=_("New password"))

    def __init__(self, *args: Any, about: User | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        for_whom(self, about)


class AccountForm(forms.Form):
    """What a person chooses for themselves."""

    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, required=False)
    theme = forms.ChoiceField(label=_("Appearance"), choices=User.Theme.choices)


class UserForm(forms.Form):
    """A new person."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("They sign in with it. It can't be changed here later."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    administrator = forms.BooleanField(
        label=_("Administrator"),
        required=False,
        help_text=_("May do everything here. Reading other people's mail still needs a reason, which its owner sees."),
    )


class ReasonForm(forms.Form):
    """Why somebody does what its owner will see."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=500,
        help_text=_("The person reads it, with your name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AdministratorEditForm(forms.Form):
    """An administrator's account. The address of a mailbox is changed with the mailbox."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("They sign in with it."),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, required=False)
    is_active = forms.BooleanField(label=_("May sign in"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, person: User, **options: Any) -> None:
        names = ("email", "name", "language", "is_active", "version")
        options["initial"] = {name: getattr(person, name) for name in names}
        super().__init__(*args, **options)
        self.person = person

    def changes(self) -> dict[str, Any]:
        """What was given, without what only says which version was seen."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}
