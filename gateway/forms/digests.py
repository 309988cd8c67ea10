"""When digest mails come: one field for each option, empty where it is inherited. Rules are the options' own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from accounts import options
from accounts.errors import BadOption
from accounts.options import Option, Resolved
from accounts.optiontypes import OptionType
from gateway.digests.options import TIME_ZONE


class DigestForm(forms.Form):
    """found: the options of the object, as they count now."""

    def __init__(self, data: Any = None, *, found: Mapping[str, Resolved]) -> None:
        super().__init__(data)
        self._found = {name: each for name, each in found.items() if name != TIME_ZONE}
        for name, each in self._found.items():
            self.fields[name.lower()] = _field(each)

    def values(self) -> dict[str, object]:
        """What to set; None: inherited."""
        return {name: self.cleaned_data[name.lower()] or None for name in self._found}

    def clean(self) -> dict[str, Any]:
        for name in self._found:
            value = self.cleaned_data.get(name.lower())
            try:
                if value:
                    options.get(name).parse(value)
            except BadOption as error:
                self.add_error(name.lower(), str(error))
        return self.cleaned_data


def _field(each: Resolved) -> forms.Field:
    option = each.option
    inherited = _("As inherited: %(value)s") % {"value": shown(option, each.inherited)}
    common: dict[str, Any] = {
        "label": option.label, "help_text": option.help, "required": False,
        "initial": str(each.value) if each.is_own else "",
    }  # fmt: skip
    if option.values:
        chosen = [("", inherited), *((key, str(label)) for key, label in option.values)]
    elif option.maximum == 23:
        chosen = [("", inherited), *((str(hour), shown(option, hour)) for hour in range(24))]
    else:
        widget = forms.NumberInput(attrs={"placeholder": inherited, "min": option.minimum, "max": option.maximum})
        return forms.CharField(widget=widget, max_length=6, **common)
    return forms.ChoiceField(choices=chosen, **common)


def shown(option: Option, value: object) -> str:
    """A value for people."""
    if option.maximum == 23 and option.type == OptionType.INTEGER:
        return f"{value}:00"
    text = str(dict(option.values).get(str(value), value))
    return f"{text} {option.unit}" if option.unit else text
