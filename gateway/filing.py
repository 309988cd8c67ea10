"""Making what came in durable: passport, bytes, copies to be kept, queue, all in one transaction.

`file_batch` takes several messages of different senders at once, because one commit costs as much as fifty. What it
returns from is on disk; until then nobody may say 250. Not for deciding: every judgement is made before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import connection, transaction

from domains.policy.decision import Action, Keeping, Unit
from domains.policy.facts import Direction
from gateway import content, events, refusing, replying
from gateway.flow import Body, Door, Fate, Filed, Judged, Ruled, Ways
from gateway.inserting import Batch, unsaved
from gateway.lists.posting import posting_for
from gateway.models import Content, Folder, Kept, ListPosting, Message, QueueItem, Recipient, Step
from gateway.queue import adding
from gateway.reception import figures
from gateway.steps import Kind, step
from gateway.storable import storable, storable_data

MOST_NAMED = 50  # attachments and links that a passport names
State = Recipient.State
_FATES = {Fate.REDIRECTED: State.REDIRECTED, Fate.DISCARDED: State.DISCARDED, Fate.REFUSED: State.REFUSED}


@dataclass
class _Rows:
    """The rows of a batch, kind by kind, so that each kind costs one statement."""

    recipients: list[Recipient] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    queued: list[QueueItem] = field(default_factory=list)
    postings: list[ListPosting] = field(default_factory=list)
    ruled: list[tuple[Recipient, Judged]] = field(default_factory=list)
    owed: list[refusing.Owed] = field(default_factory=list)  # of each message

    @property
    def are_all(self) -> bool:
        """Whether nothing is written in consequence of them."""
        held = any(row.state == State.HELD for row in self.recipients)
        return not (self.ruled or self.owed or held)


def file_batch(batch: Sequence[Filed], *, wake: Callable[[Sequence[QueueItem]], None] = adding.notify) -> list[Message]:
    """Make these durable; their passports in the same order. Raises: DatabaseError, and then none of them is there.

    wake: hears of what is in the queue, once in the transaction; delivery may be told of it when that is committed.
    """
    written, rows = Batch(), _Rows()
    messages = _gather(batch, written, rows)
    # a single statement needs nobody to begin and commit: two answers less to wait for
    is_enough = rows.are_all and written.is_one_statement() and not connection.in_atomic_block
    with nullcontext() if is_enough else transaction.atomic():
        written.write()
        if rows.queued:
            wake(rows.queued)
        events.tell_of_held(rows.recipients)
        for recipient, judged in rows.ruled:
            replying.answer(recipient, judged)
        for owed in rows.owed:
            refusing.settle(owed)
    figures.note_verdicts(row.category for row in rows.recipients)
    return messages


def _gather(batch: Sequence[Filed], written: Batch, rows: _Rows) -> list[Message]:
    """All rows of these messages, which have their numbers then."""
    contents = _add_bodies(written, batch)
    messages = [_message(filed, contents) for filed in batch]
    written.add(messages)
    for filed, message in zip(batch, messages, strict=True):
        rows.recipients += [_recipient(message, judged) for judged in filed.judged]
    written.add(rows.recipients)
    at = 0
    for filed, message in zip(batch, messages, strict=True):
        there = rows.recipients[at : at + len(filed.judged)]
        at += len(there)
        _follow(rows, filed, message, there, contents)
    for each in (rows.steps, rows.kept, rows.queued, rows.postings):
        written.add(each)
    return messages


_Contents = dict[int, Content]  # by the identity of the body
_Going = tuple[Recipient, Judged, Content, Sequence[str]]


def _add_bodies(written: Batch, batch: Sequence[Filed]) -> _Contents:
    """The bytes that are needed: of each version that leaves or is kept, once."""
    bodies: dict[int, Body] = {}
    for filed in batch:
        for at, each in enumerate(filed.judged):
            if each.is_owed or not refusing.is_refused(each) or _keepings(each):
                body = filed.version_for(at).body
                bodies[id(body)] = body
    return dict(zip(bodies, content.add(written, list(bodies.values())), strict=True))


def _message(filed: Filed, contents: _Contents) -> Message:
    incoming, inspection = filed.incoming, filed.inspection
    client, body = incoming.client, incoming.body
    return unsaved(
        Message,
        key=incoming.key,
        received_at=incoming.received_at,
        door=incoming.door.value,
        direction=inspection.facts.direction.value,
        client_address=client.address or None,
        client_name=storable(client.name, 255),
        helo=storable(client.helo, 255),
        tls=f"{client.tls.version} {client.tls.cipher}"[:100] if client.tls else "",
        person_id=client.user_id,
        sender=storable(incoming.sender.address, 320),
        header_from=storable(inspection.header_from, 320),
        subject=storable(inspection.subject, 500),
        message_id=storable(inspection.message_id, 500),
        size_bytes=body.size_bytes,
        sha256=body.sha256,
        facts=_facts(filed),
        content=next(filter(None, (contents.get(id(body)) for body in _bodies(filed))), None),
    )


def _bodies(filed: Filed) -> Iterator[Body]:
    """The message as it came, else the versions of it that there are."""
    yield filed.body or filed.incoming.body
    for version in filed.leaving:
        yield version.body


def _facts(filed: Filed) -> dict[str, Any]:
    """What a passport tells of what was found out; nothing that a page doesn't show."""
    inspection = filed.inspection
    facts, signed = inspection.facts, inspection.facts.authentication
    found = {
        "spf": {"result": signed.spf.value, "domain": signed.spf_domain},
        "dkim": [{"domain": each.domain, "result": each.result.value} for each in signed.dkim[:MOST_NAMED]],
        "dmarc": signed.dmarc.value,
        "dmarc_policy": signed.dmarc_policy,
        "arc": {"result": signed.arc.value, "domains": list(signed.arc_domains[:MOST_NAMED])},
        "sender_verify": facts.sender_verify.value,
        "from": [{"name": each.name, "address": each.address} for each in facts.header_from[:MOST_NAMED]],
        "attachments": [
            {"names": list(each.names[:3]), "type": each.content_type, "bytes": each.size_bytes}
            for each in facts.attachments[:MOST_NAMED]
        ],
        "attachment_count": len(facts.attachments),
        "links": [each.host for each in facts.uris[:MOST_NAMED]],
        "link_count": len(facts.uris),
        "score": facts.spam_score,
        "score_parts": [[name, points] for name, points in inspection.score_parts],
        "scanner": inspection.scanner,
        "virus_scanner": inspection.virus_scanner,
        "viruses": list(facts.virus_names),
        "bad_headers": list(facts.bad_headers),
        "bad_encoding": list(facts.bad_encoding),
        "advert_signs": list(facts.advert_signs),
        "incomplete": list(facts.incomplete),
        "missing": list(inspection.missing),
        "via": filed.incoming.client.via,
        "number": filed.incoming.client.number,
        "user": filed.incoming.client.user_name,
    }
    cleaned: dict[str, Any] = storable_data(found)
    return cleaned


