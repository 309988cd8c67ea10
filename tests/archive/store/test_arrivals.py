"""When messages were archived, by the quarter of an hour, whatever the clocks did and wherever they came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.store import Ingest, Store, journal
from tests.archive.django.factories import make_mails
from tests.archive.store.grounds import KEYS

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(quick_path: Path) -> Iterator[Store]:
    made = Store.create(quick_path / "store", quick_path / "work", KEYS)
    made.mailbox(1, "ada@example.org")
    yield made
    made.close()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal, "clock", moment.timestamp)
        yield


def keep(store: Store, moment: datetime, mails: list[bytes]) -> None:
    with at(moment), Ingest(store, 1, index="no") as ingest:
        for raw in mails:
            ingest.put("Inbox", content=raw)


def counted(store: Store, since: datetime, before: datetime) -> dict[str, int]:
    return {f"{moment:%d %H:%M}": messages for moment, (messages, _size) in store.arrived(since, before).items()}


def test_they_are_counted_by_quarters_within_the_time_asked_for(store: Store) -> None:
    mails = make_mails(20)
    for hours, some in ((0, mails[:5]), (24, mails[5:7]), (24.3, mails[7:8]), (72, mails[8:])):
        keep(store, NOON + timedelta(hours=hours), some)
    assert counted(store, NOON, NOON + timedelta(days=9)) == {
        "01 12:00": 5,
        "02 12:00": 2,
        "02 12:15": 1,
        "04 12:00": 12,
    }
    assert counted(store, NOON + timedelta(hours=1), NOON + timedelta(hours=72)) == {"02 12:00": 2, "02 12:15": 1}
    assert (
        counted(store, NOON - timedelta(days=9), NOON)
        == {}
        == counted(store, NOON + timedelta(days=9), NOON + timedelta(days=10))
    )
    sizes = store.arrived(NOON, NOON + timedelta(minutes=1)).values()
    assert [size for _messages, size in sizes] == [sum(map(len, mails[:5]))]


def test_a_clock_that_was_set_back_hides_nothing(store: Store) -> None:
    mails = make_mails(9)
    keep(store, NOON, mails[:3])
    keep(store, NOON - timedelta(hours=30), mails[3:6])
    keep(store, NOON + timedelta(minutes=20), mails[6:])
    assert counted(store, NOON, NOON + timedelta(hours=1)) == {"01 12:00": 3, "01 12:15": 3}
    assert counted(store, NOON - timedelta(hours=31), NOON) == {"28 06:00": 3}


def test_an_empty_store_and_one_that_lost_messages_are_fine(store: Store) -> None:
    assert store.arrived(NOON, NOON + timedelta(days=1)) == {}
    keep(store, NOON, make_mails(6))
    store.delete([1, 6], reason="test", by="test")
    assert counted(store, NOON, NOON + timedelta(days=1)) == {"01 12:00": 4}
