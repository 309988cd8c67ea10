"""The shapes of mail rules: a rule with rows of conditions and actions, a script, the out-of-office note, a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override, pgettext_lazy

from domains.services.rule_trials import MOST_BYTES
from gateway.models import RuleSettings
from gateway.sieve.simple import MOST_ACTIONS, MOST_CONDITIONS, MOST_PRIORITY, Act, Condition, Rule
from gateway.wording import CATEGORIES

_SCRIPT = forms.Textarea({"rows": 22, "spellcheck": "false", "class": "mono", "autocomplete": "off", "wrap": "off"})
CONDITIONS = {
    "from": pgettext_lazy("condition", "From"),
    "to": pgettext_lazy("condition", "To or Cc"),
    "subject": pgettext_lazy("condition", "Subject"),
    "text": pgettext_lazy("condition", "Text"),
    "sender": pgettext_lazy("condition", "Envelope sender"),
    "header": pgettext_lazy("condition", "Header field…"),
    "size": pgettext_lazy("condition", "Size in KiB"),
    "list": pgettext_lazy("condition", "Came by a mailing list"),
    "verdict": pgettext_lazy("condition", "Verdict"),
    "date": pgettext_lazy("condition", "Date on which it comes"),
    "time": pgettext_lazy("condition", "Time of day at which it comes"),
    "weekday": pgettext_lazy("condition", "Day of the week on which it comes"),
}
OPERATIONS = {
    "contains": _("contains"),
    "is": _("is"),
    "matches": _("looks like (* and ?)"),
    "not_contains": _("doesn't contain"),
    "not_is": _("is not"),
    "not_matches": _("doesn't look like"),
    "over": _("is over"),
    "under": _("is under"),
    "before": _("is before"),
    "after": _("is after"),
}
ACTIONS = {
    "folder": _("Into the folder…"),
    "copy_to_folder": _("A copy into the folder…"),
    "redirect": _("Send on to…"),
    "copy": _("A copy to…"),
    "flag": _("Mark it as important"),
    "seen": _("Mark it as read"),
    "answer": _("Answer with…"),
    "reject": _("Refuse it with…"),
    "discard": _("Throw it away"),
    "keep": _("Deliver it"),
    "stop": _("Ask no more rules"),
}


class MailRuleForm(forms.Form):
    """A rule. Rows that are empty don't count; a button asks for more of them."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    was = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)
    rows = forms.CharField(widget=forms.HiddenInput, required=False, max_length=10)
    name = forms.CharField(label=_("Name"), max_length=100)
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=MOST_PRIORITY,
        initial=5,
        help_text=_("10 is asked first, 1 last; 0 is not used."),
    )
    any_of = forms.ChoiceField(
        label=_("It fits if"),
        choices=[("", _("all conditions are true")), ("1", _("one condition is true"))],
        required=False,
    )
    comment = forms.CharField(label=_("Comment"), max_length=500, required=False)

    def __init__(self, data: Any = None, *, rule: Rule | None = None, **more: Any) -> None:
        conditions, actions = _wanted(data, rule)
        if rule is not None:
            more["initial"] = _initial(rule) | (more.get("initial") or {})
        super().__init__(data, **more)
        for number in range(conditions):
            self._add_condition(number)
        for number in range(actions):
            self._add_action(number)
        self.conditions, self.actions = conditions, actions
        self.fields["rows"].initial = f"{conditions},{actions}"

    def _add_condition(self, number: int) -> None:
        name = f"c{number}"
        self.fields[f"{name}_what"] = _choice(_("Condition"), CONDITIONS)
        self.fields[f"{name}_header"] = _text(_("Name of the header field"), 80)
        self.fields[f"{name}_operation"] = forms.ChoiceField(
            label=_("How"), choices=list(OPERATIONS.items()), required=False
        )
        self.fields[f"{name}_value"] = _text(_("Value"), 1000)

    def _add_action(self, number: int) -> None:
        self.fields[f"a{number}_what"] = _choice(_("Action"), ACTIONS)
        self.fields[f"a{number}_value"] = forms.CharField(
            label=_("Folder, address or text"), max_length=10_000, required=False, widget=forms.Textarea({"rows": 1})
        )

    @property
    def condition_rows(self) -> list[Sequence[forms.BoundField]]:
        parts = ("what", "header", "operation", "value")
        return [[self[f"c{number}_{part}"] for part in parts] for number in range(self.conditions)]

    @property
    def action_rows(self) -> list[Sequence[forms.BoundField]]:
        return [[self[f"a{number}_{part}"] for part in ("what", "value")] for number in range(self.actions)]

    @property
    def head(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", "priority")]

    def rule(self) -> Rule:
        data = self.cleaned_data
        conditions = tuple(
            _condition(*(str(data.get(f"c{number}_{part}") or "") for part in ("what", "operation", "value", "header")))
            for number in range(self.conditions)
            if data.get(f"c{number}_what")
        )
        actions = tuple(
            Act(data[f"a{number}_what"], (data.get(f"a{number}_value") or "").strip())
            for number in range(self.actions)
            if data.get(f"a{number}_what")
        )
        return Rule(
            name=" ".join(data["name"].split()),
            priority=data["priority"],
            conditions=conditions,
            actions=actions,
            any_of=bool(data["any_of"]),
            comment=" ".join(data["comment"].split()),
        )


def _condition(what: str, operation: str, value: str, header: str) -> Condition:
    """A row as a condition: of a list, a verdict or a day of the week it only matters whether it is or not."""
    if what in ("list", "verdict", "weekday"):
        operation = "not_is" if operation.startswith("not_") else "is"
    if what == "size" and operation not in ("over", "under"):
        operation = "over"
    if what == "text":
        operation = "not_contains" if operation.startswith("not_") else "contains"
    if what in ("date", "time") and operation not in ("before", "after"):
        operation = "after" if what == "time" else "not_is" if operation.startswith("not_") else "is"
    if what == "weekday":
        value = numbers_of_days(value)
    value = "yes" if what == "list" else value
    if what == "verdict":
        value = next((key for key, label in CATEGORIES.items() if value.lower() in (key, str(label).lower())), value)
    return Condition(what, operation, value, header if what == "header" else "")


def numbers_of_days(text: str) -> str:
    """Days of the week as people write them (`Sat, Sun`, in their language or English) as a condition holds them; what
    is none stays as it is.
    """
    parts = [part.strip().lower() for part in text.replace(";", ",").split(",") if part.strip()]
    names = {str(name).lower(): number for number, name in WEEKDAYS.items()}
    with override("en"):
        names |= {str(name).lower(): number for number, name in WEEKDAYS.items()}
    found = [next((n for name, n in names.items() if len(part) > 1 and name.startswith(part)), None) for part in parts]
    if None in found:
        return text
    return ",".join(str((number + 1) % 7) for number in found if number is not None)


def days_of(numbers: str) -> str:
    """The other way round, for who reads it."""
    days = [WEEKDAYS[(int(each) - 1) % 7] for each in numbers.split(",") if each.isdecimal()]
    return ", ".join(str(day) for day in days)


def _choice(label: Any, choices: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", "–"), *choices.items()], required=False)


def _text(label: Any, most: int) -> forms.CharField:
    return forms.CharField(label=label, max_length=most, required=False)


def _wanted(data: Any, rule: Rule | None) -> tuple[int, int]:
    """How many rows: those there are and some empty ones, or as many as the form had, and more if it asks."""
    if data is not None:
        conditions, _comma, actions = str(data.get("rows", "")).partition(",")
        counts = [int(each) if each.isdigit() else 3 for each in (conditions, actions)]
        more = 3 if "more" in data else 0
        return min(max(counts[0], 1) + more, MOST_CONDITIONS), min(max(counts[1], 1) + more, MOST_ACTIONS)
    if rule is None:
        return 2, 2
    return min(len(rule.conditions) + 1, MOST_CONDITIONS), min(len(rule.actions) + 1, MOST_ACTIONS)


def _initial(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {
        "was": rule.name, "name": rule.name, "priority": rule.priority, "any_of": "1" if rule.any_of else "",
        "comment": rule.comment,
    }  # fmt: skip
    for number, condition in enumerate(rule.conditions):
        for part in ("what", "header", "operation", "value"):
            found[f"c{number}_{part}"] = getattr(condition, part)
        if condition.what == "weekday":
            found[f"c{number}_value"] = days_of(condition.value)
    for number, act in enumerate(rule.actions):
        found |= {f"a{number}_what": act.what, f"a{number}_value": act.value}
    return found


class ScriptForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=_("Name"), max_length=100)
    text = forms.CharField(label=_("Script"), required=False, max_length=300_000, strip=False, widget=_SCRIPT)


class AwayForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    is_on = forms.BooleanField(label=_("Answer for me"), required=False)
    starts_on = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: from now on."),
    )  # fmt: skip
    ends_on = forms.DateField(
        label=_("Until, that day included"), required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"), help_text=_("Empty: until you switch it off."),
    )  # fmt: skip
    subject = forms.CharField(
        label=_("Subject"), required=False, max_length=200, help_text=_("Empty: that of the message, with a mark.")
    )
    inside = forms.CharField(
        label=_("What colleagues get"), required=False, max_length=5000, widget=forms.Textarea({"rows": 6})
    )
    answers_outside = forms.BooleanField(label=_("Answer people elsewhere too"), required=False)
    outside = forms.CharField(
        label=_("What they get"), required=False, max_length=5000, widget=forms.Textarea({"rows": 6}),
        help_text=_("Empty: the same as colleagues."),
    )  # fmt: skip
    days = forms.IntegerField(
        label=_("Answer the same person again after"), min_value=1, max_value=90,
        help_text=_("Days. Mailing lists and programs are never answered."),
    )  # fmt: skip


class RuleSettingsForm(forms.Form):
    folders = forms.ChoiceField(
        label=_("How folders are told to the mail server"),
        choices=RuleSettings.Folders.choices,
        widget=forms.RadioSelect,
        help_text=_("X-Postkeep-Folder is always there. In the address: only if the server files name+folder@ itself."),
    )
    most_redirects = forms.IntegerField(
        label=_("Addresses that a message is sent on to"), min_value=0, max_value=50, help_text=_("At most; 0: none.")
    )


class TrialForm(forms.Form):
    message = forms.ChoiceField(label=_("One of your last messages"), required=False)
    upload = forms.FileField(
        label=_("Or a message as a file"), required=False, help_text=_("As mail programs save it (.eml).")
    )
    raw = forms.CharField(
        label=_("Or its text"), required=False, max_length=MOST_BYTES, strip=False,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip
    sender = forms.CharField(
        label=_("Envelope sender"), required=False, max_length=320, help_text=_("Empty: as it stands in From.")
    )
    recipient = forms.CharField(
        label=_("Mailbox"), required=False, max_length=320, help_text=_("Empty: somebody without rules of their own.")
    )

    def __init__(
        self, data: Any = None, files: Any = None, *, messages: Sequence[tuple[str, str]], asks_for: bool
    ) -> None:
        super().__init__(data, files)
        if messages:
            self.fields["message"].choices = [("", "–"), *messages]  # type: ignore[attr-defined]
        else:
            del self.fields["message"]
            self.fields["upload"].label = _("A message as a file")
        if not asks_for:
            del self.fields["recipient"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        upload = data.get("upload")
        if upload is not None and upload.size > MOST_BYTES:
            self.add_error("upload", _("The file is too large to be tried."))
        elif not (upload or data.get("raw") or data.get("message")):
            self.add_error("upload", _("A message, please."))
        return data

    def content(self) -> bytes:
        upload = self.cleaned_data.get("upload")
        if upload is not None:
            return bytes(upload.read())
        text: str = self.cleaned_data["raw"]
        return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
