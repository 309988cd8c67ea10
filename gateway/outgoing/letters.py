"""A letter that somebody writes here, as the bytes of a message. Pure: no database, no clock.

Source: RFC 5322 §3.4 (addresses), §3.6.4 (In-Reply-To, References), §3.6.3 (Bcc isn't told); RFC 8098 §2.1 (read
receipts); RFC 2156 §5.3.4 (Importance).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses

MOST_REFERENCES = 30
MOST_NAME = 200  # in one line of at most 998 characters
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~ -]+")
MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")
_WIDE = policy.SMTPUTF8.clone(cte_type="8bit")
_PLAIN = policy.SMTP.clone(cte_type="8bit")


class BadLetter(ValueError):
    """It can't be written as a message."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address, and the name that is shown of them ("" for none)."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """An attached file, read."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written. html: besides the text. answers, thread: Message-IDs of what it answers and of its thread."""

    author: Person
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    answers: str = ""
    thread: tuple[str, ...] = ()
    wants_receipt: bool = False
    is_important: bool = False


def needs_utf8(letter: Letter) -> bool:
    """Whether an address in its header takes SMTPUTF8 (RFC 6531)."""
    return not all(each.address.isascii() for each in (letter.author, *letter.to, *letter.cc))


def as_bytes(letter: Letter, *, message_id: str, at: datetime) -> bytes:
    """The message, with CRLF. Raises: BadLetter."""
    try:
        return _head(letter) + _message(letter, message_id, at).as_bytes()
    except (MessageError, ValueError, UnicodeError, IndexError) as error:
        raise BadLetter(str(error)) from error


def _message(letter: Letter, message_id: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=_WIDE if needs_utf8(letter) else _PLAIN)
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    if letter.wants_receipt:
        message["Disposition-Notification-To"] = letter.author.address
    if letter.is_important:
        message["Importance"], message["X-Priority"] = "high", "1"
    message.set_content(letter.text.replace("\r\n", "\n").rstrip("\n") + "\n")
    if letter.html:
        message.add_alternative(letter.html.replace("\r\n", "\n").rstrip("\n") + "\n", subtype="html")
    for file in letter.files:
        kind, _slash, subtype = file.content_type.partition("/")
        message.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
    return message


def _head(letter: Letter) -> bytes:
    """From, To, Cc, In-Reply-To and References, written by hand.

    The library folds a long name into several authors and a long Message-ID into encoded words, which RFC 2047 §5
    forbids. Raises: BadLetter.
    """
    lines = []
    for field, people in (("From", (letter.author,)), ("To", letter.to), ("Cc", letter.cc)):
        if people:
            written = [_written(each) for each in people]
            _require_read_as(people, written)
            lines.append(f"{field}: " + ",\r\n ".join(written))
    if letter.answers:
        thread = [*letter.thread, letter.answers]
        kept = thread if len(thread) <= MOST_REFERENCES else [thread[0], *thread[-MOST_REFERENCES + 1 :]]
        ids = list(dict.fromkeys(each for each in kept if MESSAGE_ID.fullmatch(each)))
        if MESSAGE_ID.fullmatch(letter.answers):
            lines += [f"In-Reply-To: {letter.answers}", "References: " + "\r\n ".join(ids)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _written(person: Person) -> str:
    """`"Name" <address>`; a name that isn't ASCII in encoded words (RFC 2047)."""
    local, at, domain = person.address.rpartition("@")
    if not (at and local and domain and person.address.isprintable() and not set(person.address) & set(' <>,;"')):
        raise BadLetter(f"no address: {person.address[:100]}")
    name = " ".join("".join(letter for letter in person.name if letter.isprintable()).split())[:MOST_NAME]
    if not name:
        return f"<{person.address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{person.address}>"
    if name.isascii():
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + f'" <{person.address}>'
    return Header(name, "utf-8", maxlinelen=70).encode(linesep="\r\n") + f"\r\n <{person.address}>"


def _require_read_as(people: Sequence[Person], written: Sequence[str]) -> None:
    """That who reads the field finds exactly these addresses in it. Raises: BadLetter."""
    read = [address for _name, address in getaddresses([", ".join(written).replace("\r\n", "")])]
    if read != [each.address for each in people]:
        raise BadLetter("a name that can't be written")
