"""Several stores searched as one: the same total, order and pages as one store of all of it."""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from archive.store import Store
from archive.store.contract import bring_index, incoming, mail
from archive.store.several import Part, Place, Together, Wanted, search_several

from .grounds import KEYS


@pytest.fixture
def parts(quick_path: Path) -> list[Part]:
    """Three stores of 40 messages on few dates, so that many stand on the same second."""
    chance = random.Random(4)
    with ExitStack() as stack:
        made = []
        for key in (3, 5, 9):
            place = quick_path / str(key)
            store = stack.enter_context(Store.create(place / "store", place / "work", KEYS))
            folder, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Inbox")
            batch = [
                incoming(store, mail(f"pear {key} {at}"), other if at % 4 == 3 else folder, date=chance.randrange(9))
                for at in range(40)
            ]
            store.add(batch)
            bring_index(store)
            made.append(Part(key, store))
        stack.pop_all()
        return made


def order(found: Together) -> list[tuple[int, int, int]]:
    return [(row.date, key, row.number) for key, row in found.lines]


def test_pages_forwards_and_backwards_are_the_whole_in_order(parts: list[Part]) -> None:
    whole = search_several(parts, "pear", {1}, Wanted(limit=200))
    assert whole.total == 90 and order(whole) == sorted(order(whole), reverse=True)
    seen: list[tuple[int, int, int]] = []
    before: Place | None = None
    while True:
        page = search_several(parts, "pear", {1}, Wanted(limit=7, before=before))
        assert page.total == 90
        seen += order(page)
        if page.older is None:
            break
        before = page.older
    assert seen == order(whole)
    back: list[tuple[int, int, int]] = []
    after: Place | None = before
    while after is not None:
        page = search_several(parts, "pear", {1}, Wanted(limit=7, after=after))
        back = order(page) + back
        after = page.newer
    assert back == seen[: len(back)] and len(back) >= 90 - 14


def test_a_page_above_the_oldest_moment_there_can_be_begins_at_the_oldest_message(parts: list[Part]) -> None:
    whole = search_several(parts, "pear", None, Wanted(limit=200))
    page = search_several(parts, "pear", None, Wanted(limit=50, after=Place(1, 3)))
    assert page.total == 120 and order(page) == order(whole)[-50:]


def test_relevance_goes_on_behind_the_page_before(parts: list[Part]) -> None:
    pages = [search_several(parts, "pear", None, Wanted(limit=50, offset=at, order="relevance")) for at in (0, 50, 100)]
    lines = [(key, row.number) for page in pages for key, row in page.lines]
    assert len(lines) == len(set(lines)) == pages[0].total == 120


def test_relevance_is_store_after_store_and_each_page_a_piece_of_it(parts: list[Part]) -> None:
    whole = search_several(parts, "pear", {1}, Wanted(limit=200, order="relevance"))
    each = [row.number for part in parts for row in part.store.search("pear", mailboxes={1}, order="relevance").rows]
    assert [row.number for _key, row in whole.lines] == each and whole.total == len(each) == 90
    for at in range(0, 100, 7):
        page = search_several(parts, "pear", {1}, Wanted(limit=7, offset=at, order="relevance"))
        assert (page.total, page.lines) == (90, whole.lines[at : at + 7])


def test_a_folder_that_has_another_number_in_each_store_is_found_in_each(parts: list[Part]) -> None:
    for at, part in enumerate(parts):
        for other in range(at):
            part.store.ensure_folder(1, f"Other {other}")
        folder = part.store.ensure_folder(1, "Pears")
        part.store.move_messages([1, 2], part.store.ensure_folder(1, "Inbox"), folder, by="me")
        bring_index(part.store)
    for query in ("in:Pears", "pear in:Pears", "-(in:Inbox OR apple)", "(in:Pears OR apple) pea*"):
        found = search_several(parts, query, {1}, Wanted())
        assert found.total == 6 and {(key, row.number) for key, row in found.lines} == {
            (part.key, number) for part in parts for number in (1, 2)
        }


def test_whose_a_store_is_is_asked_again_once_another_has_mail_in_it(quick_path: Path) -> None:
    with Store.create(quick_path / "store", quick_path / "work", KEYS) as store:
        store.add([incoming(store, mail("pear one"), store.ensure_folder(1, "Inbox"))])
        bring_index(store)
        assert store.search("pear", mailboxes={1}).total == 1
        store.add([incoming(store, mail("pear two"), store.ensure_folder(2, "Inbox"))])
        bring_index(store)
        assert [store.search("pear", mailboxes={mailbox}).total for mailbox in (1, 2)] == [1, 1]


def test_what_was_deleted_a_moment_ago_is_left_out_and_the_next_page_begins_where_it_should(parts: list[Part]) -> None:
    first = search_several(parts, "pear", {1}, Wanted(limit=10))
    key, row = first.lines[-1]
    next(part for part in parts if part.key == key).store.delete([row.number], reason="a test", by="me")
    again = search_several(parts, "pear", {1}, Wanted(limit=10))
    assert len(again.lines) == 9 and again.older == first.older
