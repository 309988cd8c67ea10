"""What the server's log is searched by, and how much of it is kept. Rules are the services'."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit import log_search, logbook
from config.kit.log_search import Wanted
from config.kit.logbook import LogSettings
from jobs.logs import LEVEL_WORDS, PART_WORDS

_MOMENT = {"type": "datetime-local", "step": "1"}
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class LogSearchForm(forms.Form):
    """All of it optional; times are the reader's own."""

    text = forms.CharField(
        label=_("Words"),
        required=False,
        max_length=300,
        widget=forms.TextInput({"type": "search", "autocomplete": "off", "spellcheck": "false"}),
    )
    level = forms.ChoiceField(
        label=_("At least"), required=False, choices=[("", _("Every level")), *list(LEVEL_WORDS.items())[1:]]
    )
    part = forms.ChoiceField(
        label=_("Process"), required=False, choices=[("", _("Every process")), *((p, p) for p in log_search.parts())]
    )
    request = forms.CharField(
        label=_("Request"), required=False, max_length=40, widget=forms.TextInput({"class": "mono", "size": 14})
    )
    since = forms.DateTimeField(
        label=_("From"), required=False, input_formats=_FORMATS, widget=forms.DateTimeInput(_MOMENT)
    )
    before = forms.DateTimeField(
        label=_("Until"), required=False, input_formats=_FORMATS, widget=forms.DateTimeInput(_MOMENT)
    )

    def wanted(self, after: str) -> Wanted:
        given: dict[str, Any] = self.cleaned_data if self.is_valid() else {}
        return Wanted(
            text=given.get("text", ""),
            level=given.get("level", ""),
            request=given.get("request", ""),
            part=given.get("part", ""),
            since=_aware(given.get("since")),
            before=_aware(given.get("before")),
            after=after,
        )


class LogSettingsForm(forms.Form):
    """How much is kept, in general and of single parts."""

    PART = "part_"

    level = forms.ChoiceField(
        label=_("What is kept"),
        choices=[
            ("error", _("Errors")),
            ("warning", _("Warnings and errors")),
            ("info", _("What is worth knowing (usual)")),
            ("debug", _("Every detail")),
        ],
    )
    days = forms.IntegerField(
        label=_("For"), min_value=1, max_value=logbook.DAYS_MAX, widget=forms.NumberInput({"data-unit": _("days")})
    )
    megabytes = forms.IntegerField(
        label=_("At most"),
        min_value=logbook.MEGABYTES_LEAST,
        max_value=logbook.MEGABYTES_MAX,
        widget=forms.NumberInput({"data-unit": "MiB"}),
    )

    def __init__(self, data: Any, *, settings: LogSettings) -> None:
        of_parts = {self.PART + part: level for part, level in settings.parts.items()}
        initial = {"level": settings.level, "days": settings.days, "megabytes": settings.megabytes}
        super().__init__(data, initial=initial | of_parts)
        choices = [("", _("As set above")), *self.fields["level"].choices]  # type: ignore[attr-defined]
        for part, label in PART_WORDS.items():
            self.fields[self.PART + part] = forms.ChoiceField(label=str(label), required=False, choices=choices)

    @property
    def general(self) -> list[forms.BoundField]:
        return [self[name] for name in ("level", "days", "megabytes")]

    @property
    def of_parts(self) -> list[forms.BoundField]:
        return [self[self.PART + part] for part in PART_WORDS]

    @property
    def has_own_levels(self) -> bool:
        return any(field.value() for field in self.of_parts)

    def changes(self) -> dict[str, Any]:
        """What the service takes."""
        given = self.cleaned_data
        parts = {part: given[self.PART + part] for part in PART_WORDS if self.PART + part in self.data}
        return {name: given[name] for name in ("level", "days", "megabytes")} | {"parts": parts}


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return (moment if timezone.is_aware(moment) else timezone.make_aware(moment)).astimezone(UTC)
