"""Lines of mail as lists show them: who, marked subject, marked piece of the text, when, where. And the way back.

Reads a bounded piece of each message for its text, straight from the packs. Not for searching (`selectors`) and not
for rights: whoever calls has asked for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from archive import engines
from archive.mail.attached import FileText
from archive.mail.extract import Extract, extract_many
from archive.query.marks import FILE_FIELDS, Marker, Pieces
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
    sender: SafeString
    subject: SafeString
    snippet: SafeString
    date: int
    size_bytes: int
    attached: bool
    folder: str
    file: SafeString  # the attached file in which the words stand, where they stand in one


@dataclass(frozen=True, slots=True)
class Place:
    """Which list somebody is in, so that a message page knows its neighbours and the way back."""

    query: str = ""
    folder: str = ""  # "<store>.<number>" or nothing: the whole archive
    mailbox: int | None = None  # only where it isn't one's own
    order: str = "date"

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What says which list it is, as a form or an address names it."""
        values = {"q": self.query, "folder": self.folder, "mailbox": str(self.mailbox or ""), "sort": self._sort}
        return [(key, value) for key, value in values.items() if value]

    @property
    def query_string(self) -> str:
        return f"?{urlencode(self.fields)}" if self.fields else ""

    def move_url(self, mailbox: int, *public_ids: str) -> str:
        """Where messages of the list are moved to another folder; without any, where a form sends those chosen."""
        url = reverse("archive:messages-move", args=[mailbox])
        chosen = [("chosen", public_id) for public_id in public_ids]
        return f"{url}?{urlencode(chosen + self.fields)}" if chosen else url

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
    url = f"{reverse('archive:message', args=['1:1'])}{place.query_string}"
    texts, files = _texts(found.hits), _files(found.hits, marker)
    return [
        _line(hit, marker, url, folders, text, files.get((hit.store.pk, hit.row.number), []))
        for hit, text in zip(found.hits, texts, strict=True)
    ]


def _line(
    hit: Hit, marker: Marker, url: str, folders: dict[tuple[int, int], str], text: Extract | None, files: list[FileText]
) -> Line:
    row = hit.row
    placed = (folders.get((hit.store.pk, number)) for number, _mailbox in row.placements)
    said = "" if text is None else text.body or text.attachment_text
    snippet = marker.snippet(said, SNIPPET_CHARS) if said else []
    name, inside = SafeString(""), _matching(files, marker)
    if inside is not None and (text is None or not _is_marked(marker.snippet(text.body, SNIPPET_CHARS))):
        name = marked_html(marker.mark(inside.name, field="attachment"))
        snippet = marker.snippet(inside.text, SNIPPET_CHARS, FILE_FIELDS) if inside.text else snippet
    return Line(
        url=url.replace("1:1", hit.public_id, 1),
        public_id=hit.public_id,
        sender=marked_html(marker.mark(names_only(row.sender), field="from")),
        subject=marked_html(marker.mark(row.subject)),
        snippet=marked_html(snippet),
        date=row.date,
        size_bytes=row.size,
        attached=row.attached,
        folder=next((path for path in placed if path is not None), ""),
        file=name,
    )


def _matching(files: list[FileText], marker: Marker) -> FileText | None:
    """The first attached file whose text, or else whose name, has the words."""
    texts = (each for each in files if _is_marked(marker.snippet(each.text, SNIPPET_CHARS, FILE_FIELDS)))
    names = (each for each in files if _is_marked(marker.mark(each.name, field="attachment")))
    return next(texts, None) or next(names, None)


def _is_marked(pieces: Pieces) -> bool:
    return any(marked for _text, marked in pieces)


def _files(hits: list[Hit], marker: Marker) -> dict[tuple[int, int], list[FileText]]:
    """The attached files of the hits, by (store, number), from the index; none where nothing is looked for in them."""
    found: dict[tuple[int, int], list[FileText]] = {}
    if not marker.terms:
        return found
    for store in {hit.store for hit in hits}:
        numbers = [hit.row.number for hit in hits if hit.store == store and hit.row.attached]
        try:
            for number, files in engines.open_store(store).files(numbers).items():
                found[store.pk, number] = files
        except StoreError:  # a damaged index: verify names it
            continue
    return found


def _texts(hits: list[Hit]) -> list[Extract | None]:
    """What each message says, from a bounded piece of it; None where nothing can be read or the budget is spent."""
    raws = list(_heads(hits))
    said = iter(extract_many([raw for raw in raws if raw is not None]))
    return [None if raw is None else next(said) for raw in raws]


def _heads(hits: list[Hit]) -> Iterator[bytes | None]:
    large = 0
    for hit in hits:
        large += hit.row.size > LARGE_BYTES
        if hit.row.size > LARGE_BYTES and large > LARGE_BUDGET:
            yield None
            continue
        try:
            yield engines.open_store(hit.store).head(hit.row, TEXT_BYTES)[:TEXT_BYTES]
        except StoreError:  # verify names damage; a list goes on without the words
            yield None


def marked_html(pieces: Pieces) -> SafeString:
    """Escaped, with `<mark>` around what was searched for."""
    return mark_safe("".join(f"<mark>{escape(text)}</mark>" if marked else escape(text) for text, marked in pieces))  # noqa: S308


def names_only(people: str) -> str:
    """`Ann <ann@x.org>, bob@y.org` → `Ann, bob@y.org`."""
    short = _PERSON.sub("", people).strip()
    return short or people.strip("<> ")
