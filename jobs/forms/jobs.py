"""The shapes of a job and of an alert. A command's arguments become fields from its schema; rules are the services'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.permissions import LEVEL_LABELS, Level
from jobs.commands import Command
from jobs.models import Alert, Job
from jobs.parameters import Kind, Parameter
from jobs.schedule_words import INTERVAL_WORDS, MONTH_WORDS, WEEKDAY_WORDS
from jobs.schedules import DAYS_OF_MONTH, LAST, LOCAL, Schedule

PREFIX = "arg_"
_KINDS = [
    ("daily", gettext_lazy("Every day")),
    ("weekly", gettext_lazy("Every week")),
    ("monthly", gettext_lazy("Every month")),
    ("interval", gettext_lazy("Every so many minutes")),
    ("once", gettext_lazy("Once")),
]
# Which fields of the dataset each kind gives.
_GIVES: dict[str, tuple[str, ...]] = {
    "daily": ("time",),
    "weekly": ("time", "day_of_week"),
    "monthly": ("time", "day_of_month", "narrowed_to", "month"),
    "interval": ("interval",),
    "once": ("date",),
}
_SAME = ("interval", "date", "time", "day_of_month", "month", "time_zone")
_DAYS = [(day, pgettext_lazy("day of the month", "Last") if day == LAST else day) for day in DAYS_OF_MONTH]


class ScheduleForm(forms.Form):
    """When: the kind chooses which of the fields count."""

    kind = forms.ChoiceField(
        label=gettext_lazy("It runs"),
        choices=_KINDS,
        initial="daily",
        widget=forms.RadioSelect({"data-group": gettext_lazy("When")}),
    )
    interval = forms.ChoiceField(
        label=gettext_lazy("How often"), required=False, choices=list(INTERVAL_WORDS.items()), initial=60
    )
    date = forms.DateTimeField(
        label=gettext_lazy("Date and time"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    day_of_week = forms.ChoiceField(
        label=gettext_lazy("On"), required=False, choices=list(WEEKDAY_WORDS.items()), initial="Monday"
    )
    day_of_month = forms.ChoiceField(label=gettext_lazy("On day"), required=False, choices=_DAYS, initial="1")
    narrowed_to = forms.ChoiceField(
        label=gettext_lazy("Only on a weekday"),
        required=False,
        choices=[("", gettext_lazy("Any weekday")), *WEEKDAY_WORDS.items()],
        help_text=gettext_lazy("The first such weekday from that day on: day 1 and Monday is the first Monday."),
    )
    month = forms.ChoiceField(
        label=gettext_lazy("Only in a month"),
        required=False,
        choices=[("", gettext_lazy("Any month")), *MONTH_WORDS.items()],
    )
    time = forms.TimeField(
        label=gettext_lazy("At"),
        required=False,
        initial="02:30",
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
    )
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        initial=LOCAL,
        max_length=100,
        help_text=gettext_lazy(
            "$Local is the server's own; names such as Europe/Berlin, and those of Windows, are known."
        ),
        widget=forms.TextInput({"list": "time-zones", "spellcheck": "false", "autocomplete": "off"}),
    )

    def dataset(self) -> dict[str, object]:
        """What `planning.parse_schedule` takes."""
        given = self.cleaned_data
        found: dict[str, object] = {"time_zone": given["time_zone"]}
        for name in _GIVES[given["kind"]]:
            value = given.get(name)
            if isinstance(value, datetime):
                value = value.replace(tzinfo=None)
            found["day_of_week" if name == "narrowed_to" else name] = value
        return found

    @staticmethod
    def initial_of(schedule: Schedule) -> dict[str, Any]:
        kind = "once" if schedule.date else "interval" if schedule.interval else "monthly"
        if schedule.time and not schedule.day_of_month:
            kind = "weekly" if schedule.day_of_week else "daily"
        found = {name: getattr(schedule, name) for name in _SAME}
        found["narrowed_to" if kind == "monthly" else "day_of_week"] = schedule.day_of_week
        return {"kind": kind, **{name: value for name, value in found.items() if value not in (None, "")}}


class JobForm(ScheduleForm):
    """A job: what, as whom, and when."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    owner = forms.CharField(
        label=gettext_lazy("Owner"),
        max_length=254,
        help_text=gettext_lazy("An administrator. It runs with their rights, and stops when they lose them."),
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    missed = forms.ChoiceField(
        label=gettext_lazy("Runs missed while the server is down"), choices=Job.Missed.choices, widget=forms.RadioSelect
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, command: Command | None, is_built_in: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.parameters = [] if command is None or is_built_in else command.parameters()
        for number, parameter in enumerate(self.parameters):
            made = _field(parameter)
            if number == 0:
                made.widget.attrs["data-group"] = _("What it takes")
            self.fields[PREFIX + parameter.name] = made
        if is_built_in:
            del self.fields["name"], self.fields["owner"]
        about = [name for name in ("name", "owner") if name in self.fields]
        given = [PREFIX + parameter.name for parameter in self.parameters]
        self.order_fields([*about, *given, *ScheduleForm.base_fields, "missed", "version"])

    def arguments(self) -> dict[str, object]:
        """The arguments that were filled in; what is empty keeps the command's own default."""
        found: dict[str, object] = {}
        for parameter in self.parameters:
            value = self.cleaned_data.get(PREFIX + parameter.name)
            if parameter.kind is Kind.TEXTS:
                value = [line.strip() for line in (value or "").splitlines() if line.strip()]
            if value in (None, "", []) and parameter.kind is not Kind.FLAG:
                continue
            found[parameter.name] = value
        return found

    def refuse(self, field: str, text: str, *, of_command: bool) -> None:
        """Put what a service said onto the field it is about: the job's own, or one of its command's arguments."""
        name = PREFIX + field if of_command and PREFIX + field in self.fields else field
        self.add_error(name if name in self.fields else None, text)

    @staticmethod
    def initial_of_job(job: Job, command: Command | None) -> dict[str, Any]:
        given = {} if command is None else {each.name: each for each in command.parameters()}
        shown = {PREFIX + name: _shown(given[name], value) for name, value in job.arguments.items() if name in given}
        own = {"name": job.name, "owner": job.owner_label, "missed": job.missed, "version": job.version}
        return {**own, **shown, **ScheduleForm.initial_of(job.when())}


class AlertForm(forms.Form):
    """What people shall know, where, and who."""

    text = forms.CharField(label=gettext_lazy("Text"), max_length=2000, widget=forms.Textarea({"rows": 3}))
    severity = forms.ChoiceField(label=gettext_lazy("Kind"), choices=Alert.Severity.choices, initial="info")
    level = forms.ChoiceField(
        label=gettext_lazy("Where"), choices=[(level.value, label) for level, label in LEVEL_LABELS.items()]
    )
    place = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("The customer, the domain or the person's address; nothing for the server."),
        widget=forms.TextInput({"spellcheck": "false"}),
    )
    audience = forms.ChoiceField(
        label=gettext_lazy("For"), choices=Alert.Audience.choices, initial="everybody", widget=forms.RadioSelect
    )
    mail = forms.BooleanField(label=gettext_lazy("Mail it to them, too"), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("level") != Level.SERVER and not given.get("place"):
            self.add_error("place", _("Say which one."))
        return given


class JsonField(forms.JSONField):
    """JSON as text; nothing is an empty box, not the word null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


def _field(parameter: Parameter) -> forms.Field:
    about = parameter.about
    help_text, label = str(about.help), parameter.label
    common: dict[str, Any] = {"label": label, "required": parameter.required, "help_text": help_text}
    if parameter.default not in (None, "", []) and not parameter.kind.is_json:
        common["initial"] = parameter.default
    if about.secret and not parameter.kind.is_json:
        widget = forms.PasswordInput({"autocomplete": "new-password"})
        return forms.CharField(**common | {"required": False}, strip=False, widget=widget)
    if about.choices:
        empty = [] if parameter.required or parameter.default else [("", "–")]
        return forms.ChoiceField(**common, choices=[*empty, *about.choices.items()])
    if parameter.kind is Kind.NUMBER:
        return forms.IntegerField(**common, min_value=about.least, max_value=about.most)
    if parameter.kind is Kind.FLAG:
        return forms.BooleanField(**common | {"required": False})
    if parameter.kind.is_json:
        mono = forms.Textarea({"rows": 6, "spellcheck": "false", "class": "mono"})
        required = parameter.required and not about.secret
        return JsonField(**common | {"required": required}, widget=mono)
    if parameter.kind is Kind.TEXTS:
        lines = forms.Textarea({"rows": 3, "spellcheck": "false"})
        common["initial"] = "\n".join(parameter.default) if isinstance(parameter.default, list) else ""
        common["help_text"] = f"{help_text} {_('One a line.')}".strip()
        return forms.CharField(**common, widget=lines)
    return forms.CharField(**common, widget=forms.Textarea({"rows": 4}) if about.long else forms.TextInput())


def _shown(parameter: Parameter, value: Any) -> Any:
    if parameter.kind is Kind.TEXTS and isinstance(value, list):
        return "\n".join(value)
    return value


def shown_arguments(command: Command | None, arguments: Mapping[str, Any], secret: bool) -> list[tuple[str, str]]:
    """What a job's page says it takes; of secrets only that there are some."""
    labels = {} if command is None else {each.name: each.label for each in command.parameters()}
    found = [
        (labels.get(name, name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in arguments.items()
        if value not in (None, "", [], {})
    ]
    return [*found, (_("Secret"), "••••••")] if secret else found
