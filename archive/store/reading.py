"""Reading a store: messages byte for byte, rows, folders, figures.

Not for persons and their rights, nor for searching (`searching`).
"""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from archive.mail.attached import FileText
from archive.mail.extract import Extract, extract, extract_many
from archive.texts.reader import Reader

from .base import OpenStore
from .errors import Damaged, NotFound
from .proving import Proof, prove
from .replay import TEXT_BYTES
from .rows import Folder, Row


@dataclass(slots=True)
class StoreFacts:
    messages: int
    raw_bytes: int
    stored_bytes: int
    work_bytes: int
    journal_end: int
    index_position: int

    @property
    def lag(self) -> int:
        """Journal records the index has not seen."""
        return max(self.journal_end - self.index_position, 0)


class ReadableStore(OpenStore):
    """What may be read of an open store."""

    def row(self, number: int) -> Row | None:
        return self.catalogue.row(number)

    def rows(self, numbers: Sequence[int]) -> list[Row]:
        return self.catalogue.rows(numbers)

    def pieces(self, row: Row) -> Iterator[bytes]:
        """The plain bytes of a message in pieces of a few MiB, each proven by its seal; the whole is not hashed."""
        if not row.place.pack:
            raise Damaged("no pack holds this message", f"message {row.number}")
        reader = self.pack_reader(row.place.pack)
        return reader.message(row.place, row.number, row.size, self.dictionaries, self.part_pieces)

    def stream(self, number: int) -> Iterator[bytes]:
        """The message as it came in (I7), in pieces. Raises: NotFound, Damaged; the latter at the end at the latest."""
        row = self.known_row(number)
        digest = hashlib.sha256()
        for piece in self.pieces_after_check(row):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != row.sha256:
            raise Damaged("a message does not match its SHA-256", f"message {number}")

    def pieces_after_check(self, row: Row) -> Iterator[bytes]:
        """As `pieces`, whatever compaction does meanwhile. Raises: NotFound also where it went while it was read."""
        try:
            yield from self._pieces_again(row)
        except Damaged:
            # Deleted and compacted since the look: what it shared with nobody else is in no pack any more.
            if self.catalogue.row(row.number) is None:
                raise NotFound(f"there is no message {row.number}") from None
            raise

    def _pieces_again(self, row: Row) -> Iterator[bytes]:
        """Compaction may move a message and drop its old pack between a look and a read: look again, once."""
        try:
            pieces = self.pieces(row)
            first = next(pieces)
        except NotFound:
            self._readers.pop(row.place.pack, None)
            again = self.known_row(row.number)
            if again.place == row.place:
                raise Damaged("a file that holds the message is missing", f"message {row.number}") from None
            pieces = self.pieces(again)
            first = next(pieces)
        yield first
        yield from pieces

    def read(self, number: int) -> bytes:
        """A whole message, checked against its SHA-256. Raises: NotFound, Damaged."""
        return b"".join(self.stream(number))

    def head(self, row: Row, limit: int = TEXT_BYTES) -> bytes:
        """The first bytes of a message, at least `limit` of them if it has so many. Raises: NotFound, Damaged."""
        pieces, size = [], 0
        for piece in self.pieces_after_check(row):
            pieces.append(piece)
            size += len(piece)
            if size >= limit:
                break
        return b"".join(pieces)

    def known_row(self, number: int) -> Row:
        """Raises: NotFound."""
        row = self.catalogue.row(number)
        if row is None:
            raise NotFound(f"there is no message {number}")
        return row

    def texts(self, rows: Sequence[Row], problems: dict[int, str] | None = None) -> list[Extract]:
        """What messages say, read back from their packs; a damaged one says nothing (`problems` or verify name it)."""
        raws: list[bytes] = []
        result: list[Extract | None] = []
        for row in rows:
            try:
                raw = self.head(row)
            except (Damaged, NotFound) as error:
                if problems is not None:
                    problems[row.number] = str(error)
                result.append(Extract(partial=True))
                continue
            if row.size > TEXT_BYTES:
                result.append(extract(raw, size=row.size))
            else:
                raws.append(raw)
                result.append(None)
        read = iter(extract_many(raws))
        return [next(read) if text is None else text for text in result]

    def read_files(self, row: Row, reader: Reader) -> Future[list[FileText]]:
        """Begin to read the attached files of a message; a damaged one has none (verify names it)."""

        def raw() -> bytes:
            try:
                return self.head(row)
            except (Damaged, NotFound):
                return b""

        return reader.submit(raw, cut=row.size > TEXT_BYTES)

    def files(self, numbers: Sequence[int]) -> dict[int, list[FileText]]:
        """What the index has of the attached files of some messages. Raises: WrongFormat."""
        return self.index.files(numbers)

    def proof(self, number: int) -> Proof:
        """Check now that the journal's chain is whole up to a message's record and that its bytes match. NotFound."""
        return prove(self, number)

    def folders(self, mailbox: int | None = None) -> list[Folder]:
        return self.catalogue.folders(mailbox)

    def list_folder(
        self, folder: int, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[Row]:
        """A page of a folder, newest first; `before` and `after` are ranks of rows already seen."""
        return self.rows(self.catalogue.list_folder(folder, before=before, after=after, limit=limit))

    def facts(self) -> StoreFacts:
        return StoreFacts(
            messages=self.catalogue.counter("messages"),
            raw_bytes=self.catalogue.counter("raw_bytes"),
            stored_bytes=sum(map(self.backend.total, ("journal", "packs"))),
            work_bytes=self.catalogue.size_bytes() + self.index.size_bytes(),
            journal_end=self.catalogue.position().sequence,
            index_position=self.index.position().sequence,
        )

    def lag(self) -> int:
        """Journal records the index has not seen: while there are some, a search may miss the newest mail."""
        return max(self.catalogue.position().sequence - self.index.position().sequence, 0)

    def arrivals(self, days: int) -> dict[datetime.date, tuple[int, int]]:
        """(messages, bytes) archived per day (UTC), for the last `days` days; days without any are left out."""
        today = int(time.time() // 86400)
        epoch = datetime.date(1970, 1, 1)
        found = self.catalogue.arrivals(today - days + 1)
        return {epoch + datetime.timedelta(days=day): counts for day, counts in sorted(found.items())}

    def arrived(self, since: datetime.datetime, before: datetime.datetime) -> dict[datetime.datetime, tuple[int, int]]:
        """(messages, bytes) archived from a moment on and before another, per quarter of an hour (its start, UTC)."""
        found = self.catalogue.arrived(round(since.timestamp() * 1000), round(before.timestamp() * 1000))
        return {
            datetime.datetime.fromtimestamp(quarter * 900, datetime.UTC): counts
            for quarter, counts in sorted(found.items())
        }
