"""What folders must do in a store, whatever its bytes lie on."""

from __future__ import annotations

import contextlib

from ..errors import BadFolder, FolderTaken, NotFound
from ..ingest import Ingest
from ..operations import compact, recover, verify
from .checking import check_invariants
from .ground import Ground, refusal
from .making import bring_index, keep, mail


class FolderContract:
    """Moving, merging and removing folders."""

    def test_a_folder_keeps_its_number_and_is_found_without_indexing_when_it_is_moved(self, ground: Ground) -> None:
        with ground.open() as store:
            deep = store.ensure_folder(1, "Work/2004/Offers")
            (number,) = keep(store, deep, mail("plum"))
            bring_index(store)
            work = store.find_folder(1, "Work")
            assert store.move_folder(1, "Work", "Old/Office") == work
            assert store.find_folder(1, "Old/Office/2004/Offers") == deep
            assert store.find_folder(1, "Work") is None
            hits = store.search("plum in:Old", mailboxes={1})
            assert [row.number for row in hits.rows] == [number] and hits.total == 1
            assert store.search("plum in:Work", mailboxes={1}).total == 0
            assert store.move_folder(1, "Old/Office", "office") == work, "to the top, in other letters"
            assert store.move_folder(1, "office", "Office") == work
            check_invariants(store, index=True)

    def test_a_folder_goes_nowhere_it_cannot_lie(self, ground: Ground) -> None:
        with ground.open() as store:
            store.ensure_folder(1, "a/b")
            store.ensure_folder(1, "c")
            store.ensure_folder(2, "theirs")
            assert refusal(lambda: store.move_folder(1, "a", "a/b/a")) is BadFolder
            assert refusal(lambda: store.move_folder(1, "a", "c")) is FolderTaken
            assert refusal(lambda: store.move_folder(1, "theirs", "mine")) is NotFound
            assert refusal(lambda: store.move_folder(1, "a", "/".join("x" * 63) + "/a")) is BadFolder
            assert refusal(lambda: store.merge_folder(1, "a/b", "a", by="me")) is BadFolder
            assert store.move_folder(1, "a", " /a/ ") == store.find_folder(1, "a")
            assert [folder.path for folder in store.folders(1)] == ["a", "a/b", "c"]
            check_invariants(store)

    def test_only_empty_folders_are_removed_and_their_numbers_are_not_given_again(self, ground: Ground) -> None:
        with ground.open() as store:
            full = store.ensure_folder(1, "a/full")
            keep(store, full, mail())
            empty = [store.ensure_folder(1, path) for path in ("a/empty/deep", "b", "b/c/d")]
            every = [folder.number for folder in store.folders()]
            removed = store.remove_folders(every)
            assert set(empty) <= set(removed) and store.remove_folders(every) == []
            assert [folder.path for folder in store.folders(1)] == ["a", "a/full"]
            again = store.ensure_folder(1, "b")
            assert again > max(every)
            assert store.remove_folders([store.find_folder(1, "a") or 0]) == [], "something lies below it"
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store)).ok

    def test_mail_for_a_folder_that_was_removed_meanwhile_makes_it_again(self, ground: Ground) -> None:
        with ground.open() as store:
            with Ingest(store, 1) as ingest:
                ingest.put("Inbox/New", content=mail("first"))
                first = store.find_folder(1, "Inbox/New") or 0
                assert store.remove_folders([first, store.find_folder(1, "Inbox") or 0])
                ingest.put("Inbox/New", content=mail("second"))
            assert [(one.path, one.messages) for one in store.folders(1)] == [("Inbox", 0), ("Inbox/New", 2)]
            assert store.search("", mailboxes={1}, folders={store.find_folder(1, "Inbox/New") or 0}).total == 2
            check_invariants(store, index=True)

    def test_messages_move_between_folders_and_are_never_in_none(self, ground: Ground) -> None:
        with ground.open() as store:
            source, target = store.ensure_folder(1, "a"), store.ensure_folder(1, "b")
            numbers = keep(store, source, mail("one"), mail("two"), mail("three"))
            keep(store, target, mail("two"))
            assert store.move_messages(numbers[:2], source, target, by="me") == 2
            assert store.move_messages(numbers[:2], source, target, by="me") == 0
            bring_index(store)
            assert store.search("", mailboxes={1}, folders={target}).total == 2
            assert store.search("three in:a", mailboxes={1}).total == 1
            theirs = store.ensure_folder(2, "a")
            assert refusal(lambda: store.move_messages(numbers, source, theirs, by="me")) is NotFound
            assert compact.run(store, compact.plan(store)).ok
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store)).ok

    def test_merging_unites_folders_of_the_same_name_below(self, ground: Ground) -> None:
        with ground.open() as store:
            for path in ("a", "a/x", "a/y", "b/x"):
                keep(store, store.ensure_folder(1, path), mail(f"of {path}"), mail(f"more of {path}"))
            kept = store.find_folder(1, "a/y")
            assert store.merge_folder(1, "a", "b", by="me") == 4
            assert [(one.path, one.messages) for one in store.folders(1)] == [("b", 2), ("b/x", 4), ("b/y", 2)]
            assert store.find_folder(1, "b/y") == kept, "what had no counterpart went as a whole"
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store, deep=True)).ok

    def test_what_was_deleted_comes_back_into_a_folder_that_was_removed(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "was/here")
            numbers = keep(store, folder, mail("gone"), mail("moved"))
            store.move_messages(numbers[1:], folder, store.ensure_folder(1, "there"), by="me")
            store.delete(numbers[:1], reason="a test", by="me")
            store.move_folder(1, "was", "were")
            store.remove_folders([one.number for one in store.folders()])
            assert recover.run(store, recover.plan(store, deleted=True)).numbers["restored"] == 1
            counts = {one.path: one.messages for one in store.folders(1)}
            assert counts == {"there": 1, "were": 0, "were/here": 1}
            check_invariants(store, index=True)

    def test_sums_tell_what_lies_in_folders(self, ground: Ground) -> None:
        with ground.open() as store:
            one, other = store.ensure_folder(1, "a"), store.ensure_folder(1, "a/b")
            contents = [mail("x", date="1 Jan 2004 10:00:00 +0000"), mail("y", date="3 Jan 2004 10:00:00 +0000")]
            keep(store, one, *contents)
            found = store.catalogue.folder_sums([one, other])
            assert other not in found
            assert (found[one].messages, found[one].size_bytes) == (2, sum(map(len, contents)))
            assert found[one].oldest == 1072951200 and found[one].newest == 1072951200 + 2 * 86400

    def test_names_are_composed(self, ground: Ground) -> None:
        with ground.open() as store:
            assert store.ensure_folder(1, "Gro\u0308ße") == store.ensure_folder(1, "Größe")
            with contextlib.suppress(ValueError):
                store.move_folder(1, "Größe", " / ")
                raise AssertionError("a folder without a name")
