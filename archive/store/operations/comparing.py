"""Does a catalogue say what the journal says? Quickly: by the journal's own words and a check in each row.

What the journal states of a message (number, hash, size, dates, placements) is compared with the rows; what it doesn't
state (where the bytes lie, subject, sender …) carries a CRC-32 of its own. Half a million messages take some seconds.
"No" only means that the long way, a whole replay, must say what is different (`verify_catalogue`); histories that only
a recovered journal has are answered so too.

Relies on I1 and I5. Memory: five bytes per number ever given, and what was deleted from several folders.
"""

from __future__ import annotations

import array
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ..journal import Event, Record
from ..rows import CHECK_SQL, NUMBER_BITS, NUMBER_MASK, RANK_DATES, RANK_SHIFT, check_of

UNSEEN, PRESENT, AWAITED, GONE = range(4)
CHUNK = 256
GROWTH = 4096

MESSAGES = """SELECT number, sha256, size, date, archived_ms, sequence, crc, pack, offset, length, flags,
              subject, sender, recipients, message_id FROM message WHERE number BETWEEN ? AND ?"""
PLACEMENTS = "SELECT number, folder FROM placement WHERE number BETWEEN ? AND ?"
STATED, SIZE, CHECK, PLACE, TEXTS = slice(0, 6), 2, 6, slice(7, 11), slice(11, 15)
# What the journal has of messages that follow each other, column by column, and whether the rest of the rows stands.
# Columns: joining them to the journal's words inside SQL costs twice as much.
WRITTEN = f"""
SELECT group_concat(sha256, ''), group_concat(size), group_concat(date), count(*), sum(size),
       sum(sequence <> ? OR archived_ms <> ? OR crc <> {CHECK_SQL})
FROM message WHERE number BETWEEN ? AND ?"""  # noqa: S608
NUMBERS = "SELECT number FROM message WHERE number BETWEEN ? AND ?"
# The index has all of it, the rank too, which must be what the date makes of it (`rank_of`) and end in the number.
PLACED = f"""
SELECT group_concat(folder), group_concat(number), group_concat((rank >> {NUMBER_BITS}) - {RANK_SHIFT}), count(*),
       sum((rank & {NUMBER_MASK}) <> number)
FROM placement WHERE number BETWEEN ? AND ?"""  # noqa: S608
MSG, PUT = b'["msg",', b'["put",'
# The values of events of one kind, as the journal writes them: one list a value.
Columns = list[list[bytes]]


def _crc32_of(*texts: bytes) -> int:
    return zlib.crc32(b"\0".join(texts))


