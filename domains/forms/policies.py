"""The shape of a policy in its groups: services, delivery, quarantine, copies, archive; and of a mailbox's own values.

Fields are named after the paths of `domains.policy.policy` with two underscores for the dot. `WORDS` has the label, the
unit and the help of each, for the pages that show values, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from domains.policy.policy import DEFAULTS, MAX_NAME, MAX_PREFIX, PATHS


@dataclass(frozen=True)
class Word:
    label: Any
    unit: Any = ""
    help: Any = ""


GROUPS: tuple[tuple[str, Any], ...] = (
    ("", _("Services and limits")),
    ("relay_props", _("Delivered although it isn't clean")),
    ("quarantine_props", _("Quarantine")),
    ("retention_props", _("Copies for a few days")),
    ("archive_props", _("Archive")),
)
_STORED: dict[str, Any] = {
    "store_clean_mail_in": _("Clean mail received"),
    "store_mail_out": _("Mail sent"),
    "store_spam": _("Spam"),
    "store_virus": _("Viruses"),
    "store_advert": _("Advertising"),
    "store_blacklisted": _("Blocked senders"),
    "store_sender_verify": _("Senders that failed verification"),
    "store_bad_headers": _("Broken headers"),
    "store_bad_encoding": _("Broken encoding"),
    "store_bad_attachments": _("Forbidden attachments"),
}
WORDS: dict[str, Word] = {
    "name": Word(_("Name")),
    "incoming": Word(_("Incoming mail"), help=_("Mail to the domain's addresses is taken.")),
    "outgoing": Word(_("Outgoing mail"), help=_("People of the domain may send through us.")),
    "quarantine": Word(_("Quarantine"), help=_("What is not delivered is kept for release instead of refused.")),
    "retention": Word(_("Copies for a few days"), help=_("What was delivered can be sent again.")),
    "archive": Word(_("Archive")),
    "mail_size_limit_mb": Word(_("Largest message"), _("MB")),
    "spam_score": Word(_("Spam from this score"), help=_("The lower, the more is taken for spam.")),
    "relay_props.relay_spam": Word(_("Deliver spam"), help=_("Up to the score below.")),
    "relay_props.spam_score_limit": Word(_("Spam is delivered below this score")),
    "relay_props.prefix_spam": Word(_("Before the subject of spam"), help=_("For example [SPAM]. Empty: nothing.")),
    "relay_props.relay_advert": Word(_("Deliver advertising")),
    "relay_props.advert_prefix": Word(_("Before the subject of advertising")),
    "relay_props.relay_bad_headers": Word(_("Deliver mail with broken headers")),
    "relay_props.relay_bad_attachments": Word(_("Deliver mail with forbidden attachments")),
    "relay_props.relay_unread_archives": Word(
        _("Deliver archives that can't be read"),
        help=_("Packed in a way that isn't opened, locked or broken. Otherwise they count as forbidden attachments."),
    ),
    "quarantine_props.duration_days": Word(_("Kept for"), _("days")),
    "retention_props.duration_days": Word(_("Kept for"), _("days")),
    "archive_props.duration_months": Word(_("Kept for"), _("months")),
    "archive_props.archive_by_copy": Word(
        _("From the mailbox instead of in passing"), help=_("All that reaches a mailbox, internal mail too.")
    ),
} | {
    path: Word(_STORED[path.partition(".")[2]]) for path in PATHS if path.partition(".")[2] in _STORED
}  # fmt: skip


def in_groups() -> list[tuple[str, Any, list[str]]]:
    """(group, its heading, its paths) in the order of WORDS, as every page shows them; without the name."""
    ordered = [path for path in WORDS if path in DEFAULTS and path != "name"]
    by_group: dict[str, list[str]] = {}
    for path in ordered:
        by_group.setdefault(path.partition(".")[0] if "." in path else "", []).append(path)
    return [(group, heading, by_group[group]) for group, heading in GROUPS]


def field_name(path: str) -> str:
    return path.replace(".", "__")


def shown(path: str, value: Any) -> str:
    """A value in words, with its unit."""
    if isinstance(value, bool):
        return _now("Yes") if value else _now("No")
    unit = str(WORDS[path].unit)
    return f"{value:g} {unit}".strip() if isinstance(value, int | float) else str(value) or _now("Nothing")


class PolicyForm(forms.Form):
    """A policy of a domain; `values()` is what the services take."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for _group, heading, paths in in_groups():
            for number, path in enumerate(paths):
                self.fields[field_name(path)] = _field(path, heading if number == 0 else None)

    def values(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {"name": data["name"]} | {path: data[field_name(path)] for path in _paths()}


class OwnValuesForm(forms.Form):
    """A mailbox's policy and what it lays over it; what is left empty stays as the policy says."""

    policy = forms.ChoiceField(label=_("Policy"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self, *args: Any, policies: Iterable[tuple[str, str]] = (), below: Mapping[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].choices = list(policies)  # type: ignore[attr-defined]
        for _group, heading, paths in in_groups():
            for number, path in enumerate(paths):
                self.fields[field_name(path)] = _own_field(path, below[path], heading if number == 0 else None)

    def own_values(self) -> dict[str, Any]:
        """{path: value}, None for what is inherited."""
        found: dict[str, Any] = {}
        for path in _paths():
            value = self.cleaned_data[field_name(path)]
            if isinstance(DEFAULTS[path], bool):
                value = {"yes": True, "no": False}.get(value)
            found[path] = None if value == "" else value
        return found


def own_initial(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of a mailbox's own values."""
    words = {True: "yes", False: "no"}
    return {field_name(path): words[value] if isinstance(value, bool) else value for path, value in values.items()}


def _paths() -> list[str]:
    return [path for _group, _heading, paths in in_groups() for path in paths]


def _attrs(path: str, heading: Any, **more: Any) -> dict[str, Any]:
    attrs: dict[str, Any] = {"data-group": heading} if heading else {}
    if WORDS[path].unit:
        attrs["data-unit"] = WORDS[path].unit
    return attrs | more


def _field(path: str, heading: Any) -> forms.Field:
    word, default = WORDS[path], DEFAULTS[path]
    common: dict[str, Any] = {"label": word.label, "help_text": word.help, "initial": default}
    if isinstance(default, bool):
        return forms.BooleanField(required=False, widget=forms.CheckboxInput(_attrs(path, heading)), **common)
    if isinstance(default, int):
        return forms.IntegerField(min_value=1, widget=forms.NumberInput(_attrs(path, heading)), **common)
    if isinstance(default, float):
        return forms.FloatField(widget=forms.NumberInput(_attrs(path, heading, step="0.1")), **common)
    return forms.CharField(
        required=False, max_length=MAX_PREFIX, strip=False, widget=forms.TextInput(_attrs(path, heading)), **common
    )


def _own_field(path: str, below: Any, heading: Any) -> forms.Field:
    """The same, but it may be left to the policy; what that says stands in the empty field."""
    word, default = WORDS[path], DEFAULTS[path]
    says = _("As the policy: %(value)s")
    inherited = str(says) % {"value": shown(path, below)}
    common: dict[str, Any] = {"label": word.label, "help_text": word.help, "required": False}
    if isinstance(default, bool):
        choices = [("", inherited), ("yes", _("Yes")), ("no", _("No"))]
        return forms.ChoiceField(choices=choices, widget=forms.Select(_attrs(path, heading)), **common)
    attrs = _attrs(path, heading, placeholder=inherited)
    if isinstance(default, int):
        return forms.IntegerField(min_value=1, widget=forms.NumberInput(attrs), **common)
    if isinstance(default, float):
        return forms.FloatField(widget=forms.NumberInput(attrs | {"step": "0.1"}), **common)
    return forms.CharField(max_length=MAX_PREFIX, strip=False, widget=forms.TextInput(attrs), **common)
