"""What passes from one stage of the gateway to the next, as plain data: no Django, no clock, no network.

    Incoming (the door's)  ->  Route (per final recipient)  ->  Judged (with a decision)  ->  rows (`gateway.filing`)

A stage takes the one before as it is and adds its own; none changes what it was given. Not for: rows of the database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Protocol

from domains.policy.decision import Decision
from domains.policy.facts import Direction, Facts

CHUNK_BYTES = 256 * 1024


class Door(StrEnum):
    """Where a message came in. Stored; the words stay as they are."""

    MX = "mx"  # from another server, for somebody we serve
    SUBMISSION = "submission"  # from somebody who signed in, or from a subnet that may send
    FILTER = "filter"  # from the Postfix in front of us (after-queue), which gets it back
    JOURNAL = "journal"  # an envelope journal report, or a BCC copy: straight into the archive
    CONSOLE = "console"  # written or sent here
    RELEASE = "release"  # out of quarantine
    REPROCESS = "reprocess"  # out of a repository
    OWN = "own"  # bounces, vacation notes, digests: ours


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted: "TLSv1.3", "TLS_AES_256_GCM_SHA384", the certificate name asked for (SNI)."""

    version: str
    cipher: str
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. `name` is its verified name in DNS ("" without one: forward and reverse must agree).

    `user_id` is the person who signed in, `user_name` as they said it. `via` is the address of the proxy or Postfix
    that speaks for it, `number` what that Postfix calls the message in its queue (XFORWARD IDENT). `door` is the port
    it came to (what was signed in or submitted is told by `Incoming.door`). `proof` is what the host said of how they
    signed in, and only for it.
    """

    address: str
    port: int = 0
    name: str = ""
    helo: str = ""
    is_esmtp: bool = True
    tls: Tls | None = None
    user_id: int | None = None
    user_name: str = ""
    via: str = ""
    number: str = ""
    door: Door = Door.MX
    proof: object = field(default=None, repr=False, compare=False)


class Body(Protocol):
    """The bytes of a message, with CRLF line ends as they came, dots unstuffed. Read as often as wanted, by several at
    once: each has its own place in it."""

    size_bytes: int
    sha256: bytes

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """From that byte on."""

    def read(self, most: int | None = None) -> bytes:
        """All of it, or its first bytes."""

    def close(self) -> None: ...


class InMemory:
    """A body that is small enough to be held."""

    __slots__ = ("data", "sha256", "size_bytes")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)
        self.sha256 = sha256(data).digest()

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        for at in range(start, self.size_bytes, CHUNK_BYTES):
            yield self.data[at : at + CHUNK_BYTES]

    def read(self, most: int | None = None) -> bytes:
        return self.data[:most]

    def close(self) -> None:
        pass


class InFile:
    """A body in a file without a name of its own kept (`path` may be gone already); closed by whoever made it.

    The file's own place is left alone: a scanner gets the message while a thread of ours reads it.
    """

    __slots__ = ("file", "path", "sha256", "size_bytes")

    def __init__(self, file: IO[bytes], size_bytes: int, digest: bytes, path: Path | None = None) -> None:
        self.file, self.size_bytes, self.sha256, self.path = file, size_bytes, digest, path
        file.flush()

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        while piece := os.pread(self.file.fileno(), CHUNK_BYTES, start):
            yield piece
            start += len(piece)

    def read(self, most: int | None = None) -> bytes:
        wanted = self.size_bytes if most is None else min(most, self.size_bytes)
        found = os.pread(self.file.fileno(), wanted, 0)
        return found if len(found) == wanted else b"".join(self.chunks())[:wanted]

    def close(self) -> None:
        self.file.close()


@dataclass(frozen=True, slots=True)
class Sending:
    """MAIL FROM as it was said: the return path ("" for bounces) and its parameters (SIZE, BODY, SMTPUTF8, RET…)."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        return next((value for key, value in self.parameters if key == name), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """One RCPT TO as it was said, with its parameters (NOTIFY, ORCPT). refusal: why nobody gets it, where Postfix
    handed it over and can't be told so ("": nothing is against it)."""

    address: str
    parameters: tuple[tuple[str, str], ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as the door has it. `key` names it for ever: in our Received header, in the 250, in the passport."""

    key: str
    door: Door
    client: Client
    sender: Sending
    recipients: tuple[Asked, ...]
    body: Body
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """An SMTP reply. `text` has no code and no line break; `enhanced` is RFC 3463's ("5.7.1")."""

    code: int
    enhanced: str
    text: str

    @property
    def is_ok(self) -> bool:
        return self.code < 400


OK = Answer(250, "2.0.0", "Ok")


class Ways(StrEnum):
    """Where a route ends."""

    MAILBOX = "mailbox"  # an address of ours: through its relay, kept by its policy
    EXTERNAL = "external"  # another server
    LIST = "list"  # a mailing list of ours, which distributes it (`gateway.lists`)
    HERE = "here"  # the sender's own row of a message to somebody of ours, whose row goes on


@dataclass(frozen=True, slots=True)
class Route:
    """One final recipient of a message and how it came to be one.

    asked: the RCPT TO it stems from. address: where it goes. mailbox_id: whose it is (None: not a mailbox of ours).
    domain_id, customer_id: whose administrators see it: of the recipient for incoming mail, of the sender for outgoing
    mail. policy_of: the mailbox whose policy decides (outgoing: the sender's); None: the domain's. relay_id: the relay
    it leaves through (None: by MX). way: the addresses passed through, from the asked one on. return_path: the envelope
    sender it leaves with (lists have their own). transport: a route of the router table, "host:port" ("" without one).
    list_id, command, argument: of a mailing list, and of its other addresses. unknown: of an address that isn't here
    what its domain says of such (`Domain.Unknown`), "" of all others: the domain's policy decides, its relay gets it.
    """

    asked: str
    address: str
    ends: Ways
    direction: Direction
    domain_id: int | None
    customer_id: int | None = None
    mailbox_id: int | None = None
    policy_of: int | None = None
    relay_id: int | None = None
    way: tuple[str, ...] = ()
    return_path: str = ""
    transport: str = ""
    list_id: int | None = None
    command: str = ""
    argument: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about a message, once. `headers`: lines to be put before it when it is delivered
    (Authentication-Results and the like, without line ends). `silent`: scanners that gave no answer and may not be
    missing (then the door says 4xx); `missing`: those that may, which the message says in a header. `scanner`: whose
    the score is ("": nobody's); `virus_scanner`: who was asked about viruses, "none", or "" where nothing was looked at
    anew."""

    facts: Facts
    subject: str = ""
    message_id: str = ""
    header_from: str = ""
    headers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    score_parts: tuple[tuple[str, float], ...] = ()
    scanner: str = ""
    virus_scanner: str = ""


class Fate(StrEnum):
    """What mail rules leave of a delivery: it goes on, was sent on instead, is dropped, or refused."""

    KEPT = "kept"
    REDIRECTED = "redirected"
    DISCARDED = "discarded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Spoke:
    """What one rule did, for the passport. level: whose rule (server, domain, user, away); script: its row."""

    level: str
    rule: str
    line: int
    action: str
    detail: str = ""
    script: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that a rule gives, if whoever wrote hasn't had it yet. handle: what counts as the same answer. level:
    whose rule it is, as in `Spoke`."""

    mailbox_id: int
    text: str
    subject: str
    sender: str
    handle: str
    seconds: int
    line: int = 0
    level: str = ""


@dataclass(frozen=True, slots=True)
class Ruled:
    """What mail rules made of a delivery. folders, flags: where the copy lies and how it is marked. address: other
    than the route's where the folder is part of it."""

    fate: Fate = Fate.KEPT
    folders: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    address: str = ""
    refusal: str = ""
    reply: Reply | None = None
    sent_on: tuple[str, ...] = ()
    said: tuple[Spoke, ...] = ()
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A route with its decision, and with what mail rules made of it (None: none spoke). is_owed: it is refused, and
    the sender's server hears 250 all the same, so a notice or a repository is owed (`gateway.refusing`)."""

    route: Route
    decision: Decision
    ruled: Ruled | None = None
    is_owed: bool = False


@dataclass(frozen=True, slots=True)
class Leaving:
    """One version of a message as it leaves, for some of its recipients: `of` are their positions in `Filed.judged`.

    headers: lines put before it, without line ends (folds are CRLF and white space). notes: steps for the passport, as
    kind (`gateway.steps`) and data.
    """

    of: tuple[int, ...]
    body: Body
    headers: tuple[str, ...] = ()
    notes: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Filed:
    """What `gateway.filing` makes durable in one transaction.

    body: the message where that isn't `incoming.body`; headers: lines put before it. leaving: what those recipients get
    instead that a version is made for (`gateway.outgoing`).
    """

    incoming: Incoming
    inspection: Inspection
    judged: tuple[Judged, ...]
    body: Body | None = None
    headers: tuple[str, ...] = field(default=())
    leaving: tuple[Leaving, ...] = ()

    def version_for(self, position: int) -> Leaving:
        """What the recipient at this position of `judged` gets, or would get."""
        for version in self.leaving:
            if position in version.of:
                return version
        return Leaving((position,), self.body or self.incoming.body, self.headers)
