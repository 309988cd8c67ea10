"""The mail that somebody answers: its ids for the thread, whom an answer goes to, and its text to be quoted.

Named by its key in the gateway (one's own mail in quarantine, recent, released) or its id in the archive ("1:17").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import Http404
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.actors import Actor
from archive import reading as archived
from archive import selectors as archive_selectors
from archive.errors import MessageUnknown
from archive.mail.markup import text_of_html
from archive.mail.reading import Address, Reading
from archive.store.errors import Damaged
from gateway.content import DamagedContent
from gateway.errors import CopyGone
from gateway.models import Recipient
from gateway.outgoing.letters import Person
from gateway.services.opening import open_copy

MOST_QUOTED_LINES = 500
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")


@dataclass(frozen=True, slots=True)
class Origin:
    """people: who wrote it (or wants the answers). others: who else got it. text: what it says."""

    name: str
    message_id: str = ""
    thread: tuple[str, ...] = ()
    subject: str = ""
    people: tuple[Person, ...] = ()
    others: tuple[Person, ...] = ()
    text: str = ""
    date: datetime | None = None

    @property
    def reply_subject(self) -> str:
        """RFC 5322 §3.6.5."""
        return self.subject if self.subject[:3].lower() == "re:" else f"Re: {self.subject}".strip()

    def quoted(self) -> str:
        """Its text, each line with a mark, below a line that says who wrote it when."""
        lines = self.text.strip().splitlines()
        cut = lines[:MOST_QUOTED_LINES]
        marked = "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in cut)
        return f"{self._introduction()}\n{marked}\n" if cut else ""

    def _introduction(self) -> str:
        who = ", ".join(each.name or each.address for each in self.people) or _("somebody")
        if self.date is None:
            return _("%(who)s wrote:") % {"who": who}
        return _("On %(date)s %(who)s wrote:") % {
            "date": date_format(localtime(self.date), "DATETIME_FORMAT"),
            "who": who,
        }


def origin_of(actor: Actor, name: str) -> Origin:
    """One's own mail only. Raises: Http404, StoreUnavailable."""
    if not actor.may_read_mail or actor.user is None:
        raise Http404("no such message")
    return _archived(actor, name) if ":" in name else _kept(actor, name)


def _archived(actor: Actor, name: str) -> Origin:
    try:
        message = archive_selectors.get_message(actor, name)
        if message.archive is None or not message.archive.is_own:
            raise Http404("opened for reading only")
        return _of(name, archived.load(message).reading)
    except (Damaged, MessageUnknown) as error:
        raise Http404("no such message") from error


def _kept(actor: Actor, key: str) -> Origin:
    rows = Recipient.objects.own(actor).select_related("message", "mailbox__user", "mailbox__domain")
    row = rows.filter(message__key=key).order_by("pk").first()
    if row is None:
        raise Http404("no such message")
    try:
        return _of(key, open_copy(actor, row).loaded().reading)
    except (CopyGone, Damaged, DamagedContent):
        message = row.message
        people = (Person(message.header_from),) if "@" in message.header_from else ()
        return Origin(key, _first_id(message.message_id), (), message.subject, people, date=row.received_at)


def _of(name: str, said: Reading) -> Origin:
    headers = {header.lower(): value for header, value in reversed(said.headers)}
    thread = _ID.findall(headers.get("references", "") or headers.get("in-reply-to", ""))
    text = said.text if said.text is not None else text_of_html(said.html or "")
    return Origin(
        name,
        _first_id(headers.get("message-id", "") or f"<{said.message_id}>"),
        tuple(thread),
        said.subject,
        _people(said.reply_to or said.from_),
        _people([*said.to, *said.cc]),
        text,
        None if said.date is None else datetime.fromtimestamp(said.date, UTC),
    )


def _people(some: list[Address]) -> tuple[Person, ...]:
    return tuple(Person(each.address, each.name) for each in some if each.address and "@" in each.address)


def _first_id(text: str) -> str:
    found = _ID.search(text)
    return found[0] if found else ""
