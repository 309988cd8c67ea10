"""The last stage: DKIM signatures of the From domain, by all of its keys that are at work.

    sign(message, leaving)            # the stage
    lines_for(body, name, at)         # for messages of ours that go through no chain: notices, digests, lists

A message is signed for a domain only where its sender belongs to it, or may write as that address. What came in from
elsewhere and is sent on is left alone: its own signatures hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from domains.models import Mailbox
from domains.selectors.identities import Identity, identity_of
from gateway.delivery.composing import Changes, TooManyHops, changed, line_of, parts_of
from gateway.flow import Body, Leaving
from gateway.judging.authentication.canonical import MOST_FIELDS, HeaderField, Signable
from gateway.outgoing.message import Outgoing
from gateway.outgoing.signing import body_hash, signature
from gateway.outgoing.signing_keys import Signer, signer_above, signer_for
from gateway.steps import Kind


def sign(message: Outgoing, leaving: Leaving) -> Sequence[Leaving]:
    """With the signatures put before it; one version for each prefix that decisions put into the subject."""
    signer = _signer_of(message)
    if signer is None or not signer.keys:
        return (leaving,)
    by_prefix: dict[str, list[int]] = {}
    for at in leaving.of:
        by_prefix.setdefault(message.judged[at].decision.subject_prefix, []).append(at)
    head, rest = parts_of(leaving.body.chunks())
    if head is None:
        return (leaving,)
    hashed = body_hash(rest)
    now = message.incoming.received_at
    data = {"domain": signer.name, "selectors": ", ".join(key.selector for key in signer.keys)}
    versions = []
    for prefix, of in by_prefix.items():
        fields = _fields(head, leaving.headers, prefix)
        lines = _lines(fields, hashed, signer, now)
        notes = (*leaving.notes, (Kind.SIGNED.value, data)) if lines else leaving.notes
        versions.append(replace(leaving, of=tuple(of), headers=(*lines, *leaving.headers), notes=notes))
    return versions


def lines_for(body: Body, name: str, at: datetime, headers: Sequence[str] = ()) -> tuple[str, ...]:
    """Signatures for a message of our own, to be put before it and `headers`.

    They are of the nearest domain of ours that `name`, the host of its From, lies under. Raises: DatabaseError.
    """
    signer = signer_above(name)
    head, rest = parts_of(body.chunks())
    if signer is None or head is None:
        return ()
    return _lines(_fields(head, headers, ""), body_hash(rest), signer, at)


def _signer_of(message: Outgoing) -> Signer | None:
    """Whose signature this message may have: of its one author's domain."""
    authors = message.inspection.facts.header_from
    if len(authors) != 1:
        return None
    address = authors[0].address.lower()
    signer = signer_for(ascii_name(address.rpartition("@")[2]))
    if signer is None or signer.domain_id == message.sender.domain_id:
        return signer
    return signer if _may_write_as(message.sender.mailbox_id, address) else None


def _may_write_as(mailbox_id: int | None, address: str) -> bool:
    box = Mailbox.objects.filter(pk=mailbox_id).first() if mailbox_id is not None else None
    return box is not None and identity_of(box, address) is not Identity.NONE


def ascii_name(name: str) -> str:
    """A domain as DNS has it; as it is where it can't be that."""
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def _fields(head: bytes, headers: Sequence[str], prefix: str) -> tuple[HeaderField, ...]:
    """All fields as the next server sees them, but for Received and what else nobody signs."""
    try:
        changed_head = changed(head, Changes(subject_prefix=prefix))
    except TooManyHops:  # said when it is to be delivered
        return ()
    return Signable.of(b"".join(map(line_of, headers)) + changed_head + b"\r\n").fields


def _lines(fields: Sequence[HeaderField], hashed: bytes, signer: Signer, at: datetime) -> tuple[str, ...]:
    """None for a header that has more fields than we read, or not one From: no verifier would take it."""
    if len(fields) >= MOST_FIELDS or sum(each.name == b"from" for each in fields) != 1:
        return ()
    return tuple(signature(fields, hashed, domain=signer.name, key=key, at=int(at.timestamp())) for key in signer.keys)
