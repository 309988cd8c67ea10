"""What is known of a source, written down only after the engine acknowledged it; and the report of a run as it goes.

Killed at any moment: a row of `SourceMessage` means that the message is durably kept (I2), and a message without one is
fetched again, which the engine finds to be there already. Nothing twice, nothing lost. Not for talking to sources.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from django.db import connection, transaction
from django.utils import timezone

from archive.models import FolderDay, Gap, Profile, ProfileRun, RunFolder, SourceFolder, SourceMessage
from archive.store import Ingest, Outcome
from archive.store.errors import StoreError
from domains.models import Mailbox

LONGEST_KEY = 300
WRITE_ROWS = 2_000
WRITE_SECONDS = 1.0
COUNTS = ("archived", "known", "left_out", "failed", "deleted", "bytes")
DAY_S = 86_400
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class FolderWork:
    """One folder while a run is at it. open_tokens: handed to the engine, not acknowledged yet."""

    row: SourceFolder
    line: RunFolder
    open_tokens: int = 0
    closing: Closing | None = None
    failed: dict[str, Failure] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)  # keys handed to the engine in this run
    is_counted: bool = False  # a folder that is visited again after a broken connection is counted once


@dataclass(slots=True)
class Failure:
    """A message that could not be taken."""

    received_at: int
    message_id: str
    reason: str


@dataclass(slots=True)
class Closing:
    """All of a folder that was read to its end: keys, those a filter left out with their dates, its state."""

    present: Sequence[str]
    left_out: dict[str, int]
    seen: str


@dataclass(slots=True)
class Token:
    """A message on its way: it is done when each of its placements is acknowledged."""

    work: FolderWork
    key: str
    received_at: int
    flags: str
    size: int
    waiting: int
    is_new: bool = False
    store: int = 0
    number: int = 0
    sha256: bytes = b""


class Recorder:
    """Keeps the rows of one run in step with what the engine acknowledged."""

    def __init__(self, profile: Profile, run: ProfileRun) -> None:
        self.profile, self.run = profile, run
        self._done: list[Token] = []
        self._closable: list[FolderWork] = []
        self._lines: dict[int, FolderWork] = {}
        self._written_at = time.monotonic()
        self.totals: Counter[str] = Counter()
        self.touched: set[date] = set()

    # A folder

    def begin(
        self, mailbox: Mailbox | None, path: str, validity: str, target: str, *, whose: str = "", shown: str = ""
    ) -> FolderWork:
        """The folder as it is known; what was known of other UIDs (another validity) is forgotten.

        whose, shown: what the report calls mailbox and folder, where that differs.
        """
        with transaction.atomic():
            row, _made = SourceFolder.objects.get_or_create(
                profile=self.profile, mailbox=mailbox, path=path, defaults={"validity": validity}
            )
            if row.validity != validity:
                for related in (row.messages, row.days, row.gaps):
                    related.all().delete()
                row.validity, row.seen = validity, ""
                row.save(update_fields=["validity", "seen"])
            label = whose or ("" if mailbox is None else mailbox.address)
            line = RunFolder.objects.create(run=self.run, mailbox=label[:320], path=shown or path, target=target)
        work = FolderWork(row, line)
        self._lines[line.pk] = work
        return work

    def unknown(self, work: FolderWork, keys: Sequence[str]) -> list[str]:
        """Those of the keys that are not archived yet, in their order; failed ones are tried again."""
        named = {key_of(key): key for key in keys}
        asked = [key for key in named if key not in work.given]
        if not asked:
            return []
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.k FROM json_array_elements_text(%s::json) WITH ORDINALITY AS c(k, n) WHERE NOT EXISTS (SELECT"
                " 1 FROM archive_sourcemessage m WHERE m.folder_id = %s AND m.key = c.k AND m.sha256 IS NOT NULL)"
                " ORDER BY n",
                [_json(asked), work.row.pk],
            )
            return [named[row[0]] for row in cursor.fetchall()]

    def has_failures(self, work: FolderWork) -> bool:
        """Whether some of it could not be taken the last time."""
        return work.row.messages.filter(sha256=None).exists()

    def put(
        self, work: FolderWork, key: str, places: Sequence[tuple[Ingest, int, str]], *,
        content: bytes | None, spool: BinaryIO | None, size: int, received_at: int, flags: Iterable[str] = (),
    ) -> None:  # fmt: skip
        """Hand a message to the engine, for each of its places (a store's intake, mailbox number, folder)."""
        token = Token(work, key_of(key), received_at, _held(" ".join(flags), 200), size, len(places))
        work.open_tokens += 1
        work.given.add(token.key)
        for at, (ingest, mailbox, folder) in enumerate(places):
            given = spool
            if spool is not None and at < len(places) - 1:
                given = Path(f"/proc/self/fd/{spool.fileno()}").open("rb")  # noqa: SIM115  # the engine closes it
            ingest.put(folder, content=content, spool=given, received_at=received_at, token=token, mailbox=mailbox)

    def fail(self, work: FolderWork, key: str, *, received_at: int, message_id: str = "", reason: str) -> None:
        """A message that can't be taken: named, and tried again the next time."""
        key, reason = key_of(key), _held(reason, 500)
        is_new = key not in work.failed
        work.failed[key] = Failure(received_at, _held(message_id, 300), reason)
        if not is_new:
            return
        work.line.failed += 1
        work.line.note = work.line.note or reason
        self.totals["failed"] += 1

    def close(self, work: FolderWork, present: Sequence[str], left_out: dict[str, int], seen: str) -> None:
        """The folder was read to its end. Its account is made when all of it is acknowledged."""
        left_out = {key_of(key): received_at for key, received_at in left_out.items()}
        work.closing = Closing([key_of(key) for key in present], left_out, "" if work.failed else seen)
        work.line.left_out = len(left_out)
        self.totals["left_out"] += len(left_out)
        self._lines.setdefault(work.line.pk, work)
        if not work.open_tokens:
            self._closable.append(work)

    def pass_over(self, work: FolderWork, messages: int) -> None:
        """Nothing changed since it was read to its end."""
        work.line.found = messages
        work.line.known = messages
        self.totals["known"] += messages

    # What the engine says

    def take(self, outcomes: Iterable[Outcome], store: int) -> None:
        """Placements that a store acknowledged; written when there are enough of them, or a second has passed."""
        for outcome in outcomes:
            token: Token = outcome.token
            token.waiting -= 1
            token.is_new = token.is_new or outcome.state == "archived"
            token.store, token.number, token.sha256 = store, outcome.number, outcome.sha256
            if not token.waiting:
                self._finish(token)
        due = time.monotonic() - self._written_at > WRITE_SECONDS
        if len(self._done) >= WRITE_ROWS or (due and (self._done or self._closable)):
            self.write()

    def _finish(self, token: Token) -> None:
        work = token.work
        work.open_tokens -= 1
        self._done.append(token)
        name = "archived" if token.is_new else "known"
        setattr(work.line, name, getattr(work.line, name) + 1)
        self.totals[name] += 1
        if token.is_new:
            work.line.bytes += token.size
            self.totals["bytes"] += token.size
        if work.closing is not None and not work.open_tokens:
            self._closable.append(work)

    def write(self) -> None:
        """All that was acknowledged, and the accounts of folders that are through, in one transaction."""
        done, self._done = self._done, []
        closable, self._closable = self._closable, []
        works = {id(token.work): token.work for token in done} | {id(work): work for work in closable}
        with transaction.atomic():
            if done:
                self._write_rows(done)
            for work in closable:
                self._account(work)
            for work in works.values():
                work.line.save()
            self._write_totals()
        for work in closable:
            self._lines.pop(work.line.pk, None)
        self._written_at = time.monotonic()

    def write_all(self) -> None:
        """At the end: also the lines of folders that were not read to their end."""
        self.write()
        for work in self._lines.values():
            self._write_failures(work)
            work.line.save()
        self._lines.clear()

    def _write_totals(self) -> None:
        ProfileRun.objects.filter(pk=self.run.pk).update(**{name: self.totals[name] for name in COUNTS})

    def _write_rows(self, done: Sequence[Token]) -> None:
        rows = {(token.work.row.pk, token.key): token for token in done}
        self.touched.update(map(_day, {token.received_at // DAY_S * DAY_S for token in rows.values()}))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO archive_sourcemessage (folder_id, key, received_at, store_id, number, sha256, flags,"
                " message_id, reason, gone) SELECT f, k, to_timestamp(r), s, n, decode(h, 'hex'), g, '', '', false FROM"
                " json_to_recordset(%s::json) AS t(f bigint, k text, r float8, s bigint, n bigint, h text, g text)"
                " ON CONFLICT (folder_id, key) DO UPDATE SET received_at = EXCLUDED.received_at, store_id ="
                " EXCLUDED.store_id, number = EXCLUDED.number, sha256 = EXCLUDED.sha256, flags = EXCLUDED.flags,"
                " message_id = '', reason = ''",
                [
                    _json(
                        [
                            {
                                "f": folder, "k": key, "r": _bounded(token.received_at), "s": token.store,
                                "n": token.number, "h": token.sha256.hex(), "g": token.flags,
                            }
                            for (folder, key), token in rows.items()
                        ]
                    )
                ],
            )  # fmt: skip

    # The account of a folder

    def _account(self, work: FolderWork) -> None:
        """Per day: there now, left out, gone; and each message that isn't archived as a gap."""
        closing, row = work.closing, work.row
        assert closing is not None
        self._write_failures(work)
        days: dict[date, Counter[str]] = {}
        for day, name, count in self._counted(row, closing):
            days.setdefault(day, Counter())[name] += count
            self.touched.add(day)
        self.touched.update(_day(seconds) for seconds in closing.left_out.values())
        for seconds in closing.left_out.values():
            days.setdefault(_day(seconds), Counter()).update(("source", "left_out"))
        row.days.all().delete()
        FolderDay.objects.bulk_create(FolderDay(folder=row, day=day, **counts) for day, counts in days.items())
        self._write_gaps(work, closing)
        SourceFolder.objects.filter(pk=row.pk).update(seen=closing.seen, checked_at=timezone.now())

    def _counted(self, row: SourceFolder, closing: Closing) -> list[tuple[date, str, int]]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (m.received_at AT TIME ZONE 'UTC')::date, CASE WHEN c.k IS NULL THEN 'gone' ELSE 'source' END,"
                " count(*) FROM archive_sourcemessage m LEFT JOIN"
                " (SELECT DISTINCT json_array_elements_text(%s::json) AS k) c"
                " ON c.k = m.key WHERE m.folder_id = %s AND (c.k IS NOT NULL OR m.sha256 IS NOT NULL)"
                " AND m.key NOT IN (SELECT json_array_elements_text(%s::json)) GROUP BY 1, 2",
                [_json(list(closing.present)), row.pk, _json(list(closing.left_out))],
            )
            return list(cursor.fetchall())

    def _write_failures(self, work: FolderWork) -> None:
        rows = [
            SourceMessage(
                folder=work.row, key=key, received_at=_moment(each.received_at), message_id=each.message_id,
                reason=each.reason,
            )
            for key, each in work.failed.items()
        ]  # fmt: skip
        SourceMessage.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["folder_id", "key"],
            update_fields=["received_at", "message_id", "reason"],
        )

    def _write_gaps(self, work: FolderWork, closing: Closing) -> None:
        """Failed messages that are there still; one that went meanwhile is no gap any more."""
        present = set(closing.present)
        failed = list(work.row.messages.filter(sha256=None))
        stale = [each.key for each in failed if each.key not in present]
        work.row.messages.filter(sha256=None, key__in=stale).delete()
        since = dict(work.row.gaps.filter(is_unindexed=False).values_list("key", "first_seen_at"))
        work.row.gaps.filter(is_unindexed=False).delete()
        Gap.objects.bulk_create(
            Gap(
                folder=work.row, key=each.key, message_id=each.message_id, day=each.received_at.astimezone(UTC).date(),
                reason=each.reason, first_seen_at=since.get(each.key, timezone.now()),
            )
            for each in failed
            if each.key in present
        )  # fmt: skip


def key_of(name: str) -> str:
    """A message's name at its source as it is kept: the hash of one that a column can't hold, or nobody could read."""
    if len(name) <= LONGEST_KEY and name.isprintable():
        return name
    return "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def _held(text: str, most: int) -> str:
    """As far as a column holds it."""
    return text.replace("\0", "")[:most]


def _json(what: object) -> str:
    """For many values in one: PostgreSQL takes them apart, and nobody has to quote them one by one."""
    return json.dumps(what, ensure_ascii=False, separators=(",", ":"))


def _bounded(seconds: int) -> int:
    """Within the years that a database and a calendar can show."""
    return min(max(seconds, -2_208_988_800), 253_370_764_800)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(_bounded(seconds), UTC)


def _day(seconds: int) -> date:
    return _moment(seconds).date()


def reason_of(error: Exception) -> str:
    """Why the engine or a source didn't take something, in a line."""
    if isinstance(error, StoreError):
        return str(error)
    return str(error) or type(error).__name__
