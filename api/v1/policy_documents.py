"""How a policy is written and read: the five services of a domain's mail, and their values.

The names and units are the manual's (`duration` is days, of the archive months); inside every value goes by its path.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from pydantic.alias_generators import to_camel

from api.schemas import Answer, Body, Id, left_out
from domains.models import Policy
from domains.policy import policy as pure

Score = Annotated[float, Field(ge=-pure.MAX_SCORE, le=pure.MAX_SCORE)]
Prefix = Annotated[str, Field(max_length=pure.MAX_PREFIX)]
Days = Annotated[int, Field(ge=1, le=3650, description="Days.")]
Months = Annotated[int, Field(ge=1, le=1200, description="Months.")]


class RelayProps(Body):
    """What is delivered although it isn't clean."""

    relay_spam: bool = left_out()
    relay_advert: bool = left_out()
    advert_prefix: Annotated[Prefix | None, Field(description="Before the subject of advertising; empty: none.")] = None
    prefix_spam: Annotated[Prefix | None, Field(description="Before the subject of spam; empty: none.")] = None
    relay_bad_headers: bool = left_out()
    relay_bad_attachments: bool = left_out()
    spam_score_limit: Annotated[Score, Field(description="From this score on spam isn't delivered.")] = left_out()
    relay_unread_archives: Annotated[
        bool,
        Field(description="Whether archives that can't be read are delivered; else they count as forbidden."),
    ] = left_out()


class QuarantineProps(Body):
    """What is kept for release."""

    duration: Days = left_out()
    store_spam: bool = left_out()
    store_virus: bool = left_out()
    store_advert: bool = left_out()
    store_blacklisted: bool = left_out()
    store_sender_verify: bool = left_out()
    store_bad_headers: bool = left_out()
    store_bad_encoding: bool = left_out()
    store_bad_attachments: bool = left_out()


class RetentionProps(Body):
    """Copies kept for a few days."""

    duration: Days = left_out()
    store_mail_out: bool = left_out()
    store_clean_mail_in: bool = left_out()


class ArchiveProps(Body):
    """What is archived."""

    duration: Months = left_out()
    archive_by_copy: bool = left_out()
    store_mail_out: bool = left_out()
    store_clean_mail_in: bool = left_out()
    store_spam: bool = left_out()
    store_bad_headers: bool = left_out()
    store_bad_encoding: bool = left_out()
    store_bad_attachments: bool = left_out()
    store_advert: bool = left_out()
    store_blacklisted: bool = left_out()
    store_sender_verify: bool = left_out()


class PolicyChange(Body):
    """Fields left out stay as they are, also inside the groups; a group that is null is left out."""

    id: Annotated[Id, Field(description="Only to say it again.")] = left_out()
    domain_id: Annotated[Id, Field(description="Only to say it again.")] = left_out()
    name: Annotated[str, Field(min_length=1, max_length=200)] = left_out()
    incoming: bool = left_out()
    outgoing: bool = left_out()
    quarantine: bool = left_out()
    retention: bool = left_out()
    archive: bool = left_out()
    mail_size_limit: Annotated[int, Field(ge=1, le=1024, description="MB.")] = left_out()
    spam_score: Annotated[Score, Field(description="From this score on a mail is spam.")] = left_out()
    relay_props: RelayProps | None = None
    quarantine_props: QuarantineProps | None = None
    retention_props: RetentionProps | None = None
    archive_props: ArchiveProps | None = None


class PolicyAdd(PolicyChange):
    """Only the name is needed; what isn't given is as in a new domain."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Strict"])]


class RelayPropsAnswer(Answer):
    relay_spam: bool
    relay_advert: bool
    advert_prefix: str
    prefix_spam: str
    relay_bad_headers: bool
    relay_bad_attachments: bool
    spam_score_limit: float
    relay_unread_archives: bool


class QuarantinePropsAnswer(Answer):
    duration: int
    store_spam: bool
    store_virus: bool
    store_advert: bool
    store_blacklisted: bool
    store_sender_verify: bool
    store_bad_headers: bool
    store_bad_encoding: bool
    store_bad_attachments: bool


class RetentionPropsAnswer(Answer):
    duration: int
    store_mail_out: bool
    store_clean_mail_in: bool


class ArchivePropsAnswer(Answer):
    duration: int
    archive_by_copy: bool
    store_mail_out: bool
    store_clean_mail_in: bool
    store_spam: bool
    store_bad_headers: bool
    store_bad_encoding: bool
    store_bad_attachments: bool
    store_advert: bool
    store_blacklisted: bool
    store_sender_verify: bool


class PolicyAnswer(Answer):
    """A policy with all its values, also those of services that are off."""

    id: int
    domain_id: int
    name: str
    incoming: bool
    outgoing: bool
    quarantine: bool
    retention: bool
    archive: bool
    mail_size_limit: int
    spam_score: float
    relay_props: RelayPropsAnswer
    quarantine_props: QuarantinePropsAnswer
    retention_props: RetentionPropsAnswer
    archive_props: ArchivePropsAnswer


GROUPS = {
    "relay_props": RelayPropsAnswer,
    "quarantine_props": QuarantinePropsAnswer,
    "retention_props": RetentionPropsAnswer,
    "archive_props": ArchivePropsAnswer,
}
# inside → outside, where the unit is part of our name
_UNITS = {
    "mail_size_limit_mb": "mail_size_limit",
    "quarantine_props.duration_days": "quarantine_props.duration",
    "retention_props.duration_days": "retention_props.duration",
    "archive_props.duration_months": "archive_props.duration",
}
_INSIDE = {outside: inside for inside, outside in _UNITS.items()}


# group → (the API's name, ours, what counts where the row doesn't say it) of each of its values
_FIELDS = {
    group: [
        (_UNITS.get(path, path).partition(".")[2], path.partition(".")[2], default)
        for path, default in pure.DEFAULTS.items()
        if path.startswith(f"{group}.")
    ]
    for group in GROUPS
}


def _camel(path: str) -> str:
    return ".".join(to_camel(part) for part in path.split("."))


NAMES = {path: _camel(_UNITS.get(path, path)) for path in pure.PATHS}


def present(policy: Policy) -> PolicyAnswer:
    groups = {name: kind(**_group(policy, name)) for name, kind in GROUPS.items()}
    return PolicyAnswer(
        id=policy.pk,
        domain_id=policy.domain_id,
        name=policy.name,
        incoming=policy.incoming,
        outgoing=policy.outgoing,
        quarantine=policy.quarantine,
        retention=policy.retention,
        archive=policy.archive,
        mail_size_limit=policy.mail_size_limit_mb,
        spam_score=policy.spam_score,
        **groups,
    )


def _group(policy: Policy, group: str) -> dict[str, Any]:
    """The values of one group by the API's names; what the row doesn't say has its default."""
    kept = getattr(policy, group) or {}
    return {outside: kept.get(name, default) for outside, name, default in _FIELDS[group]}


def values_of(body: PolicyChange) -> dict[str, Any]:
    """What was sent, by its paths inside."""
    found: dict[str, Any] = {}
    for name, value in body.changes().items():
        if name in ("id", "domain_id"):
            continue
        if name not in GROUPS:
            found[_INSIDE.get(name, name)] = value
        elif value is not None:
            for inner, each in value.changes().items():
                path = f"{name}.{inner}"
                found[_INSIDE.get(path, path)] = "" if each is None else each
    return found
