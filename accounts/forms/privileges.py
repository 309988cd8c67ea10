"""Privileges of a person, as checkboxes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import EndUserRight
from accounts.privileges import ADMIN, AUTHENTICATION, DENIES, LOGIN_PRIVILEGES, USER_PRIVILEGES

_SHOWN = {name: label for name, label in USER_PRIVILEGES.items() if name != ADMIN}


class PrivilegesForm(forms.Form):
    """What they may do, their doors, and how they sign in."""

    privileges = forms.MultipleChoiceField(
        label=_("May, as far as their domain lets its people"),
        choices=list(_SHOWN.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    doors = forms.MultipleChoiceField(
        label=_("Come in by"),
        choices=list(LOGIN_PRIVILEGES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    authentication = forms.ChoiceField(
        label=_("Signs in with"),
        choices=list(AUTHENTICATION.items()),
        help_text=_("While no directory is connected, nobody signs in with one."),
    )
    distinguished_name = forms.CharField(
        label=_("Distinguished name"), max_length=500, required=False, help_text=_("Where the directory has them.")
    )

    def __init__(self, *args: Any, person: User, **options: Any) -> None:
        options["initial"] = {
            "privileges": held(person),
            "doors": list(LOGIN_PRIVILEGES) if person.login_privileges is None else person.login_privileges,
            "authentication": person.authentication,
            "distinguished_name": person.distinguished_name,
        }
        super().__init__(*args, **options)

    def all_doors(self) -> list[str]:
        return list(LOGIN_PRIVILEGES)


def held(person: User) -> list[str]:
    """The privileges somebody has: those that weren't taken; the ones without a meaning here as they were set."""
    denied = {EndUserRight(name) for name in person.denied_rights}
    kept = [name for name, right in DENIES.items() if right not in denied]
    others = [name for name in _SHOWN if name not in DENIES and (name in person.privileges or not person.privileges)]
    return [name for name in _SHOWN if name in kept or name in others]
