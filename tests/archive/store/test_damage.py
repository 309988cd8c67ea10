"""Flipped bits, cut and missing files: reading never gives wrong bytes, and verify names what is wrong and whom.

Every byte of a tiny store has a bit flipped in `make torture`; CI takes a sample of the positions with a printed seed.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.store import Store
from archive.store.codec import Dictionaries
from archive.store.contract import bring_index, catalogue_rows, check_invariants, keep, mail
from archive.store.errors import Damaged, NotFound, StoreError, WrongFormat
from archive.store.journal import Event, Position
from archive.store.operations import recover, verify
from archive.store.operations.comparing import Comparison
from archive.store.operations.report import Meter, Report, never, quiet
from archive.store.operations.verify_catalogue import QuickWay, agrees

from .grounds import KEYS
from .reader import read_store

THOROUGH = bool(os.environ.get("POSTKEEP_TORTURE"))

pytestmark = pytest.mark.torture


@dataclass
class Tiny:
    """A small store that lies there closed, and what it holds."""

    root: Path
    work: Path
    contents: dict[int, bytes]

    def open(self, work: str = "", *, repair: bool = False) -> Store:
        place = self.work.with_name(work) if work else self.work
        return Store.open(self.root, place, KEYS, pack_bytes=1500, repair=repair)


@pytest.fixture
def tiny(quick_path: Path) -> Tiny:
    contents: dict[int, bytes] = {}
    with Store.create(quick_path / "store", quick_path / "work", KEYS, pack_bytes=1500) as store:
        store.mailbox(1, "a@example.org")
        folder = store.ensure_folder(1, "Inbox")
        samples = [mail(f"sample {at}", f"The report of day {at} of year {at % 9} follows.") for at in range(60)]
        for at in range(3):
            contents.update(zip(keep(store, folder, samples[at]), [samples[at]], strict=True))
        store.train_dictionary(samples)
        for at in range(3, 12):
            some = [samples[at], mail(f"noise {at}", random.Random(at).randbytes(150).hex())]
            contents.update(zip(keep(store, folder, *some), some, strict=True))
        gone = sorted(contents)[4:6]
        store.delete(gone, reason="a test", by="me")
        for number in gone:
            del contents[number]
        assert len(store.catalogue.packs()) > 1
        bring_index(store)
        store.catalogue.tidy()
    return Tiny(quick_path / "store", quick_path / "work", contents)


@contextlib.contextmanager
def flipped(path: Path, at: int, bit: int) -> Iterator[None]:
    with path.open("r+b") as file:
        file.seek(at)
        (was,) = file.read(1)
        file.seek(at)
        file.write(bytes([was ^ (1 << bit)]))
        file.flush()
        try:
            yield
        finally:
            file.seek(at)
            file.write(bytes([was]))


def positions(path: Path, most: int) -> Iterator[tuple[int, int]]:
    """(offset, bit) for every byte, or a sample of them that always has the first and the last."""
    size = path.stat().st_size
    seed = random.randrange(1 << 30)
    print(f"{path.name}: {size} bytes, seed {seed}")
    chance = random.Random(seed)
    wanted = range(size) if THOROUGH else sorted({0, size - 1, *chance.sample(range(size), min(most, size))})
    for at in wanted:
        yield at, chance.randrange(8)


def read_all(store: Store, contents: dict[int, bytes]) -> set[int]:
    """Read everything; the numbers that can't be read. Whatever is read is right."""
    store.forget_readers()
    store.dictionaries = Dictionaries(store.load_dictionary)
    unreadable = set()
    for number, content in contents.items():
        try:
            assert store.read(number) == content
        except StoreError:
            unreadable.add(number)
    return unreadable


def named(report: Report) -> set[int]:
    return {number for problem in report.problems for number in problem.messages}


def verified(store: Store, *parts: str) -> Report:
    return verify.run(store, verify.plan(store, list(parts)))


def test_a_sound_store_has_no_problems(tiny: Tiny) -> None:
    with tiny.open() as store:
        report = verified(store, "journal", "packs", "dictionaries", "catalogue", "index")
        assert report.ok and not report.notes, report
        check_invariants(store, index=True)


def test_half_a_segment_that_a_killed_indexer_left_is_a_note_and_no_damage(tiny: Tiny) -> None:
    (tiny.work / "index" / f"{'ab' * 16}.fast").write_bytes(b"half of what was to be")
    with tiny.open() as store:
        report = verify.run(store, verify.plan(store))
    assert report.problems == []
    assert any("broken off" in note for note in report.notes)


