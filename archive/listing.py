"""Lines of mail as lists show them: who, marked subject, marked piece of the text, when, where. And the way back.

Reads a bounded piece of each message for its text, straight from the packs. Not for searching (`selectors`) and not
for rights: whoever calls has asked for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from archive import engines
from archive import store as engine
from archive.mail.extract import extract
from archive.query.marks import Marker, Pieces
from archive.selectors import Found, Hit
from archive.store.errors import StoreError

TEXT_BYTES = 192 << 10  # of one message, enough for the beginning and most matches
LARGE_BYTES = 1 << 20  # larger messages are read from a page's budget, because their first frame is up to 4 MiB
LARGE_BUDGET = 6
SNIPPET_CHARS = 130
_PERSON = re.compile(r"\s*<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a list."""

    url: str
    public_id: str
    sender: Pieces
    subject: Pieces
    snippet: Pieces
    date: int
    size_bytes: int
    attached: bool
    folder: str


@dataclass(frozen=True, slots=True)
class Place:
    """Which list somebody is in, so that a message page knows its neighbours and the way back."""

    query: str = ""
    folder: str = ""  # "<store>.<number>" or nothing: the whole archive
    mailbox: int | None = None  # only where it isn't one's own
    order: str = "date"

    @property
    def query_string(self) -> str:
        values = {"q": self.query, "folder": self.folder, "mailbox": self.mailbox or "", "sort": self._sort}
        chosen = {key: value for key, value in values.items() if value}
        return f"?{urlencode(chosen)}" if chosen else ""

    @property
    def _sort(self) -> str:
        return "" if self.order == "date" else self.order

    @property
    def list_url(self) -> str:
        """The list itself."""
        values = {"q": self.query, "sort": self._sort}
        if self.folder:
            store, _, number = self.folder.partition(".")
            url = reverse("archive:folder", args=[int(store), int(number)])
        else:
            url = reverse("archive:search")
            values["mailbox"] = str(self.mailbox or "")
        chosen = {key: value for key, value in values.items() if value}
        return f"{url}?{urlencode(chosen)}" if chosen else url


def lines(found: Found, marker: Marker, place: Place, folders: dict[tuple[int, int], str]) -> list[Line]:
    """The lines of one page; `folders` gives paths by (store, folder number), of the archive that is looked at."""
    budget = [LARGE_BUDGET]
    query = place.query_string
    return [_line(hit, marker, query, folders, budget) for hit in found.hits]


def _line(hit: Hit, marker: Marker, query: str, folders: dict[tuple[int, int], str], budget: list[int]) -> Line:
    row = hit.row
    placed = (folders.get((hit.store.pk, number)) for number, _mailbox in row.placements)
    return Line(
        url=reverse("archive:message", args=[hit.public_id]) + query,
        public_id=hit.public_id,
        sender=marker.mark(names_only(row.sender), field="from"),
        subject=marker.mark(row.subject),
        snippet=_snippet(engines.open_store(hit.store), row, marker, budget),
        date=row.date,
        size_bytes=row.size,
        attached=row.attached,
        folder=next((path for path in placed if path is not None), ""),
    )


def _snippet(opened: engine.Store, row: engine.Row, marker: Marker, budget: list[int]) -> Pieces:
    if row.size > LARGE_BYTES:
        budget[0] -= 1
        if budget[0] < 0:
            return []
    try:
        raw = opened.head(row, TEXT_BYTES)[:TEXT_BYTES]
    except StoreError:  # verify names damage; a list goes on without the words
        return []
    text = extract(raw, size=row.size)
    return marker.snippet(text.body or text.attachment_text, SNIPPET_CHARS)


def names_only(people: str) -> str:
    """`Ann <ann@x.org>, bob@y.org` → `Ann, bob@y.org`."""
    short = _PERSON.sub("", people).strip()
    return short or people.strip("<> ")
