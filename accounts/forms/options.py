"""One option's value as a form, by its type."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.options import Option, Resolved
from accounts.optiontypes import OptionType

_LONG = {OptionType.TEXT: 4, OptionType.DOC: 16, OptionType.LIST: 6}


class OptionForm(forms.Form):
    """The value of an option; what it may be is decided by the service."""

    def __init__(self, *args: Any, resolved: Resolved, **options: Any) -> None:
        super().__init__(*args, **options)
        self.option = resolved.option
        self.fields["value"] = _field(resolved.option, resolved.value)
        if resolved.option.type == OptionType.CREDENTIALS:
            self.fields["password"] = forms.CharField(
                label=_("Password"),
                required=False,
                strip=False,
                help_text=_("Empty keeps the one that is set."),
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            )

    def value(self) -> object:
        """As the service takes it."""
        given = self.cleaned_data["value"]
        if self.option.type == OptionType.CREDENTIALS:
            return {"username": given, "password": self.cleaned_data["password"]}
        return given


def _field(option: Option, value: Any) -> forms.Field:
    shared: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": False}
    if option.type == OptionType.BOOL:
        choices = [("true", _("Yes")), ("false", _("No"))]
        return forms.ChoiceField(choices=choices, initial=option.to_text(value), **shared)
    if option.values and option.type == OptionType.LIST:
        widget = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=list(option.values), initial=value, widget=widget, **shared)
    if option.values:
        return forms.ChoiceField(choices=list(option.values), initial=option.to_text(value), **shared)
    if option.type == OptionType.TIMEZONE:
        zones = [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]
        return forms.ChoiceField(choices=zones, initial=value, **shared)
    return forms.CharField(initial=option.to_text(value), strip=False, widget=_widget(option), **shared)


def _widget(option: Option) -> forms.Widget:
    if option.type in _LONG:
        return forms.Textarea(attrs={"rows": _LONG[option.type]})
    if option.type == OptionType.PASSWORD:
        return forms.PasswordInput(attrs={"autocomplete": "new-password"})
    attrs: dict[str, Any] = {"autocomplete": "off", "spellcheck": "false"}
    if option.unit:
        attrs["data-unit"] = option.unit
    if option.type == OptionType.INTEGER:
        return forms.NumberInput(attrs={**attrs, "min": option.minimum, "max": option.maximum})
    if option.type == OptionType.COLOR:
        return forms.TextInput(attrs={**attrs, "type": "color"})
    return forms.TextInput(attrs=attrs)