def test_a_flipped_bit_in_a_pack_is_never_read_and_always_named(tiny: Tiny) -> None:
    with tiny.open() as store:
        for path in sorted((tiny.root / "packs").iterdir()):
            for at, bit in positions(path, 60):
                with flipped(path, at, bit):
                    unreadable = read_all(store, tiny.contents)
                    report = verified(store, "packs")
                    assert report.problems, f"{path.name}, byte {at}, bit {bit} goes unnoticed"
                    assert named(report) == unreadable, f"{path.name}, byte {at}, bit {bit}"
        assert not read_all(store, tiny.contents)
        assert verified(store, "packs").ok


def test_a_flipped_bit_in_the_journal_is_never_believed_and_always_named(tiny: Tiny) -> None:
    with tiny.open() as store:
        true = [record.events for record in store.journal.read(Position())]
        sequences = {row.number: row.sequence for row in store.rows(list(tiny.contents))}
        (path,) = (tiny.root / "journal").iterdir()
        for at, bit in positions(path, 150):
            with flipped(path, at, bit):
                said = heard(store)
                assert said == true[: len(said)], f"byte {at}, bit {bit} is believed"
                report = verified(store, "journal")
                assert report.problems, f"byte {at}, bit {bit} goes unnoticed"
                doubtful = {number for number, sequence in sequences.items() if sequence == len(said) + 1}
                assert doubtful <= named(report), f"byte {at}, bit {bit}"
        assert verified(store, "journal").ok


def heard(store: Store) -> list[list[Event]]:
    said = []
    with contextlib.suppress(Damaged):
        for record in store.journal.read(Position()):
            said.append(record.events)
    return said


def test_a_flipped_bit_in_a_dictionary_is_named_with_the_messages_it_costs(tiny: Tiny) -> None:
    with tiny.open() as store:
        (path,) = (tiny.root / "dictionaries").iterdir()
        for at, bit in positions(path, 25):
            with flipped(path, at, bit):
                unreadable = read_all(store, tiny.contents)
                report = verified(store, "dictionaries")
                assert report.problems and unreadable and named(report) == unreadable
        assert verified(store, "dictionaries").ok


def test_a_flipped_bit_in_the_catalogue_gives_no_wrong_bytes_and_is_named(tiny: Tiny) -> None:
    with tiny.open() as store:
        sound = catalogue_rows(store)
    for at, bit in positions(tiny.work / "catalogue.sqlite", 60):
        shutil.rmtree(tiny.work.with_name("other"), ignore_errors=True)
        shutil.copytree(tiny.work, tiny.work.with_name("other"))
        with flipped(tiny.work.with_name("other") / "catalogue.sqlite", at, bit):
            try:
                store = tiny.open("other")
            except (StoreError, sqlite3.DatabaseError, ValueError):
                continue  # says so at once
            with store:
                with contextlib.suppress(sqlite3.DatabaseError, StoreError, ValueError, TypeError, AttributeError):
                    read_all(store, tiny.contents)
                try:
                    same = catalogue_rows(store) == sound
                except (sqlite3.DatabaseError, UnicodeDecodeError):
                    same = False
                if not same:
                    assert verified(store, "catalogue").problems, f"byte {at}, bit {bit} goes unnoticed"


COLUMNS = ("size", "date", "archived_ms", "sequence", "pack", "offset", "length", "flags", "crc")
TEXTS = ("subject", "sender", "recipients", "message_id")


CHANGES = (
    *(f"UPDATE message SET {column} = {column} + 1 WHERE number = 2" for column in COLUMNS),
    *(f"UPDATE message SET {column} = {column} || 'x' WHERE number = 2" for column in TEXTS),
    "UPDATE message SET sha256 = zeroblob(32) WHERE number = 2",
    "DELETE FROM message WHERE number = 2",
    "UPDATE placement SET folder = folder + 1 WHERE number = 2",
    "UPDATE placement SET rank = rank + (1 << 30) WHERE number = 2",
    "UPDATE placement SET rank = rank + 1024 WHERE number = 2",
    "DELETE FROM placement WHERE number = 2",
    "UPDATE folder SET messages = messages + 1",
    "UPDATE folder SET name = 'Outbox'",
    "UPDATE mailbox SET label = 'b@example.org'",
    "UPDATE arrival SET bytes = bytes + 1",
    "UPDATE arrival SET messages = messages - 1",
    *(f"UPDATE meta SET value = value + 1 WHERE key = '{key}'" for key in ("messages", "raw_bytes", "next_number")),
    *(f"UPDATE meta SET value = value + 1 WHERE key = '{key}'" for key in ("next_folder", "next_pack", "erased")),
    "UPDATE pack SET state = 1",
    "UPDATE dictionary SET sha256 = upper(sha256)",
    "DELETE FROM trained WHERE sample = (SELECT max(sample) FROM trained)",
    "UPDATE trained SET sample = zeroblob(8) WHERE sample = (SELECT max(sample) FROM trained)",
)


