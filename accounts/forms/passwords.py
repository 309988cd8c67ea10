"""The field in which a new password is typed: with a meter of how strong it is and the rules it would miss.

The meter is `views.strength`; a form says of whom the password shall be (`for_whom`), since rules differ by place.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from accounts import strength
from accounts.models import User
from accounts.scopes import SERVER, ScopeRef

HELP = _("A few unrelated words are easier to remember than symbols.")


class NewPasswordInput(forms.PasswordInput):
    """Asks how strong it is while somebody types: the field alone, and never in an address."""

    def __init__(self) -> None:
        super().__init__(
            attrs={
                "autocomplete": "new-password",
                "hx-post": reverse_lazy("accounts:password-strength"),
                "hx-trigger": "input changed delay:300ms",
                "hx-target": "next .strength",
                "hx-swap": "outerHTML",
                "hx-params": "none",  # of the form, until it says whose password it is
                "hx-push-url": "false",
                "data-strength": "1",
            }
        )


class NewPasswordField(forms.CharField):
    """A password that somebody chooses, for themselves or for others. Its rules raise in the services."""

    def __init__(self, *, label: Any, help_text: Any = HELP, **options: Any) -> None:
        widget = NewPasswordInput()
        super().__init__(label=label, help_text=help_text, max_length=1000, strip=False, widget=widget, **options)
        self.about: User | ScopeRef = SERVER

    @property
    def judged(self) -> strength.Judged:
        """The rules, before anything is typed."""
        return strength.judge("", self.about)


def for_whom(form: forms.Form, about: User | ScopeRef | None, name: str = "password") -> None:
    """Say whose password a form takes (None: somebody who lies on the server alone)."""
    field = form.fields[name]
    assert isinstance(field, NewPasswordField)
    field.about = about or SERVER
    field.widget.attrs["hx-params"] = f"{form.add_prefix(name)},about,field"
    field.widget.attrs["hx-vals"] = strength.as_values(form.add_prefix(name), field.about)
