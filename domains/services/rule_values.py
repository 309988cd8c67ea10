"""The kinds of filters (rules) as the services know them: rows, rights, limits, and checking of values.

Values go by the names of the row's fields. What a rule may say is decided by `domains.policy`; this translates its
problems ("Character 7: …") into `Invalid` with the field's name. Not for writing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from accounts.permissions import Right
from domains.errors import Invalid
from domains.models import AttachmentRule, DlpRule, Domain, Mailbox, SenderRule, UriRule
from domains.policy import attachments, dlp, senders, uris
from domains.policy.patterns import PatternMode
from domains.policy.rules import Problem, RuleKind
from domains.policy.sentences import translated

RuleRow = SenderRule | AttachmentRule | UriRule | DlpRule
Owner = Domain | Mailbox
PureRule = senders.SenderRule | attachments.AttachmentRule | uris.UriRule | dlp.DlpRule

MOST_OF_MAILBOX = 1_000


@dataclass(frozen=True)
class Kind:
    """One kind of rules. defaults: every field that may be written, with the value it has when it isn't given."""

    kind: RuleKind
    model: type[SenderRule | AttachmentRule | UriRule | DlpRule]
    right: Right
    most: int
    event: str
    main: str
    same: tuple[str, ...]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]

    @property
    def is_ordered(self) -> bool:
        return self.kind is not RuleKind.SENDER

    def rows(self) -> models.QuerySet[Any]:
        """All of this kind, of everybody."""
        return self.model._default_manager.all()


KINDS: dict[RuleKind, Kind] = {
    each.kind: each
    for each in (
        Kind(
            RuleKind.SENDER, SenderRule, Right.MANAGE_FILTERS, 10_000, "sender_rule", "value",
            ("type", "value", "display_name"),
            {"type": "", "value": "", "subdomains": False, "spf_required": False, "display_name": "",
             "expires_at": None, "description": "", "is_enabled": True},
            ("type", "value"),
        ),
        Kind(
            RuleKind.ATTACHMENT, AttachmentRule, Right.MANAGE_FILTERS, 500, "attachment_rule", "filter",
            ("action", "check_type", "mode", "filter"),
            {"action": "", "check_type": "", "mode": "regex", "filter": "", "description": "", "is_enabled": True},
            ("action", "check_type", "filter"),
        ),
        Kind(
            RuleKind.URI, UriRule, Right.MANAGE_FILTERS, 500, "uri_rule", "filter",
            ("action", "mode", "filter"),
            {"action": "", "mode": "regex", "filter": "", "description": "", "is_enabled": True},
            ("action", "filter"),
        ),
        Kind(
            RuleKind.DLP, DlpRule, Right.MANAGE_DLP, 500, "dlp_rule", "identifier",
            ("identifier",),
            {"identifier": "", "mode": "regex", "expression": "", "case_sensitive": False, "explanation": "",
             "targets_sender": False, "targets_recipients": False, "targets_content": False, "is_enabled": True},
            ("identifier", "expression"),
        ),
    )
}  # fmt: skip
_BY_MODEL = {each.model: each for each in KINDS.values()}
_PURE_NAMES = {"id": "identifier", "check": "check_type", "owner": ""}


def kind_of(rule: RuleRow) -> Kind:
    return _BY_MODEL[type(rule)]


def values_of(rule: RuleRow) -> dict[str, Any]:
    """A row's values by the names that may be written."""
    return {name: getattr(rule, name) for name in kind_of(rule).defaults}