@pytest.mark.parametrize("holes", [False, True], ids=["whole", "with holes"])
def test_every_column_counts_when_records_are_compared_word_for_word(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, *, holes: bool
) -> None:
    tiny = Tiny(quick_path / "store", quick_path / "work", {})
    with Store.create(tiny.root, tiny.work, KEYS) as store:
        store.mailbox(1, "a@example.org")
        samples = [mail(f"sample {at}", f"The report of day {at} of year {at % 9} follows.") for at in range(60)]
        for batch in range(2):
            keep(store, store.ensure_folder(1, "Inbox"), *samples[batch * 5 : batch * 5 + 5])
        store.train_dictionary(samples)
        if holes:
            # One record that lost some of its messages, another that lost all.
            store.delete([1, 4, *range(6, 11)], reason="a test", by="me")
        store.catalogue.tidy()

    def refuse(*arguments: object) -> None:
        raise AssertionError("a sound record was taken apart")

    def answers() -> set[bool]:
        """By itself, and while the journal is verified."""
        with tiny.open() as store:
            with QuickWay(store) as quick:
                verify.verify_journal(store, Meter(0, quiet, never), Report("verify"), quick)
                together = quick.agrees()
            return {agrees(store, Meter(0, quiet, never)), together}

    with monkeypatch.context() as patch:
        patch.setattr(Comparison, "_messages", refuse)
        patch.setattr(Comparison, "_puts", refuse)
        assert answers() == {True}
    sound = (tiny.work / "catalogue.sqlite").read_bytes()
    for change in CHANGES:
        with sqlite3.connect(tiny.work / "catalogue.sqlite") as db:
            assert db.execute(change).rowcount == 1
        db.close()
        assert answers() == {False}, change
        for path in tiny.work.glob("catalogue.sqlite-*"):
            path.unlink()
        (tiny.work / "catalogue.sqlite").write_bytes(sound)
    assert answers() == {True}


def test_a_moved_and_a_deleted_message_are_found_where_they_are_now(quick_path: Path) -> None:
    with Store.create(quick_path / "store", quick_path / "work", KEYS) as store:
        inbox, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(1, "Other")
        numbers = [number for at in range(3) for number in keep(store, inbox, mail(f"a {at}"), mail(f"b {at}"))]
        store.move_messages(numbers[:2], inbox, other, by="me")
        store.delete(numbers[2:3], reason="a test", by="me")
        assert agrees(store, Meter(0, quiet, never))
        with store.catalogue.transaction() as db:
            db.execute("UPDATE placement SET rank = rank + (1 << 30) WHERE number = ?", (numbers[0],))
        assert not agrees(store, Meter(0, quiet, never))


def test_a_flipped_bit_in_the_index_is_named_or_changes_nothing(tiny: Tiny) -> None:
    queries = ("report", "noise", "from:ann", "day")
    with tiny.open() as store:
        sound = [[row.number for row in store.search(query, mailboxes=None).rows] for query in queries]
        files = sorted(path for path in store.index.path.iterdir() if path.is_file() and path.stat().st_size)
    for path in files:
        for at, bit in positions(path, 4):
            other = tiny.work.with_name(f"{path.name} {at}")  # its own: tantivy tidies a little after closing
            shutil.copytree(tiny.work, other)
            with flipped(other / "index" / path.name, at, bit), tiny.open(other.name) as store:
                report = verified(store, "index")
                if not report.problems:
                    found = [[row.number for row in store.search(query, mailboxes=None).rows] for query in queries]
                    assert found == sound, f"{path.name}, byte {at}, bit {bit} goes unnoticed"
            shutil.rmtree(other, ignore_errors=True)


def test_a_journal_without_its_last_record_is_noticed_and_recovered(tiny: Tiny) -> None:
    with tiny.open() as store:
        (number,) = keep(store, store.ensure_folder(1, "Late"), mail("the last one"))
        last = list(store.journal.read(Position(), decode=False))[-1]
        before = catalogue_rows(store)
        store.catalogue.tidy()
    (path,) = (tiny.root / "journal").iterdir()
    os.truncate(path, last.start)
    with pytest.raises(Damaged):
        tiny.open()
    with tiny.open(repair=True) as store:
        assert number in named(verified(store, "journal"))
        recover.run(store, recover.plan(store))
        tiny.contents[number] = mail("the last one")
        assert not read_all(store, tiny.contents)
        assert store.row(number) is not None
        assert catalogue_rows(store)["placement"] == before["placement"]
        check_invariants(store, index=True)


