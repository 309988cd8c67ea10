"""The shapes of a dialect's page. Rules are the service's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from api.dialects.registry import Dialect
from api.dialects.scripts import MOST_BYTES
from api.dialects.settings import State

OPTION = "option_"


class DialectForm(forms.Form):
    """On or off, who may call, and the dialect's own settings."""

    is_on = forms.BooleanField(label=_("Answer calls"), required=False)
    clients = forms.CharField(
        label=_("Who may call"),
        required=False,
        max_length=5_000,
        help_text=_("Addresses or networks, one a line. Empty: those that whoever runs this server named."),
        widget=forms.Textarea({"rows": 3, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any, *, dialect: Dialect, state: State) -> None:
        initial = {"is_on": state.is_on, "clients": "\n".join(state.clients), "version": state.version or None}
        super().__init__(data, initial=initial)
        self.fields["is_on"].disabled = state.by_environment
        for option in dialect.options:
            widget: forms.Widget = (
                forms.Textarea({"rows": 6, "class": "mono", "spellcheck": "false"})
                if option.is_long
                else forms.TextInput()
            )
            self.fields[OPTION + option.name] = forms.CharField(
                label=str(option.label),
                help_text=str(option.help),
                required=False,
                max_length=20_000,
                widget=widget,
                initial=state.options.get(option.name, ""),
            )

    def options(self) -> dict[str, str]:
        """The dialect's own settings, by their names."""
        return {
            name.removeprefix(OPTION): value for name, value in self.cleaned_data.items() if name.startswith(OPTION)
        }


class ScriptForm(forms.Form):
    """A script or a log, typed or as a file."""

    text = forms.CharField(
        label=_("Script or log"),
        required=False,
        max_length=MOST_BYTES,
        widget=forms.Textarea({"rows": 6, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )
    file = forms.FileField(label=_("or a file"), required=False, max_length=200)

    def content(self) -> str:
        """What was given. Bytes that are no UTF-8 keep their place."""
        given = self.cleaned_data["file"]
        if given is None:
            return str(self.cleaned_data["text"])
        return bytes(given.read(MOST_BYTES)).decode("utf-8", "replace")
