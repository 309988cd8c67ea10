"""The shape of a webhook. Rules are the service's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.permissions import LEVEL_LABELS, Level
from jobs.webhooks.catalogue import AUDIT, EventType
from jobs.webhooks.selectors import LEVELS

_MONO = {"class": "mono", "autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class WebhookForm(forms.Form):
    """choices: the events that may be chosen; is_new: where it lies is asked too."""

    level = forms.ChoiceField(
        label=gettext_lazy("Where"), choices=[(level.value, LEVEL_LABELS[level]) for level in LEVELS]
    )
    place = forms.CharField(
        label=gettext_lazy("Name of the customer or domain"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("Nothing for the server. It hears only of what happens there."),
        widget=forms.TextInput({"spellcheck": "false"}),
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, help_text=gettext_lazy("For this list."))
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("https://… of the program that shall hear; it answers 2xx when it took the event."),
        widget=forms.URLInput(_MONO),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"), required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    trail = forms.CharField(
        label=gettext_lazy("And these of the audit trail"),
        required=False,
        max_length=4_000,
        help_text=gettext_lazy("One a line, such as audit.policy.change, audit.user.* or audit.* for all."),
        widget=forms.Textarea({"rows": 3, **_MONO}),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, choices: Sequence[EventType], is_new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["events"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(each.name, f"{each.label} ({each.name})") for each in choices]
        if not is_new:
            del self.fields["level"], self.fields["place"]

    @staticmethod
    def initial_of(events: Sequence[str]) -> dict[str, Any]:
        trail = [name for name in events if name.startswith(AUDIT)]
        return {"events": [name for name in events if name not in trail], "trail": "\n".join(trail)}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("level", Level.SERVER) != Level.SERVER and not given.get("place"):
            self.add_error("place", _("Say which one."))
        if not given.get("events") and not (given.get("trail") or "").strip():
            self.add_error("events", _("Choose at least one event."))
        return given

    def chosen(self) -> list[str]:
        """All events, of both fields."""
        return [*self.cleaned_data["events"], *self.cleaned_data["trail"].split()]