@pytest.mark.parametrize("part", ["packs", "dictionaries"])
def test_a_missing_file_is_damage_with_its_messages_named(tiny: Tiny, part: str) -> None:
    path = sorted((tiny.root / part).iterdir())[0]
    path.unlink()
    with tiny.open() as store:
        unreadable = read_all(store, tiny.contents)
        assert unreadable
        with pytest.raises(Damaged):
            store.read(min(unreadable))
        assert named(verified(store, part)) == unreadable


def test_a_missing_journal_segment_is_noticed(tiny: Tiny) -> None:
    (path,) = (tiny.root / "journal").iterdir()
    path.rename(tiny.work / "kept.log")
    with pytest.raises(Damaged):
        tiny.open()
    (tiny.work / "kept.log").rename(path)
    with tiny.open() as store:
        assert not read_all(store, tiny.contents)


def test_a_damaged_entry_costs_itself_only_when_all_is_replayed_and_nothing_is_overwritten(tiny: Tiny) -> None:
    with tiny.open() as store:
        folder = store.ensure_folder(1, "Inbox")
        pack = store.catalogue.packs()[-1]
        rows = sorted(
            (row for row in store.rows(list(tiny.contents)) if row.place.pack == pack.number),
            key=lambda row: row.place.offset,
        )
        if len(rows) < 3:
            numbers = keep(store, folder, *(mail(f"more {at}") for at in range(3)))
            tiny.contents.update(zip(numbers, (mail(f"more {at}") for at in range(3)), strict=True))
            rows = [row for row in store.rows(numbers) if row.place.pack == store.catalogue.packs()[-1].number]
    first = rows[0]
    path = tiny.root / "packs" / f"{first.place.pack:08d}.pack"
    before = path.read_bytes()
    with flipped(path, first.place.offset + 1, 3):
        with tiny.open("elsewhere") as store:
            assert read_all(store, tiny.contents) == {first.number}
            (number,) = keep(store, folder, mail("after the damage"))
            assert store.read(number) == mail("after the damage")
        assert len(path.read_bytes()) >= len(before)
    assert path.read_bytes()[: len(before)] == before
    with tiny.open("elsewhere again") as store:
        assert not read_all(store, tiny.contents)


@pytest.mark.parametrize("work", ["work", "elsewhere"])
def test_recover_of_any_damaged_record_keeps_every_message_with_the_catalogue_and_without(
    tiny: Tiny, work: str
) -> None:
    with tiny.open() as store:
        records = list(store.journal.read(Position(), decode=False))
    step = 1 if THOROUGH else 4
    for damaged in records[random.randrange(step) :: step]:
        place = tiny.root.with_name(f"copy {damaged.sequence}")
        shutil.copytree(tiny.root, place / "store")
        if work == "work":
            shutil.copytree(tiny.work, place / "work")
        with (place / "store" / "journal" / "00000001.log").open("r+b") as file:
            file.seek(damaged.start + 40)
            file.write(b"XXXX")
        copied = Tiny(place / "store", place / work, tiny.contents)
        with copied.open(repair=True) as store:
            recover.run(store, recover.plan(store))
            found = {store.read(number) for number in store.catalogue.numbers()}
            last = damaged is records[-1] and work == "elsewhere"  # indistinguishable from an unfinished write
            assert set(tiny.contents.values()) <= found or last, f"record {damaged.sequence}"
            shown = {row.number for folder in store.folders() for row in store.list_folder(folder.number)}
            assert shown == set(store.catalogue.numbers()), "a message in no folder"
            unknown = [folder.mailbox for folder in store.folders() if folder.name.startswith(recover.RECOVERED)]
            assert set(unknown) <= {recover.NOBODY}, "mail of nobody known in somebody's archive"
            (number,) = keep(store, store.ensure_folder(1, "Inbox"), mail("after recovery"))
            assert store.read(number) == mail("after recovery")
            check_invariants(store, index=True)
            report = verified(store, "journal", "packs", "dictionaries", "catalogue", "index")
            assert report.ok, f"record {damaged.sequence}: {report.problems}"
            assert Counter(content for _, _, content in read_store(place / "store", master=KEYS.master)) == Counter(
                store.read(row.number) for row in store.iterate(None, mailboxes=None)
            )
        shutil.rmtree(place)


@pytest.mark.parametrize("name", ["store.json", "keys.json"])
def test_a_flipped_bit_in_the_small_files_is_refused_or_harmless(tiny: Tiny, name: str) -> None:
    path = tiny.root / name
    for at, bit in positions(path, 60):
        with flipped(path, at, bit):
            try:
                with tiny.open() as store:
                    assert not read_all(store, tiny.contents)
            except (StoreError, WrongFormat):
                continue


def test_a_store_that_was_never_there_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(WrongFormat):
        Store.open(tmp_path, tmp_path / "work", KEYS)
    with pytest.raises(NotFound), Store.create(tmp_path / "new", tmp_path / "work", KEYS) as store:
        store.read(1)