def checked(kind: Kind, owner_text: str, values: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Any:
    """The row's columns for these values laid over those before, in canonical form; None means "not given".

    `expires_at` is the exception: None there means "never". Raises: Invalid naming the field.
    """
    unknown = next((name for name in values if name not in kind.defaults), None)
    if unknown is not None:
        raise Invalid(_("No rule has this field."), field=unknown)
    given = {name: value for name, value in values.items() if value is not None or name == "expires_at"}
    if "value" in given and "subdomains" not in given:  # its dot says it
        given["subdomains"] = False
    wanted = {**kind.defaults, **(before or {}), **given}
    if given.get("subdomains") is False and "value" not in given:
        wanted["value"] = wanted["value"].removeprefix(".")
    for name, default in kind.defaults.items():
        wanted[name] = _typed(kind.model, name, default, wanted[name])
    for name in kind.required:
        if not wanted[name]:
            raise Invalid(_("This is needed."), field=name)
    pure = _pure(kind.kind, 0, owner_text, wanted)
    _raise_first(_problems(pure), kind)
    if kind.kind is RuleKind.SENDER:
        value = senders.parse_value(wanted["value"], subdomains=wanted.pop("subdomains"))
        wanted["value"] = str(value)
    for name, value in wanted.items():
        most = getattr(kind.model._meta.get_field(name), "max_length", None)
        if isinstance(value, str) and most is not None and len(value) > most:
            raise Invalid(_("At most %(limit)s characters.") % {"limit": most}, field=name)
    return wanted


def pure_of(rule: RuleRow, owner_text: str, *, by_key: bool = True) -> PureRule:
    """The rule as `domains.policy` has it. by_key: its id is the row's, else (DLP) the one people gave it."""
    kind = kind_of(rule)
    values = values_of(rule)
    place = getattr(rule, "priority", 1)
    made = _pure(kind.kind, rule.pk, owner_text, values, place)
    if by_key or not isinstance(made, dlp.DlpRule):
        return made
    return dlp.DlpRule(**{**_fields(made), "id": values["identifier"]})


def same_key(kind: Kind, values: Mapping[str, Any] | RuleRow) -> tuple[Any, ...]:
    """What makes two rules of one owner the same."""
    if isinstance(values, models.Model):
        return tuple(getattr(values, name) for name in kind.same)
    return tuple(values[name] for name in kind.same)


def values_of_pure(rule: PureRule) -> dict[str, Any]:
    """What a file's rule says, by the names of the row's fields."""
    named = {_PURE_NAMES.get(name, name): value for name, value in _fields(rule).items()}
    kind = KINDS[_kind_of_pure(rule)]
    values = {name: value for name, value in named.items() if name in kind.defaults}
    return {name: str(value).lower() if name in ("type", "action", "check_type", "mode") else value
            for name, value in values.items()}  # fmt: skip


def _pure(kind: RuleKind, key: int, owner: str, values: Mapping[str, Any], priority: int = 1) -> PureRule:
    match kind:
        case RuleKind.SENDER:
            return senders.SenderRule(
                id=key,
                type=senders.SenderType(values["type"].upper()),
                value=values["value"],
                owner=owner,
                subdomains=values["subdomains"] and not values["value"].lstrip().startswith("."),
                expires_at=values["expires_at"],
                spf_required=values["spf_required"],
                display_name=values["display_name"],
                description=values["description"],
            )
        case RuleKind.ATTACHMENT:
            return attachments.AttachmentRule(
                id=key,
                action=attachments.AttachmentAction(values["action"]),
                check=attachments.Check(values["check_type"]),
                filter=values["filter"],
                mode=PatternMode(values["mode"]),
                priority=priority,
                description=values["description"],
            )
        case RuleKind.URI:
            return uris.UriRule(
                id=key,
                action=uris.UriAction(values["action"]),
                filter=values["filter"],
                mode=PatternMode(values["mode"]),
                priority=priority,
                description=values["description"],
            )
        case RuleKind.DLP:
            return dlp.DlpRule(
                id=key or values["identifier"],
                sender_domain=owner,
                expression=values["expression"],
                explanation=values["explanation"],
                targets_sender=values["targets_sender"],
                targets_recipients=values["targets_recipients"],
                targets_content=values["targets_content"],
                mode=PatternMode(values["mode"]),
                case_sensitive=values["case_sensitive"],
                priority=priority,
            )


def _fields(rule: PureRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__dataclass_fields__}


def _kind_of_pure(rule: PureRule) -> RuleKind:
    match rule:
        case senders.SenderRule():
            return RuleKind.SENDER
        case attachments.AttachmentRule():
            return RuleKind.ATTACHMENT
        case uris.UriRule():
            return RuleKind.URI
        case dlp.DlpRule():
            return RuleKind.DLP


def _problems(rule: PureRule) -> list[Problem]:
    match rule:
        case senders.SenderRule():
            return senders.sender_problems(rule)
        case attachments.AttachmentRule():
            return attachments.attachment_problems(rule)
        case uris.UriRule():
            return uris.uri_problems(rule)
        case dlp.DlpRule():
            return dlp.dlp_problems(rule)


def _raise_first(problems: list[Problem], kind: Kind) -> None:
    for field, said in problems:
        raise Invalid(translated(said, _), field=_PURE_NAMES.get(field, field))


def _typed(model: type[models.Model], name: str, default: object, value: Any) -> Any:
    """The value as the column has it: a choice in lower case, a moment with its zone. Raises: Invalid."""
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise Invalid(_("Yes or no."), field=name)
        return value
    if name == "expires_at":
        return _moment(value)
    if not isinstance(value, str):
        raise Invalid(_("A text."), field=name)
    value = value if name in ("filter", "expression") else value.strip()
    if "\0" in value:
        raise Invalid(_("It has a character that can't be kept."), field=name)
    choices = getattr(model._meta.get_field(name), "choices", None)
    if choices and value:
        value = value.lower()
        known = [str(key) for key, _label in choices]
        if value not in known:
            raise Invalid(_("One of: %(allowed)s.") % {"allowed": ", ".join(known)}, field=name)
    return value


def _moment(value: Any) -> dt.datetime | None:
    if value is None:
        return None
    if not isinstance(value, dt.datetime):
        raise Invalid(_("A date with its time."), field="expires_at")
    return value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
