"""Mail that comes in a rush is kept first and indexed afterwards: nothing is parsed twice, all of it is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from archive.store import Store, ingest, spill
from archive.store.indexer import Indexer
from archive.store.ingest import Ingest
from archive.store.parsing import parse
from archive.store.spill import Spill
from tests.archive.store.grounds import KEYS
from tests.archive.texts import makers

MAILS = [b"From: a@b.example\r\nSubject: lantern %d\r\n\r\nlight\r\n" % number for number in range(8)]
NEVER_S = 3_600.0


@pytest.fixture(autouse=True)
def rush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four messages are a full chunk however long they take, and a rush ends with its import: no clock decides."""
    monkeypatch.setattr(ingest, "CHUNK_MESSAGES", 4)
    for name in ("CHUNK_SECONDS", "CALM_SECONDS", "FOLLOW_SECONDS"):
        monkeypatch.setattr(ingest, name, NEVER_S)


@contextmanager
def new_store(place: Path) -> Iterator[Store]:
    with Store.create(place / "store", place / "work", KEYS) as store:
        store.train_dictionary([b"%d" % number * 400 for number in range(200)])  # so that nothing is held back for it
        yield store


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def put(running: Ingest, mails: Sequence[bytes]) -> None:
    """Keep them, and wait until all are durable."""
    for mail in mails:
        running.put("Inbox", content=mail, received_at=1_700_000_000)
    kept = 0

    def are_kept() -> bool:
        nonlocal kept
        kept += sum(1 for _ in running.outcomes())
        return kept == len(mails)

    until(are_kept)


def test_in_a_rush_mail_is_kept_first_and_found_at_the_end_without_being_read_again(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def texts(*_: object) -> NoReturn:
        raise AssertionError("what was parsed is parsed again")

    with new_store(quick_path) as store:
        with Ingest(store, 1, index="follow") as running:
            put(running, MAILS)
            monkeypatch.setattr(Store, "texts", texts)
            assert store.lag() > 0
            assert store.search("lantern", mailboxes=None).total == 0
            running.finish()
            until(lambda: running.waiting(0.1) == 0)
        assert (running.indexed, store.lag()) == (8, 0)
        assert store.search("lantern", mailboxes=None).total == 8


def test_a_rush_that_lasts_is_indexed_meanwhile(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "FOLLOW_SECONDS", 0.0)
    with new_store(quick_path) as store, Ingest(store, 1, index="follow") as running:
        put(running, MAILS)
        until(lambda: running._handed == 8)


def test_mail_that_comes_slowly_is_indexed_as_it_comes(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "CHUNK_SECONDS", 0.0)  # no chunk is full before its time
    with new_store(quick_path) as store, Ingest(store, 1, index="follow") as running:
        put(running, MAILS)
        until(lambda: running._handed == 8)


def test_what_finds_no_room_to_wait_is_read_back_from_the_packs(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "MOST_BYTES", 0)
    with new_store(quick_path) as store:
        with Ingest(store, 1, index="follow") as running:
            put(running, MAILS)
            assert running._spill is not None
            assert running._spill.messages == 0
        assert (running.indexed, store.search("lantern", mailboxes=None).total) == (8, 8)


def test_whoever_comes_after_a_rush_that_died_indexes_what_it_kept(quick_path: Path) -> None:
    with new_store(quick_path) as store:
        with pytest.raises(ZeroDivisionError), Ingest(store, 1, index="follow") as running:
            put(running, MAILS)
            raise ZeroDivisionError
        assert store.lag() > 0
        with Indexer(store) as indexer:
            indexer.advance()
        assert (store.lag(), store.search("lantern", mailboxes=None).total) == (0, 8)


def test_what_waits_comes_back_as_it_was_and_in_its_order(quick_path: Path) -> None:
    mails = [*MAILS[:2], makers.mail({"a.pdf": makers.pdf("a lynx"), "b.txt": b"an ocelot"}, subject="\udcff two")]
    texts = [each.text for each in parse(mails)]
    with closing(Spill(quick_path, most_bytes=1 << 20)) as waiting:
        assert waiting.put(7, {1: texts[0], 2: texts[1]})
        assert waiting.put(9, {5: texts[2]})
        assert waiting.messages == 3
        assert waiting.take() == (7, {1: texts[0], 2: texts[1]})
        assert waiting.take() == (9, {5: texts[2]})
        assert waiting.take() is None
    with closing(Spill(quick_path, most_bytes=1_000)) as small:
        full = 0
        while small.put(full, {1: texts[0]}):
            full += 1
        assert full > 0  # and then there was no room
        while small.take() is not None:
            pass
        assert small.put(full, {1: texts[0]})  # which there is again