def _recipient(message: Message, judged: Judged) -> Recipient:
    route, decision, state = judged.route, judged.decision, _state(message, judged)
    return unsaved(
        Recipient,
        message=message,
        received_at=message.received_at,
        direction=route.direction.value,
        asked=storable(route.asked, 320),
        address=storable(route.address, 320),
        way=list(route.way),
        mailbox_id=route.mailbox_id,
        domain_id=route.domain_id,
        customer_id=route.customer_id,
        category=decision.category.value,
        action=decision.action.value,
        score=decision.spam_score,
        decision=storable_data(decision.as_data()),
        state=state.value,
        held_text=held_text(message) if state is State.HELD else "",
        state_at=message.received_at,
    )


def held_text(message: Message) -> str:
    """What lists of quarantine look through, as it is compared: in small letters."""
    return f"{message.subject}\n{message.header_from}\n{message.sender}".lower()


def _state(message: Message, judged: Judged) -> State:
    match judged.decision.action:
        case Action.HOLD:
            return State.HELD
        case Action.REFUSE:
            return State.REFUSED
    if message.door == Door.JOURNAL:
        return State.ARCHIVED
    if judged.ruled is not None and judged.ruled.fate is not Fate.KEPT:
        return _FATES[judged.ruled.fate]
    # The sender's own row of a message to somebody of ours: the recipient's row goes on from here.
    return State.DELIVERED if judged.route.ends is Ways.HERE else State.QUEUED


