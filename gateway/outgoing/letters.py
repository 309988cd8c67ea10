"""A letter that somebody writes here, as the bytes of a message. Pure: no database, no clock.

Source: RFC 5322 §3.6.4 (In-Reply-To, References), §3.6.3 (Bcc isn't told); RFC 8098 §2.1 (read receipts);
RFC 2156 §5.3.4 (Importance).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

MOST_REFERENCES = 30
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
        return _message(letter, message_id, at).as_bytes()
    except (MessageError, ValueError, UnicodeError, IndexError) as error:
        raise BadLetter(str(error)) from error


def _message(letter: Letter, message_id: str, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=_WIDE if needs_utf8(letter) else _PLAIN)
    message["From"] = _address(letter.author)
    for name, people in (("To", letter.to), ("Cc", letter.cc)):
        if people:
            message[name] = [_address(each) for each in people]
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    if letter.answers:
        message["In-Reply-To"] = letter.answers
        thread = [*letter.thread, letter.answers]
        kept = thread if len(thread) <= MOST_REFERENCES else [thread[0], *thread[-MOST_REFERENCES + 1 :]]
        message["References"] = " ".join(dict.fromkeys(kept))
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


def _address(person: Person) -> Address:
    name = "".join(letter for letter in person.name if letter.isprintable())
    local, at, domain = person.address.rpartition("@")
    if not (at and local and domain and person.address.isprintable()):
        raise BadLetter(f"no address: {person.address[:100]}")
    return Address(display_name=name, username=local, domain=domain)  # addr_spec takes ASCII only
