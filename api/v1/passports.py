"""Following messages: what came by, what was decided and why, and what became of it for each recipient.

One row is one message for one recipient. Not for content: nothing here opens a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import pydantic
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.permissions import Right
from api import filters
from api.errors import Fault, Invalid
from api.filters import Filter, Rows
from api.listing import Listing
from api.operations import Group
from api.schemas import Answer, Id, Moment
from domains.policy.decision import Category
from domains.policy.facts import Direction
from gateway import wording
from gateway.models import Kept, Recipient, Step
from gateway.models.subject_words import has_words, words_of
from gateway.selectors import tracking
from gateway.selectors.passport_proof import proof_of
from gateway.selectors.passport_rules import SeenRule, rules_of
from gateway.selectors.remembered import address_is, message_id_is

group = Group(
    "Passports",
    "Following messages through the gateway: one row for each recipient of a message, with its verdict, its state and "
    "every step on its way. What a message says is not told here.",
)

COUNT_TO = 200
_LEAST = 2


class PassportAnswer(Answer):
    """A message for one recipient. key: names the message; its other recipients have the same."""

    id: Id
    key: str
    message_id: str | None
    subject: str | None
    from_: Annotated[str | None, Field(alias="from")]
    envelope_sender: str
    to: str
    asked_for: Annotated[str, Field(description="The address that was written to, before aliases and forwards.")]
    direction: str
    came_in: Annotated[str, Field(description="By which door, as mx or submission.")]
    size: Annotated[int, Field(description="In bytes.")]
    received_at: Moment
    verdict: str
    state: str
    state_at: Moment
    score: float | None
    domain_id: int | None
    user_id: int | None


class PassportFindingAnswer(Answer):
    """Something that spoke about the message. changed_by: who had changed the rule last when the message came, for who
    may read that. changed_since: whether it was changed later, so that it may say something else now."""

    verdict: str
    why: str
    decides: bool
    overruled: str | None
    rule_kind: str | None
    rule_id: int | None
    changed_at: Moment | None
    changed_by: str | None
    changed_since: bool | None


class PassportStepAnswer(Answer):
    """What happened, when, and by whom where it was a person. data: as `kind` has it, for who may follow the mail."""

    at: Moment
    kind: str
    text: str
    more: str | None
    by: str | None
    data: dict[str, Any]


class KeptAnswer(Answer):
    """A copy that is kept, in which system folder, until when (null: as the archive's policies say).

    store_id, number, sha256: where it lies and the digest of its bytes, once it is in a store. journal_record: of the
    store's journal, which names that digest. signed_at, checkpoint: the first checkpoint over that record, by its
    digest (null: not signed yet); time_stamped_at: when an authority stamped it.
    """

    folder: str
    until: Moment | None
    store_id: int | None
    number: int | None
    sha256: str | None
    journal_record: int | None
    signed_at: Moment | None
    checkpoint: str | None
    time_stamped_at: Moment | None


class PassportDetail(PassportAnswer):
    """All that is known of it. facts: what was found out when it came: SPF, DKIM, DMARC, score, attachments."""

    client_address: str | None
    client_name: str
    helo: str
    tls: str
    reason: str | None
    findings: list[PassportFindingAnswer]
    notes: list[str]
    facts: dict[str, Any]
    steps: list[PassportStepAnswer]
    kept: list[KeptAnswer]
    other_recipients: Annotated[list[int], Field(description="Their passports, as far as they may be seen.")]
    came_from: Annotated[list[int], Field(description="What it was released or processed again from.")]
    went_on_as: list[int]


def _values(row: Recipient) -> dict[str, Any]:
    message = row.message
    return {
        "id": row.pk,
        "key": message.key,
        "message_id": message.message_id or None,
        "subject": message.subject or None,
        "from_": message.header_from or None,
        "envelope_sender": message.sender,
        "to": row.address,
        "asked_for": row.asked,
        "direction": row.direction,
        "came_in": message.door,
        "size": message.size_bytes,
        "received_at": row.received_at,
        "verdict": row.category,
        "state": row.state,
        "state_at": row.state_at,
        "score": row.score,
        "domain_id": row.domain_id,
        "user_id": row.mailbox.user_id if row.mailbox is not None else None,
    }


def _present(actor: Actor, rows: Sequence[Recipient]) -> list[PassportAnswer]:
    return [PassportAnswer(**_values(row)) for row in rows]


def _address(column: str, help: str) -> Filter:
    """Whole, or from its beginning with `*` at the end."""

    def narrow(rows: Rows, value: str) -> Rows:
        return rows.filter(address_is(column, value.rstrip("*"), whole=not value.endswith("*")))

    kind = Annotated[str, pydantic.Field(min_length=1, max_length=320)]
    return Filter(kind, f"{help} `*` at the end stands for anything.", narrow)


def _subject(rows: Rows, value: str) -> Rows:
    words = words_of(value)
    if len("".join(words)) < _LEAST:
        text = _("Words of a subject are found from their beginning, by two letters or digits at least.")
        raise Invalid(text, faults=[Fault("subject", text)])
    return rows.filter(has_words("message__subject", words, in_order=True))


def _message_id(rows: Rows, value: str) -> Rows:
    return rows.filter(message_id_is("message__message_id", value))


def _one_of(column: str, help: str, values: Sequence[str]) -> Filter:
    return filters.choice(column, help, {value: value for value in values})


_Text = Annotated[str, pydantic.Field(min_length=1, max_length=500)]
PASSPORTS = Listing(
    PassportAnswer,
    _present,
    sorts={"receivedAt": "received_at"},
    default="-receivedAt",
    filters={
        "receivedAfter": filters.since("received_at", "Received from this moment on."),
        "receivedBefore": filters.until("received_at", "Received before this moment."),
        "to": _address("address", "The recipient."),
        "from": _address("message__header_from", "The address in From."),
        "envelopeSender": _address("message__sender", "Who sent it, as the sending server said."),
        "subject": Filter(_Text, "Words that follow each other, the last one from its beginning.", _subject),
        "messageId": Filter(_Text, "The message's own Message-ID, with or without its angle brackets.", _message_id),
        "key": filters.exact("message__key", "The message's key."),
        "direction": _one_of("direction", "Which way it went.", [each.value for each in Direction]),
        "verdict": _one_of("category", "What it was judged to be.", [each.value for each in Category]),
        "state": _one_of("state", "What became of it.", Recipient.State.values),
        "domainId": filters.number("domain_id", "The domain whose mail it is."),
    },
    count_to=COUNT_TO,
    counts_in_time=True,
)


def _list(select: Callable[[Actor], QuerySet[Recipient]], actor: Actor) -> QuerySet[Recipient]:
    return select(actor).select_related("message", "mailbox")


@group.list("/passports", PASSPORTS)
def passport_list(actor: Actor) -> QuerySet[Recipient]:
    """Follow messages of the domains and people one may follow, newest first.

    Counted to 200: beyond it the header `X-Total-Capped` says that there are more.
    """
    return _list(tracking.list_tracked, actor)


@group.list("/me/passports", PASSPORTS)
def own_passport_list(actor: Actor) -> QuerySet[Recipient]:
    """Follow what came for one's own mailbox and was sent from it, newest first."""
    return _list(tracking.list_own, actor)


def _seen(actor: Actor, passport_id: int) -> Recipient:
    return tracking.get_passport(actor, passport_id)


@group.get("/passports/{int:passportId}", admit=_seen)
def passport_detail(actor: Actor, found: Recipient) -> PassportDetail:
    """Read everything that is known of a message for one recipient."""
    message, said = found.message, wording.findings_of(found.decision)
    rules = rules_of(actor, said, message.received_at)
    before, after = tracking.kin_of(actor, found)
    follows = actor.has(Right.TRACK_MAIL, found)
    return PassportDetail(
        **_values(found),
        client_address=message.client_address,
        client_name=message.client_name,
        helo=message.helo,
        tls=message.tls,
        reason=wording.decided_because(found.decision) or None,
        findings=[_finding(each, rule) for each, rule in zip(said, rules, strict=True)],
        notes=wording.notes_of(found.decision),
        facts=message.facts,
        steps=[_step(each, follows=follows) for each in tracking.steps_of(actor, found)],
        kept=[_kept(actor, each) for each in found.kept.exclude(state=Kept.State.GONE).order_by("folder")],
        other_recipients=[each.pk for each in tracking.others_of(actor, found)],
        came_from=[each.pk for each in before],
        went_on_as=[each.pk for each in after],
    )


def _finding(said: wording.Said, rule: SeenRule | None) -> PassportFindingAnswer:
    changed: datetime | None = rule.changed_at if rule is not None else None
    return PassportFindingAnswer(
        verdict=str(said.verdict),
        why=said.why,
        decides=said.decides,
        overruled=said.overruled or None,
        rule_kind=said.rule[0] if said.rule is not None else None,
        rule_id=said.rule[1] if said.rule is not None else None,
        changed_at=changed,
        changed_by=(rule.by or None) if rule is not None else None,
        changed_since=rule.changed_since if rule is not None else None,
    )


def _kept(actor: Actor, row: Kept) -> KeptAnswer:
    proof = proof_of(actor, row)
    signed = None if proof is None else proof.signed
    return KeptAnswer(
        folder=row.folder,
        until=row.until,
        store_id=row.store_id,
        number=row.number,
        sha256=bytes(row.sha256).hex() if row.sha256 else None,
        journal_record=None if proof is None else proof.record,
        signed_at=None if signed is None else signed.made_at,
        checkpoint=None if signed is None else signed.digest,
        time_stamped_at=None if signed is None else signed.stamped_at,
    )


def _step(step: Step, *, follows: bool) -> PassportStepAnswer:
    return PassportStepAnswer(
        at=step.at,
        kind=step.kind,
        text=wording.step_text(step),
        more=wording.step_more(step) or None,
        by=str(step.person) if step.person is not None else None,
        data=step.data if follows else {},  # pages show no raw data; whose mail it is reads `text` and `more`
    )
