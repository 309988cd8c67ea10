"""A policy: which services are on for a domain's mail, and their values.

Names, meanings and groups are Cleanmail's, with units; the defaults are those of its sample of a new domain. Layers
(server, domain, mailbox) are mappings from a field's path to a value, laid over each other by `merge`.

Source: cleanmail.md §5.4, §5.5, §6.7, §6.48-6.56.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from domains.policy.sentences import Sentence, gettext_noop, sentence

MB = 1024 * 1024
Problem = tuple[str, Sentence]
"""The path of a field ("relay_props.prefix_spam") and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RelayProps:
    """What is delivered although it isn't clean; incoming mail. From `spam_score_limit` on spam is not. The prefixes go
    before the subject; an empty one is none. `relay_unread_archives`: archives that nobody could look into (packed in a
    way we don't open, locked, broken, too many files) are none that are forbidden; in both directions. Not Cleanmail's.
    """

    relay_spam: bool = False
    relay_advert: bool = True
    advert_prefix: str = ""
    prefix_spam: str = ""
    relay_bad_headers: bool = False
    relay_bad_attachments: bool = False
    spam_score_limit: float = 5.0
    relay_unread_archives: bool = True


@dataclass(frozen=True, slots=True)
class QuarantineProps:
    """What is kept for release when it isn't delivered, and for how many days."""

    duration_days: int = 31
    store_spam: bool = True
    store_virus: bool = False
    store_advert: bool = False
    store_blacklisted: bool = False
    store_sender_verify: bool = False
    store_bad_headers: bool = True
    store_bad_encoding: bool = True
    store_bad_attachments: bool = True


@dataclass(frozen=True, slots=True)
class RetentionProps:
    """Copies of what was sent and of clean mail received, for a few days."""

    duration_days: int = 5
    store_mail_out: bool = True
    store_clean_mail_in: bool = True


