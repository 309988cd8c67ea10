"""What can be found out about a message without a scanner: facts, who it is from, the built-in score.

`examine` works in the thread it is called in and may wait there for DNS; pages and tests use it as it is. Archives are
looked into by a process of their own (`archives`). Not for what follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from domains.policy.facts import Attachment, Direction, Envelope, Facts, Mailbox
from domains.policy.inside import UNLISTED
from domains.policy.mime import Head, decoded_body
from domains.policy.reading import Read, Skipped, read_message
from gateway.flow import Body, Client
from gateway.judging.archives.looking import Archives
from gateway.judging.authentication import results
from gateway.judging.authentication.canonical import Signable
from gateway.judging.authentication.checking import Authenticated, authenticate
from gateway.judging.authentication.names import NameCache, NoAnswer, Questions
from gateway.judging.callouts import mail_hosts
from gateway.judging.scoring.scoring import Score, score
from gateway.judging.scoring.sight import sight_of
from gateway.judging.settings import ScannerSettings

MOST_ARCHIVES = 10
_ARCHIVES = frozenset(
    {"application/zip", "application/x-tar", "application/gzip", "application/x-bzip2", "application/x-xz"}
)
_RECEIVED = re.compile(r"from\s+(\S+)\s+\((?:([\w.-]+)\s+)?\[(?:IPv6:)?([0-9a-fA-F:.]+)\]\)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is examined: the bytes and what SMTP said. `client` None: nobody brought it (written here, or a trial).

    is_behind: the client is a server of ours in front, whose Received header on top is true. whole: the message where
    `raw` is only its first READ_BYTES; None: that is all of it.
    """

    raw: bytes
    sender: str
    recipients: Sequence[str]
    direction: Direction
    received_at: datetime
    client: Client | None = None
    is_behind: bool = False
    whole: Body | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """`authenticated` is None where nobody was to be checked. `forged`: results that pretend to be ours."""

    facts: Facts
    head: Head
    score: Score
    authenticated: Authenticated | None
    client: Client | None
    forged: int = 0

    @property
    def header_from(self) -> str:
        return self.facts.header_from[0].address if self.facts.header_from else ""


def examine(
    asked: Asked, settings: ScannerSettings, names: NameCache | None, archives: Archives | None = None
) -> Examined:
    """names None: DNS isn't asked. archives None: only what lies open in archives is seen. Never raises for what a
    message holds."""
    envelope = Envelope(asked.sender, tuple(asked.recipients), asked.direction, asked.received_at)
    size_bytes = None if asked.whole is None else asked.whole.size_bytes
    read = read_message(asked.raw, envelope, size_bytes=size_bytes)
    if archives is not None and any(_is_archive(each) for each in read.facts.attachments):
        read = replace(read, facts=_with_archives(read, archives))
    checks = asked.client is not None and asked.direction is Direction.INCOMING
    client = asked.client
    if client is not None and asked.is_behind:
        client = named_client(client, read.parts.head)
    found: Authenticated | None = None
    takes_mail, client_name = True, None
    if checks and client is not None and names is not None:
        questions = Questions(names, timeout_s=settings.dns_timeout_s)
        if settings.authenticate:
            found = _authenticated(asked, client, read.facts.header_from, questions)
            takes_mail = _takes_mail(asked.sender, questions)
        client_name = _name_that_counts(client, questions)
    forged = _forged(read, settings.authserv_id) if checks else 0
    sight = sight_of(
        read,
        found or Authenticated(),
        client_name=client_name,
        helo=client.helo if client is not None else "",
        forged_results=forged,
        takes_mail=takes_mail,
    )
    facts = read.facts if found is None else replace(read.facts, authentication=found.facts)
    return Examined(facts, read.parts.head, score(sight), found, client, forged)


def _is_archive(attachment: Attachment) -> bool:
    """Something packed; documents of Office are zips too, but nobody means them by an archive."""
    if attachment.content_type not in _ARCHIVES:
        return False
    return not any(entry.name in ("[Content_Types].xml", "mimetype") for entry in attachment.entries)


def _with_archives(read: Read, archives: Archives) -> Facts:
    """The facts with what is in the attached archives, the first ones of a message."""
    facts, left = read.facts, MOST_ARCHIVES
    skipped = dict.fromkeys(code for code in facts.incomplete if not code.startswith("archive-"))
    attachments = []
    parts = [part for part in read.parts.leaves if part.is_attachment]
    for part, attachment in zip(parts, facts.attachments, strict=True):
        if _is_archive(attachment) and left:
            left -= 1
            found = archives.look(decoded_body(part)[0])
            skipped.update(dict.fromkeys(found.skipped))
            attachments.append(replace(attachment, entries=found.entries or attachment.entries))
            continue
        if _is_archive(attachment) or attachment.content_type in UNLISTED:
            skipped[Skipped.ARCHIVE_UNREAD] = None
        attachments.append(attachment)
    return replace(facts, attachments=tuple(attachments), incomplete=tuple(skipped))


def _authenticated(asked: Asked, client: Client, header_from: Sequence[Mailbox], questions: Questions) -> Authenticated:
    whole = asked.whole
    rest = None if whole is None else partial(whole.chunks, len(asked.raw))
    return authenticate(
        Signable.of(asked.raw, rest),
        questions,
        client=client.address,
        helo=client.helo,
        sender=asked.sender,
        header_from=header_from,
        at=asked.received_at,
    )


def _takes_mail(sender: str, questions: Questions) -> bool:
    """Whether bounces have a way back; True where nobody knows."""
    domain = sender.rpartition("@")[2]
    if "." not in domain:
        return True
    try:
        return bool(mail_hosts(domain, questions)) or not questions.sees_others()
    except NoAnswer:
        return True


def _name_that_counts(client: Client, questions: Questions) -> str | None:
    """What DNS calls who brought it, "" for nothing; None where that says nothing about who wrote the message: of a
    machine in the own network, and where the name servers know nobody."""
    if _is_inside(client.address) or not (client.name or questions.sees_others()):
        return None
    return client.name


def _forged(read: Read, authserv_id: str) -> int:
    return results.claimed_ids(read.parts.head.all(results.NAME.lower())).count(authserv_id.lower())


def named_client(client: Client, head: Head) -> Client:
    """The client that counts: where a Postfix in front of us didn't name it, the one in the header it put on top."""
    if client.via or not _is_inside(client.address):
        return client
    top = head.first("received")
    found = _RECEIVED.search(top[:2000])
    if found is None or _is_inside(found[3]):
        return client
    name = "" if found[2] in (None, "unknown") else found[2]
    return replace(client, address=found[3], name=name, helo=found[1], via=client.address)


def _is_inside(address: str) -> bool:
    return address.startswith(("127.", "10.", "192.168.", "::1", "fc", "fd", "fe80")) or bool(
        re.match(r"172\.(?:1[6-9]|2\d|3[01])\.", address)
    )