def _follow(rows: _Rows, filed: Filed, message: Message, there: Sequence[Recipient], contents: _Contents) -> None:
    """Steps, copies and queue of one message."""
    incoming = filed.incoming
    rows.steps.append(step(Kind.RECEIVED, message, data={"door": incoming.door.value}))
    sent_copies: set[str] = set()
    onward: list[_Going] = []
    owed: list[_Going] = []
    for at, (judged, recipient) in enumerate(zip(filed.judged, there, strict=True)):
        decision, version = judged.decision, filed.version_for(at)
        row = contents.get(id(version.body))
        data = {"category": decision.category.value, "action": decision.action.value}
        rows.steps.append(step(Kind.JUDGED, message, recipient, data=data))
        if judged.ruled is not None:
            rows.steps += _ruled_steps(message, recipient, judged.ruled)
            if judged.ruled.reply is not None:
                rows.ruled.append((recipient, judged))
        for kept in _kept(message, judged, recipient, row):
            # of what somebody sent to many there is one copy, in the first row
            if judged.route.direction is Direction.OUTGOING:
                if kept.folder in sent_copies:
                    continue
                sent_copies.add(kept.folder)
            rows.kept.append(kept)
        if row is not None and recipient.state == State.QUEUED and judged.route.ends is Ways.LIST:
            rows.postings.append(posting_for(message, recipient, row, judged.route))
        elif row is not None and recipient.state == State.QUEUED:
            onward.append((recipient, judged, row, version.headers))
        elif row is not None and judged.is_owed:
            owed.append((recipient, judged, row, version.headers))
    rows.steps += [step(Kind(kind), message, data=storable_data(dict(data))) for kind, data in _notes(filed)]
    rows.queued += adding.items_for(message, onward, filed)
    if owed:
        items = adding.items_for(message, owed, filed)
        rows.owed.append([(item, judged) for item, (_recipient, judged, *_rest) in zip(items, owed, strict=True)])


def _notes(filed: Filed) -> list[tuple[str, Mapping[str, Any]]]:
    """What the versions that leave have to say, each thing once."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for version in filed.leaving:
        found += [note for note in version.notes if note not in found]
    return found


def _ruled_steps(message: Message, recipient: Recipient, ruled: Ruled) -> Iterator[Step]:
    for spoke in ruled.said:
        data = {name: value for name, value in asdict(spoke).items() if value not in ("", None)}
        yield step(Kind.RULED, message, recipient, data=storable_data({"rule": spoke.rule, **data}))
    for to in ruled.sent_on:
        yield step(Kind.REDIRECTED, message, recipient, data={"to": storable(to, 320)})


def _keepings(judged: Judged) -> dict[Folder, Keeping]:
    decision = judged.decision
    if judged.ruled is not None and judged.ruled.fate is Fate.REFUSED:
        return {}
    found = {
        Folder.QUARANTINE: decision.quarantine,
        Folder.RETENTION: decision.retention,
        # what is archived from the mailbox it reaches isn't archived in passing
        Folder.ARCHIVE: None if decision.archive is not None and decision.archive.by_copy else decision.archive,
    }
    return {folder: keeping for folder, keeping in found.items() if keeping is not None}


def _kept(message: Message, judged: Judged, recipient: Recipient, row: Content | None) -> Iterator[Kept]:
    for folder, keeping in _keepings(judged).items():
        yield unsaved(
            Kept,
            recipient=recipient,
            mailbox_id=judged.route.mailbox_id,
            folder=folder.value,
            # a journal's copies stay as the archive's retention policies say
            until=None if message.door == Door.JOURNAL else until(message.received_at, keeping),
            content=row,
            place=_place(judged) if folder is Folder.ARCHIVE else "",
        )


def _place(judged: Judged) -> str:
    """The folder that a rule named, where the archive's copy lies too."""
    return judged.ruled.folders[0] if judged.ruled is not None and judged.ruled.folders else ""


def until(start: datetime, keeping: Keeping) -> datetime:
    """When keeping ends: months end on the same day of the month, or its last."""
    length = relativedelta(months=keeping.amount) if keeping.unit is Unit.MONTHS else relativedelta(days=keeping.amount)
    end: datetime = start + length
    return end