@dataclass(frozen=True, slots=True)
class ArchiveProps:
    """What is archived, for how many months. `archive_by_copy`: what reached a mailbox is archived from there, all of
    it and internal mail too, instead of in passing."""

    duration_months: int = 48
    archive_by_copy: bool = False
    store_mail_out: bool = True
    store_clean_mail_in: bool = True
    store_spam: bool = True
    store_bad_headers: bool = True
    store_bad_encoding: bool = True
    store_bad_attachments: bool = True
    store_advert: bool = False
    store_blacklisted: bool = False
    store_sender_verify: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The five services and their values. `mail_size_limit_mb` counts 1,048,576 bytes each; from `spam_score` on a
    message is spam."""

    name: str = ""
    incoming: bool = True
    outgoing: bool = False
    quarantine: bool = False
    retention: bool = False
    archive: bool = False
    mail_size_limit_mb: int = 21
    spam_score: float = 5.0
    relay_props: RelayProps = field(default_factory=RelayProps)
    quarantine_props: QuarantineProps = field(default_factory=QuarantineProps)
    retention_props: RetentionProps = field(default_factory=RetentionProps)
    archive_props: ArchiveProps = field(default_factory=ArchiveProps)


_GROUPS = ("relay_props", "quarantine_props", "retention_props", "archive_props")
_MOST = {
    "mail_size_limit_mb": 1024,
    "quarantine_props.duration_days": 3650,
    "retention_props.duration_days": 3650,
    "archive_props.duration_months": 1200,
}
MAX_SCORE = 1000.0
MAX_PREFIX = 60
MAX_NAME = 255


def as_mapping(policy: Policy) -> dict[str, Any]:
    """Every value by its path, the name too: `{"spam_score": 5.0, "relay_props.relay_spam": False, …}`."""
    values: dict[str, Any] = {}
    for one in fields(policy):
        value = getattr(policy, one.name)
        if one.name in _GROUPS:
            values.update({f"{one.name}.{inner.name}": getattr(value, inner.name) for inner in fields(value)})
        else:
            values[one.name] = value
    return values


DEFAULTS: Mapping[str, Any] = as_mapping(Policy())
PATHS: tuple[str, ...] = tuple(DEFAULTS)


@dataclass(frozen=True, slots=True)
class Merged:
    """A policy and, for each path, the name of the layer that its value comes from."""

    policy: Policy
    sources: Mapping[str, str]


DEFAULT_SOURCE = "default"


def merge(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> Merged:
    """Lay the layers over the defaults, the last one on top; None, or an absent path, inherits.

    Example: `merge([("domain", as_mapping(policy)), ("mailbox", {"spam_score": 7.0})])`. Raises: ValueError for a path
    that no policy has (`override_problems` names it).
    """
    values = dict(DEFAULTS)
    sources = dict.fromkeys(PATHS, DEFAULT_SOURCE)
    for source, layer in layers:
        for path, value in layer.items():
            if path not in DEFAULTS:
                raise ValueError(f"no policy has {path!r}")
            if value is not None:
                values[path] = value
                sources[path] = source
    return Merged(_from_mapping(values), sources)


def _from_mapping(values: Mapping[str, Any]) -> Policy:
    own = {path: value for path, value in values.items() if "." not in path}
    policy = Policy(**own)
    groups = {}
    for name in _GROUPS:
        start = f"{name}."
        inner = {path.removeprefix(start): value for path, value in values.items() if path.startswith(start)}
        groups[name] = replace(getattr(policy, name), **inner)
    return replace(policy, **groups)


def problems(policy: Policy) -> list[Problem]:
    """What keeps the policy from being stored, field by field; an empty list for a good one."""
    values = as_mapping(policy)
    found = [problem for path, value in values.items() if (problem := _problem(path, value)) is not None]
    if not found:
        found.extend(_contradictions(policy))
    return found


def override_problems(layer: Mapping[str, Any], below: Policy) -> list[Problem]:
    """What keeps a layer from being stored over this policy; None values inherit."""
    found: list[Problem] = []
    for path, value in layer.items():
        if path not in DEFAULTS:
            found.append((path, Sentence(gettext_noop("No policy has this field."))))
        elif value is not None and (problem := _problem(path, value)) is not None:
            found.append(problem)
    if not found:
        merged = merge([("below", as_mapping(below)), ("layer", layer)])
        found.extend(_contradictions(merged.policy))
    return found


def _problem(path: str, value: object) -> Problem | None:
    wanted = DEFAULTS[path]
    if isinstance(wanted, bool):
        said = None if isinstance(value, bool) else Sentence(gettext_noop("Yes or no."))
    elif isinstance(wanted, int):
        said = _whole_number_problem(value, _MOST[path])
    elif isinstance(wanted, float):
        said = _score_problem(value)
    else:
        said = _text_problem(value, MAX_NAME if path == "name" else MAX_PREFIX)
        if path == "name" and said is None and not str(value).strip():
            said = Sentence(gettext_noop("A policy needs a name."))
    return None if said is None else (path, said)


def _whole_number_problem(value: object, most: int) -> Sentence | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return Sentence(gettext_noop("A whole number."))
    return None if 1 <= value <= most else sentence(gettext_noop("From 1 to %(most)d."), most=most)


def _score_problem(value: object) -> Sentence | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Sentence(gettext_noop("A number."))
    if 0 < value <= MAX_SCORE:
        return None
    return sentence(gettext_noop("More than 0 and at most %(most)d."), most=int(MAX_SCORE))


def _text_problem(value: object, most: int) -> Sentence | None:
    if not isinstance(value, str):
        return Sentence(gettext_noop("A text."))
    if len(value) > most:
        return sentence(gettext_noop("Longer than %(most)d characters."), most=most)
    # A line break in a prefix would begin a new header.
    if value and not value.isprintable():
        return Sentence(gettext_noop("Only visible characters and spaces."))
    return None


def _contradictions(policy: Policy) -> Iterable[Problem]:
    relay = policy.relay_props
    if relay.relay_spam and relay.spam_score_limit <= policy.spam_score:
        said = sentence(
            gettext_noop("Spam begins at %(score).1f and would never be delivered: this must be more."),
            score=float(policy.spam_score),
        )
        yield "relay_props.spam_score_limit", said