class Comparison:
    """One pass over the journal beside a catalogue that does not change meanwhile.

    `db` gives texts as bytes. A message that the catalogue lacks must be deleted by a later record, and a placement
    that it lacks removed by one.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.create_function("crc32_of", 4, _crc32_of, deterministic=True)
        self._states = bytearray(1)
        # The one folder a message is awaited to be removed from; the few with several are in `_more`.
        self._folder = array.array("I", [0])
        self._more: dict[int, set[int]] = {}
        self._awaited = 0
        self._placed = 0
        self._ranked = True  # all placements so far have the rank that they should have
        self._bytes = 0
        self._arrived: dict[int, list[int]] = {}
        self._highest = 0
        # What is of neither messages nor placements: little, and compared otherwise (`small_tables`).
        self.others: list[Event] = []
        # Who uses which part, and the parts: (message, part), number → (SHA-256 hex, size).
        self._uses: set[tuple[int, int]] = set()
        self._parts: dict[int, tuple[str, int]] = {}
        # What dictionaries were made of: thousands of samples each.
        self._trained: dict[int, set[bytes]] = {}
        self._erased = 0
        self.agrees = True

    def hear(self, record: Record) -> None:
        """Compare what one record (as text) added; remember what it removed."""
        if not self._as_written(record):
            self._hear(record.opened())

    def _as_written(self, record: Record) -> bool:
        """Are the rows of a record's messages and placements the same, word for word?

        So it is where new messages were placed once each, and what is left of them still lies there: nearly always.
        """
        text = record.text
        start, put = text.find(MSG), text.find(PUT)
        if start < 0 or put < start or not text.endswith(b"]]}"):
            return False
        said, puts = _columns(text[start : put - 1], b"msg", 4), _columns(text[put:-2], b"put", 2)
        if said is None or puts is None or not self._are_new(said[0], puts[1]):
            return False
        rest = json.loads(text[:start].rstrip(b",") + b"]}")
        if any(event[0] == "del" for event in rest["e"]) or not self._stand(record.sequence, rest["t"], said, puts):
            return False
        for event in rest["e"]:
            self._other(event)
        return True

    def _stand(self, sequence: int, at_ms: int, said: Columns, puts: Columns) -> bool:
        """Whether the rows of new messages are as the journal says (`_columns`); those that lack are awaited."""
        first, count = self._highest + 1, len(said[0])
        last = first + count - 1
        *rows, total, size, wrong = self._db.execute(WRITTEN, (sequence, at_ms, first, last)).fetchone()
        *placed, places, ranked = self._db.execute(PLACED, (first, last)).fetchone()
        if wrong or ranked or places != total:
            return False
        arrived, gone, left, lie = size, list[int](), said, puts
        if total != count:
            there = [row[0] - first for row in self._db.execute(NUMBERS, (first, last))]
            gone = sorted(set(range(count)).difference(there))
            arrived = sum(map(int, said[2]))
            left, lie = ([[column[at] for at in there] for column in columns] for columns in (said, puts))
        numbers, sizes, dates = (b",".join(left[at]) for at in (0, 2, 3))
        hashes = bytes.fromhex(b"".join(left[1]).decode("ascii"))
        if total and (rows != [hashes, sizes, dates] or placed != [b",".join(lie[0]), numbers, dates]):
            return False
        self._highest = last
        self._states[first : last + 1] = bytes([PRESENT]) * count
        self._placed += total
        self._bytes += size or 0
        self._arrive(at_ms, count, arrived)
        self._awaited += len(gone)
        for at in gone:
            self._states[first + at] = AWAITED
            self._await(first + at, int(puts[0][at]))
        return True

    def _are_new(self, messages: list[bytes], placed: list[bytes]) -> bool:
        """Whether these numbers follow those there were, one after the other, and each is placed in its turn."""
        count = len(messages)
        following = tuple(range(self._highest + 1, self._highest + 1 + count))
        return (
            messages == placed
            and b",".join(messages) + b"," == b"%d," * count % following
            and self._is_new(following[-1])
        )

    def _arrive(self, at_ms: int, count: int, size: int) -> None:
        day = self._arrived.setdefault(at_ms // 86_400_000, [0, 0])
        day[0] += count
        day[1] += size

    def _hear(self, record: Record) -> None:
        messages = [event for event in record.events if event[0] == "msg"]
        if messages:
            self._messages(record, messages)
        puts = [(event[2], event[1]) for event in record.events if event[0] == "put"]
        if puts:
            self._ranked = False
            self._puts(puts)
        for event in record.events:
            if event[0] == "del":
                self._deleted(event[1], event[2])
                if len(event) > 5 and event[5]:
                    self._erased = record.sequence
            elif event[0] not in ("msg", "put"):
                self._other(event)

    def _other(self, event: Event) -> None:
        if event[0] == "use":
            self._uses.update((event[1], part) for part in event[2])
        elif event[0] == "att":
            self._parts[event[1]] = (event[2], event[3])
        elif event[0] == "dic":
            self.others.append(event[:3])
            self._trained[event[1]] = {bytes.fromhex(sample) for samples in event[3:] for sample in samples}
        else:
            if event[0] == "und":
                self._trained.pop(event[1], None)
            self.others.append(event)

    # Messages

    def _messages(self, record: Record, events: list[Event]) -> None:
        stated = [
            (n, bytes.fromhex(sha), size, date, more[0] if more else record.at_ms, record.sequence)
            for _, n, sha, size, date, *more in events
        ]
        for number, _, size, _, since, _ in stated:
            self._arrive(since, 1, size)
            if not self._is_new(number):
                self.agrees = False
                return
        self._highest = max(self._highest, stated[-1][0])
        for at in range(0, len(stated), CHUNK):
            self._compare(stated[at : at + CHUNK])

    def _is_new(self, number: int) -> bool:
        """Whether a number can be one, and was not given before; makes room for it."""
        if not 0 < number <= NUMBER_MASK:
            return False
        if (missing := number + 1 - len(self._states)) > 0:
            self._states.extend(bytes(missing + GROWTH))
            self._folder.extend(array.array("I", bytes(4 * (missing + GROWTH))))
        return self._states[number] == UNSEEN

    def _compare(self, stated: list[tuple[Any, ...]]) -> None:
        rows = self._db.execute(MESSAGES, (stated[0][0], stated[-1][0])).fetchall()
        self._bytes += sum(row[SIZE] for row in rows)
        for row in rows:
            if check_of(*row[PLACE], *(text.decode() for text in row[TEXTS])) != row[CHECK]:
                self.agrees = False
        if [row[STATED] for row in rows] == stated:
            for one in stated:
                self._states[one[0]] = PRESENT
            return
        found = {row[0]: row[STATED] for row in rows}
        for one in stated:
            is_there = one[0] in found
            if found.pop(one[0], one) != one:
                self.agrees = False
            self._states[one[0]] = PRESENT if is_there else AWAITED
            self._awaited += not is_there
        if found:
            self.agrees = False

    # Placements

    def _puts(self, puts: list[tuple[int, int]]) -> None:
        for chunk in _runs(sorted(puts)):
            rows = self._db.execute(PLACEMENTS, (chunk[0][0], chunk[-1][0])).fetchall()
            if rows == chunk:
                self._placed += len(chunk)
                continue
            there = set(rows)
            for number, folder in chunk:
                if (number, folder) in there:
                    self._placed += 1
                elif self._state(number) in (PRESENT, AWAITED):
                    self._await(number, folder)

    def _state(self, number: int) -> int:
        return self._states[number] if 0 < number < len(self._states) else UNSEEN

    def _await(self, number: int, folder: int) -> None:
        if number in self._more:
            self._more[number].add(folder)
        elif not self._folder[number] or self._folder[number] == folder:
            self._folder[number] = folder
        else:
            self._more[number] = {self._folder[number], folder}
            self._folder[number] = 0

    def _deleted(self, numbers: Sequence[int], folder: int) -> None:
        for number in numbers:
            state = self._state(number)
            if state == PRESENT and not folder:
                self.agrees = False  # deleted everywhere, and the catalogue has it still
            elif state in (PRESENT, AWAITED) and folder:
                self._removed(number, folder)
            elif state == AWAITED:
                self._folder[number] = 0
                self._more.pop(number, None)
            if state == AWAITED and not self._folder[number] and number not in self._more:
                self._states[number] = GONE
                self._awaited -= 1

    def _removed(self, number: int, folder: int) -> None:
        if number in self._more:
            self._more[number].discard(folder)
            if not self._more[number]:
                del self._more[number]
        elif self._folder[number] == folder:
            self._folder[number] = 0
        else:
            self._placed -= 1  # it is there: a later record places it again, or the catalogue is wrong

    # The end

    def finish(self) -> bool:
        """Whether all agrees, now that the whole journal was heard."""
        ask = self._one
        self.agrees = (
            self.agrees
            and not self._awaited
            and not self._more
            and not any(self._folder)
            and ask("SELECT count(*) FROM placement") == self._placed
            and ask("SELECT count(*) FROM message") == self._states.count(PRESENT)
            and (self._ranked or self._ranks_agree())
            and self._counts_agree()
            and self._parts_agree()
            and self._samples_agree()
        )
        return self.agrees

    def _one(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0] or 0)

    def _ranks_agree(self) -> bool:
        rank = f"(min(max(m.date + {RANK_SHIFT}, 0), {RANK_DATES - 1}) << {NUMBER_BITS} | p.number)"  # as `rank_of`
        wrong = f"""SELECT count(*) FROM placement p LEFT JOIN message m ON m.number = p.number
                    WHERE m.number IS NULL OR p.rank <> {rank}"""  # noqa: S608
        return not self._one(wrong)

    def _counts_agree(self) -> bool:
        counts = """SELECT count(*) FROM folder f
                    LEFT JOIN (SELECT folder, count(*) AS n FROM placement GROUP BY folder) p ON p.folder = f.number
                    WHERE f.messages <> coalesce(p.n, 0)"""
        arrived = dict(self._day(row) for row in self._db.execute("SELECT day, messages, bytes FROM arrival"))
        meta: dict[bytes, Any] = dict(self._db.execute("SELECT key, value FROM meta").fetchall())
        return (
            not self._one(counts)
            and arrived == {day: (messages, size) for day, (messages, size) in self._arrived.items()}
            and meta.get(b"messages") == self._states.count(PRESENT)
            and meta.get(b"raw_bytes") == self._bytes
            and meta.get(b"next_number") == self._highest + 1
            and meta.get(b"erased") == self._erased
        )

    def _parts_agree(self) -> bool:
        uses = {pair for pair in self._uses if self._state(pair[0]) == PRESENT}
        used = {part for _, part in uses}
        parts: dict[int, tuple[str, int]] = {}
        sql = "SELECT number, lower(hex(sha256)), size, crc, pack, offset, length FROM part"
        for number, digest, size, crc, pack, offset, length in self._db.execute(sql):
            parts[number] = (digest.decode(), size)
            if crc != check_of(pack, offset, length, 0):
                return False
        (following,) = self._db.execute("SELECT value FROM meta WHERE key = 'next_part'").fetchone() or (None,)
        return (
            set(self._db.execute("SELECT message, part FROM uses")) == uses
            and parts == {number: said for number, said in self._parts.items() if number in used}
            and following == max(self._parts, default=0) + 1
        )

    def _samples_agree(self) -> bool:
        found: dict[int, list[bytes]] = {}
        for number, sample in self._db.execute("SELECT dictionary, sample FROM trained"):
            found.setdefault(number, []).append(sample)
        said = {number: sorted(samples) for number, samples in self._trained.items() if samples}
        return said == {number: sorted(samples) for number, samples in found.items()}

    @staticmethod
    def _day(row: tuple[int, int, int]) -> tuple[int, tuple[int, int]]:
        return row[0], (row[1], row[2])


def _columns(words: bytes, kind: bytes, width: int) -> Columns | None:
    """The values of events that are all of one kind and so long, `["msg",1,"ab",2,3],["msg",…`, column by column.

    None where these are other words. What is taken out of them is in none of their values.
    """
    values = words.translate(None, b'[]"' + kind).split(b",")
    count, left = divmod(len(values), width + 1)
    if left or words.count(b'["' + kind + b'",') != count or any(values[:: width + 1]):
        return None
    return [values[at :: width + 1] for at in range(1, width + 1)]


def _runs(pairs: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Sorted pairs in pieces whose numbers follow each other closely: one query a piece."""
    start = 0
    for at, (one, following) in enumerate(pairwise(pairs), 1):
        if following[0] > one[0] + 16 or at - start >= CHUNK:
            yield pairs[start:at]
            start = at
    yield pairs[start:]
