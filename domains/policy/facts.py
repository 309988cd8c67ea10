"""What is known of a message, once, whoever found it out: the gateway with its scanners, or `reading` from raw bytes.

Texts are as found; the decision compares addresses and hosts in comparable form (`canonical`) by itself. Every field
has the value "nothing known", so that a test or a page may state only what matters to it.

Not for: what should happen with the message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Direction(StrEnum):
    """INCOMING: to somebody we serve. OUTGOING: handed in by somebody we serve, wherever it goes."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class AuthResult(StrEnum):
    """The result names of RFC 8601 §2.7; NONE also stands for "not checked"."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result, not a secret
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class SenderVerify(StrEnum):
    """Did the sender's own server say that it would take mail for the sender?

    In outgoing mail: may who sends it write as From says?
    """

    NOT_DONE = "not_done"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM signature: who signed (d=) and whether it holds."""

    domain: str
    result: AuthResult


@dataclass(frozen=True, slots=True)
class Authentication:
    """`spf_domain` is the domain SPF was asked for: of the envelope sender, or of HELO for an empty one.

    dmarc_policy: what From's domain wants done with what fails. arc: of the chain that others left; who sealed it.
    """

    spf: AuthResult = AuthResult.NONE
    spf_domain: str = ""
    dkim: tuple[Signature, ...] = ()
    dmarc: AuthResult = AuthResult.NONE
    dmarc_policy: str = ""
    arc: AuthResult = AuthResult.NONE
    arc_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One entry of an address header, decoded: “Ada Lovelace” <ada@example.org>."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file inside an attached archive; depth 1 is directly inside, 2 inside an archive therein."""

    name: str
    content_type: str = ""
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Attachment:
    """`names`: every name the message gives it (headers can disagree). `content_type` is what its bytes are,
    `declared_type` what the message calls it; either may be empty."""

    names: tuple[str, ...] = ()
    content_type: str = ""
    declared_type: str = ""
    entries: tuple[ArchiveEntry, ...] = ()
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Uri:
    """A link. `listed_score` is what block lists added to the message's spam score because of this one."""

    host: str
    full: str
    listed_score: float = 0.0


class Where(StrEnum):
    """The part of a message in which something was found."""

    ENVELOPE_SENDER = "envelope_sender"
    HEADER_FROM = "header_from"
    HEADER_SENDER = "header_sender"
    REPLY_TO = "reply_to"
    DISPLAY_NAME = "display_name"
    RECIPIENT = "recipient"
    SUBJECT = "subject"
    BODY = "body"
    ATTACHMENT_NAME = "attachment_name"
    ATTACHMENT_TYPE = "attachment_type"
    ATTACHMENT_TEXT = "attachment_text"
    ARCHIVE_NAME = "archive_name"
    ARCHIVE_TYPE = "archive_type"
    URI_HOST = "uri_host"
    URI = "uri"


@dataclass(frozen=True, slots=True)
class Text:
    """A text to look through for what must not leave: subject, bodies, attachments' names and texts."""

    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """See the module. `received_at` is the only time there is: rules expire by it. `spam_score` None: not scored.

    `advert_signs`, `virus_names`, `bad_headers` and `bad_encoding` name what was found; empty is good. `incomplete`
    names what was not looked at because it was too much (codes of `reading.Skipped`, or the gateway's own).
    """

    direction: Direction = Direction.INCOMING
    received_at: datetime = EPOCH
    envelope_sender: str = ""
    recipients: tuple[str, ...] = ()
    header_from: tuple[Mailbox, ...] = ()
    header_sender: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    header_recipients: tuple[Mailbox, ...] = ()
    subject: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    authentication: Authentication = field(default_factory=Authentication)
    attachments: tuple[Attachment, ...] = ()
    uris: tuple[Uri, ...] = ()
    texts: tuple[Text, ...] = ()
    size_bytes: int = 0
    spam_score: float | None = None
    advert_signs: tuple[str, ...] = ()
    virus_names: tuple[str, ...] = ()
    bad_headers: tuple[str, ...] = ()
    bad_encoding: tuple[str, ...] = ()
    sender_verify: SenderVerify = SenderVerify.NOT_DONE
    incomplete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SMTP says of a message and its bytes don't; the input of `reading.facts_from_message`."""

    sender: str = ""
    recipients: tuple[str, ...] = ()
    direction: Direction = Direction.INCOMING
    received_at: datetime = EPOCH
    authentication: Authentication = field(default_factory=Authentication)
    spam_score: float | None = None
    virus_names: tuple[str, ...] = ()
    sender_verify: SenderVerify = SenderVerify.NOT_DONE
