"""The mails the benchmarks run on, as mbox files (for us) and as one file each (for notmuch), kept under a work folder.

    WORK/mails-N/ready.json              facts of each copy: messages, raw bytes
    WORK/mails-N/copies/00.mbox          the mails themselves; 01.mbox … are variations (benchmarks.variation)
    WORK/mails-N/mail/00/017/00017432    the same as files, 1,000 to a folder

N is how many real mails each copy has (28032 unless --mails). A set of size S thousand is the first S*1000/N copies,
rounded. Not for measuring anything.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from archive.sources import Found, read
from benchmarks.variation import common_words, vary

PER_FOLDER = 1000
_QUOTED = re.compile(rb"^(?=>*From )", re.M)


@dataclass(frozen=True, slots=True)
class Copy:
    """One variation of all mails."""

    mbox: Path
    files: Path
    messages: int
    raw_bytes: int


@dataclass(frozen=True, slots=True)
class MailSet:
    """So many copies, taken together; `label` is the size in thousands."""

    label: str
    copies: tuple[Copy, ...]

    @property
    def messages(self) -> int:
        return sum(copy.messages for copy in self.copies)

    @property
    def raw_bytes(self) -> int:
        return sum(copy.raw_bytes for copy in self.copies)

    @property
    def mboxes(self) -> list[Path]:
        return [copy.mbox for copy in self.copies]


class Corpus:
    """The mails of lists.mbox, at most `limit` of them (0 = all), and their copies as far as they are needed."""

    def __init__(self, lists_mbox: Path, work: Path, limit: int = 0) -> None:
        self.lists_mbox = lists_mbox
        self._limit = limit
        self._messages: list[bytes] = []
        self._words: list[bytes] = []
        self.messages = self._count(work)
        self.root = work / f"mails-{self.messages}"
        self.root.mkdir(parents=True, exist_ok=True)

    def mail_set(self, thousands: int) -> MailSet:
        """The set of that size, made now as far as it is not there yet."""
        copies = max(1, round(thousands * 1000 / self.messages))
        return MailSet(str(thousands), tuple(self.copy(number) for number in range(copies)))

    def copy(self, number: int) -> Copy:
        """One copy; written beside its place and renamed, so that a killed run leaves no half one."""
        mbox = self.root / "copies" / f"{number:02}.mbox"
        files = self.root / "mail" / f"{number:02}"
        facts = mbox.with_suffix(".json")
        if not facts.exists():
            self._write(number, mbox, files)
        known = json.loads(facts.read_text())
        return Copy(mbox, files, known["messages"], known["raw_bytes"])

    def originals(self) -> list[bytes]:
        """The real mails, in memory."""
        if not self._messages:
            self._messages = list(_read(self.lists_mbox, self._limit))
        return self._messages

    def forget(self) -> None:
        """Let go of what is in memory, before anything is measured."""
        self._messages, self._words = [], []

    def _count(self, work: Path) -> int:
        note = work / f"count-{self._limit}.json"
        wanted = {"mbox_bytes": self.lists_mbox.stat().st_size}
        if note.exists() and (known := json.loads(note.read_text())).items() >= wanted.items():
            return int(known["messages"])
        work.mkdir(parents=True, exist_ok=True)
        messages = len(self.originals())
        note.write_text(json.dumps({**wanted, "messages": messages}))
        return messages

    def _write(self, number: int, mbox: Path, files: Path) -> None:
        self._words = self._words or common_words(self.originals())
        mbox.parent.mkdir(exist_ok=True)
        shutil.rmtree(files, ignore_errors=True)
        raw_bytes = 0
        with mbox.with_suffix(".new").open("wb") as out:
            for at, message in enumerate(self.originals()):
                varied = vary(message, number, at, self._words)
                raw_bytes += len(varied)
                folder = files / f"{at // PER_FOLDER:03}"
                if at % PER_FOLDER == 0:
                    folder.mkdir(parents=True)
                (folder / f"{at:08}").write_bytes(varied)
                out.write(mbox_entry(varied))
        mbox.with_suffix(".new").replace(mbox)
        copy = Copy(mbox, files, self.messages, raw_bytes)
        facts = {name: value for name, value in asdict(copy).items() if not isinstance(value, Path)}
        mbox.with_suffix(".json").write_text(json.dumps(facts))


def mbox_entry(message: bytes) -> bytes:
    """The message as mboxrd has it."""
    end = b"\n" if message.endswith(b"\n") else b"\n\n"
    return b"From copy@bench.invalid Thu Jan  1 00:00:00 1970\n" + _QUOTED.sub(b">", message) + end


def _read(lists_mbox: Path, limit: int) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as spool:
        for at, found in enumerate(read([lists_mbox], spool_dir=Path(spool))):
            if limit and at == limit:
                return
            if isinstance(found, Found):
                yield found.content if found.content is not None else _spooled(found)


def _spooled(found: Found) -> bytes:
    assert found.spool is not None
    with found.spool as spool:
        return spool.read()
