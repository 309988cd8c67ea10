"""What a store must do, whatever its bytes lie on."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from datetime import UTC, datetime
from io import BytesIO

from ..adding import EARLIEST, LATEST
from ..codec import FRAME_BYTES
from ..errors import NotFound, ReadOnly, Stopped
from ..ingest import Ingest
from ..operations import verify
from ..operations.report import Meter, never, quiet
from ..operations.verify_catalogue import agrees
from ..paths import MOST_FOLDERS_DEEP
from .checking import catalogue_rows, check_invariants
from .ground import Ground, refusal
from .making import bring_index, incoming, keep, mail

ODD_CONTENTS = {
    "empty": b"",
    "one byte": b"x",
    "one newline": b"\n",
    "NULs": bytes(5000),
    "every byte": bytes(range(256)) * 3,
    "invalid UTF-8": b"Subject: \xff\xfe\xc3\x28\r\n\r\n\xe2\x28\xa1\xed\xa0\x80",
    "bare CRs": b"Subject: x\r\r\r\n\r\ny\r",
    "a frame less one": mail("less one").ljust(FRAME_BYTES - 1, b"-"),
    "a frame": mail("exactly").ljust(FRAME_BYTES, b"+"),
    "a frame and one": mail("and one").ljust(FRAME_BYTES + 1, b"*"),
}


class StoreContract:
    """What a store does, whatever its bytes lie on."""

    def test_what_comes_in_comes_out_byte_for_byte(self, ground: Ground) -> None:
        contents = list(ODD_CONTENTS.values())
        with ground.open() as store:
            numbers = keep(store, store.ensure_folder(1, "Inbox"), *contents)
            assert [store.read(number) for number in numbers] == contents
        with ground.open() as store:
            assert [b"".join(store.stream(number)) for number in numbers] == contents
            assert [row.size for row in store.rows(numbers)] == [len(content) for content in contents]

    def test_a_large_message_is_kept_whole_and_indexed_in_part(self, ground: Ground) -> None:
        line = b"padding padding padding padding padding padding padding padding\r\n"
        content = mail("large one", "beginning") + line * ((33 << 20) // len(line)) + b"theveryend\r\n"
        with ground.open() as store:
            with Ingest(store, 1) as ingest:
                ingest.put("Inbox", spool=BytesIO(content))
            (outcome,) = ingest.outcomes()
            row = store.row(outcome.number)
            assert row is not None and row.partial and row.size == len(content)
            assert store.read(outcome.number) == content
            assert store.search("beginning", mailboxes={1}).total == 1
            assert store.search("theveryend", mailboxes={1}).total == 0

    def test_the_same_content_in_the_same_folder_is_a_duplicate(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            batch = [incoming(store, mail(), folder), incoming(store, mail(), folder)]
            first, second = store.add(batch)
            (third,) = store.add(batch[:1])
            assert [first.duplicate, second.duplicate, third.duplicate] == [False, True, True]
            assert first.number == second.number == third.number
            assert store.facts().messages == 1

    def test_the_same_content_in_two_folders_and_mailboxes_is_kept_once(self, ground: Ground) -> None:
        with ground.open() as store:
            folders = [
                store.ensure_folder(1, "Inbox"),
                store.ensure_folder(1, "Other"),
                store.ensure_folder(2, "Inbox"),
            ]
            added = [store.add([incoming(store, mail(), folder)])[0] for folder in folders]
            assert {one.number for one in added} == {added[0].number}
            assert not any(one.duplicate for one in added)
            row = store.row(added[0].number)
            assert row is not None
            assert row.placements == [(folders[0], 1), (folders[1], 1), (folders[2], 2)]
            assert (store.facts().messages, store.facts().raw_bytes) == (1, len(mail()))
            assert [folder.messages for folder in store.folders()] == [1, 1, 1]

    def test_deleting_one_placement_leaves_the_others(self, ground: Ground) -> None:
        with ground.open() as store:
            inbox, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Inbox")
            (number,) = keep(store, inbox, mail())
            keep(store, other, mail())
            assert store.delete([number], folder=inbox, reason="a test", by="me") == 1
            assert store.delete([number], folder=inbox, reason="a test", by="me") == 0
            row = store.row(number)
            assert row is not None and row.placements == [(other, 2)]
            assert store.read(number) == mail()
            assert store.delete([number], folder=other, reason="a test", by="me") == 1
            assert store.row(number) is None
            check_invariants(store)

    def test_a_deleted_message_is_gone_and_gets_a_new_number_when_it_comes_again(self, ground: Ground) -> None:
        with ground.open() as store:
            inbox, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(1, "Other")
            (number,) = keep(store, inbox, mail())
            keep(store, other, mail())
            assert store.delete([number, 999], reason="a test", by="me") == 1
            assert store.row(number) is None
            assert refusal(lambda: store.read(number)) is NotFound
            (again,) = store.add([incoming(store, mail(), inbox)])
            assert (again.number > number, again.duplicate) == (True, False)
            assert store.read(again.number) == mail()
            check_invariants(store, index=True)

    def test_a_content_whose_deletion_the_journal_lost_takes_the_place_of_what_was_there(self, ground: Ground) -> None:
        with ground.open() as store:
            folder, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(1, "Other")
            (old,) = keep(store, folder, mail("again"))
            digests = [hashlib.sha256(mail(text)).hexdigest() for text in ("new", "again", "last")]
            new = range(old + 1, old + 4)
            said = [["msg", number, digest, 9, 0] for number, digest in zip(new, digests, strict=True)]
            with store.writer_lease():  # as a replay of what recover has saved
                store.commit([*said, ["put", other, old], *(["put", folder, number] for number in new)])
            assert list(store.catalogue.numbers()) == list(new)
            assert sorted(store.catalogue.numbers_in(folder)) == list(new)
            assert {each.name: each.messages for each in store.folders(1)} == {"Inbox": 3, "Other": 0}

    def test_a_deletion_needs_a_reason(self, ground: Ground) -> None:
        with ground.open() as store:
            (number,) = keep(store, store.ensure_folder(1, "Inbox"), mail())
            with contextlib.suppress(ValueError):
                store.delete([number], reason="  ", by="me")
                raise AssertionError("deleted without a reason")
            assert store.row(number) is not None

    def test_folders_are_made_with_their_parents_once_per_mailbox(self, ground: Ground) -> None:
        with ground.open() as store:
            deep = store.ensure_folder(1, "a/b/c")
            assert store.ensure_folder(1, "/a// b /c/") == deep
            assert store.ensure_folder(2, "a/b/c") != deep
            assert [folder.path for folder in store.folders(1)] == ["a", "a/b", "a/b/c"]
            assert store.find_folder(1, "a/x") is None
            check_invariants(store)

    def test_odd_folder_names_are_tamed_and_never_lost(self, ground: Ground) -> None:
        with ground.open() as store:
            for path in ("a\0b", "Ünï/\u202ecode", "x" * 1000, "a/" * 3000, "..", "\udcff!"):
                number = store.ensure_folder(1, path)
                assert store.ensure_folder(1, path) == number
            assert max(folder.path.count("/") for folder in store.folders()) == MOST_FOLDERS_DEEP - 1
            for path in ("", "/", " / ", "\x00/\x07"):
                with contextlib.suppress(ValueError):
                    store.ensure_folder(1, path)
                    raise AssertionError(f"{path!r} is no folder")
            check_invariants(store)

    def test_pages_of_a_folder_follow_date_and_number_without_gap_or_overlap(self, ground: Ground) -> None:
        dates = [5, 3, 3, 9, -7, 3, 10**9, 0, 10**9, 4, 5]
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            batch = [incoming(store, mail(f"m{at}"), folder, date=date) for at, date in enumerate(dates)]
            numbers = [one.number for one in store.add(batch)]
            wanted = [number for _, number in sorted(zip(dates, numbers, strict=True), reverse=True)]
            down: list[int] = []
            before: int | None = None
            while page := store.list_folder(folder, before=before, limit=3):
                down += [row.number for row in page]
                before = page[-1].rank
            assert down == wanted
            up: list[int] = []
            after = -1
            while page := store.list_folder(folder, after=after, limit=4):
                up = [row.number for row in page] + up
                after = page[0].rank
            assert up == wanted
            assert [row.number for row in store.iterate(None, mailboxes={1}, folder=folder)] == wanted[::-1]

    def test_dates_far_out_of_range_are_bounded_and_keep_their_order(self, ground: Ground) -> None:
        dates = [-(2**70), EARLIEST, -(2**40), 0, 2**33, LATEST, 2**70]
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            batch = [incoming(store, mail(f"m{at}"), folder, date=date) for at, date in enumerate(dates)]
            numbers = [one.number for one in store.add(batch)]
            assert [row.number for row in store.list_folder(folder)] == numbers[::-1]
            assert all(datetime.fromtimestamp(row.date, UTC) for row in store.rows(numbers))
            check_invariants(store, index=True)
            assert [row.number for row in store.search("text", mailboxes={1}).rows] == numbers[::-1]

    def test_search_sees_only_what_may_be_seen_and_counts_exactly(self, ground: Ground) -> None:
        with ground.open() as store:
            mine, theirs, other = (store.ensure_folder(*where) for where in ((1, "In"), (2, "In"), (1, "Other")))
            store.mailbox(1, "me@example.org")
            for at in range(5):
                keep(store, mine, mail(f"mine {at}", "pear"))
            for at in range(7):
                keep(store, theirs, mail(f"theirs {at}", "pear"))
            shared = keep(store, other, mail("shared", "pear"))
            keep(store, theirs, mail("shared", "pear"))
            bring_index(store)

            def total(mailboxes: set[int] | None, folders: set[int] | None = None, query: str = "pear") -> int:
                hits = store.search(query, mailboxes=mailboxes, folders=folders)
                assert len(hits.rows) == hits.total
                return hits.total

            assert (total({1}), total({2}), total({1, 2}), total(None)) == (6, 8, 13, 13)
            assert (total({3}), total(set()), total({1}, set())) == (0, 0, 0)
            assert (total({1}, {mine}), total({1}, {mine, other}), total(None, {theirs})) == (5, 6, 8)
            assert total({1}, {theirs}) == 0, "a shared message counted through another's folder"
            assert (total({1}, query="pear in:In"), total({2}, query="pear in:Other")) == (5, 0)
            store.delete(shared, folder=other, reason="a test", by="me")
            assert not any(row.number in shared for row in store.search("pear", mailboxes={1}).rows)
            bring_index(store)
            assert (total({1}), total({2})) == (5, 8)

    def test_search_pages_show_each_hit_once_newest_first(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            batch = [incoming(store, mail(f"fig {at}"), folder, date=at % 4) for at in range(23)]
            numbers = [one.number for one in store.add(batch)]
            bring_index(store)
            wanted = [n for _, n in sorted(((at % 4, n) for at, n in enumerate(numbers)), reverse=True)]
            seen: list[int] = []
            before: int | None = None
            while page := store.search("fig", mailboxes={1}, limit=5, before=before):
                assert page.total == 23
                if page.last is None:
                    break
                seen += [row.number for row in page.rows]
                before = page.last
            assert seen == wanted
            assert [row.number for row in store.iterate("fig", mailboxes={1})] == wanted
            # What was deleted a moment ago is left out, and nothing else with it.
            store.delete(wanted[:15], reason="a test", by="me")
            assert [row.number for row in store.iterate("fig", mailboxes={1})] == wanted[15:]

    def test_packs_are_sealed_at_their_size_and_all_stays_readable(self, ground: Ground) -> None:
        contents = [mail(f"m{at}", hashlib.sha512(b"%d" % at).hexdigest() * 4) for at in range(40)]
        with ground.open(pack_bytes=2000) as store:
            folder = store.ensure_folder(1, "Inbox")
            numbers = [number for content in contents for number in keep(store, folder, content)]
            packs = store.catalogue.packs()
            assert len(packs) > 3, "too few to show anything"
            assert [pack.sealed for pack in packs] == [True] * (len(packs) - 1) + [False]
            check_invariants(store)
        with ground.open("elsewhere", pack_bytes=2000) as store:
            assert [store.read(number) for number in numbers] == contents

    def test_messages_compressed_with_a_dictionary_are_read_after_reopening(self, ground: Ground) -> None:
        contents = [mail(f"report {at}", f"All {at} machines of hall {at % 7} are well.\r\n" * 3) for at in range(400)]
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            plain = keep(store, folder, *contents[:50])
            store.train_dictionary(contents)
            squeezed = keep(store, folder, *contents[50:100])
            assert store.current_dictionary() == 1
        with ground.open("elsewhere") as store:
            assert [store.read(number) for number in plain + squeezed] == contents[:100]
            check_invariants(store)

    def test_a_bulk_import_tells_of_each_message_and_is_found(self, ground: Ground) -> None:
        contents = [mail(f"bulk {at}", f"word{at}") for at in range(300)]
        with ground.open() as store:
            with Ingest(store, 1) as ingest:
                for at, content in enumerate([*contents, contents[0]]):
                    ingest.put(f"Folder {at % 3}", content=content, token=at)
            outcomes = list(ingest.outcomes())
            assert [one.token for one in outcomes] == list(range(301))
            assert [one.state for one in outcomes] == ["archived"] * 300 + ["duplicate"]
            assert ingest.indexed == 300
            assert store.search("word17", mailboxes={1}).total == 1
            assert [store.read(one.number) for one in outcomes[:300]] == contents
            check_invariants(store, index=True)

    def test_a_second_opener_sees_what_the_first_one_writes_and_both_write(self, ground: Ground) -> None:
        with ground.open() as first, ground.open() as second, ground.open("elsewhere") as third:
            folder = first.ensure_folder(1, "Inbox")
            (one,) = keep(first, folder, mail("one"))
            assert second.read(one) == mail("one")
            (two,) = keep(second, folder, mail("two"))
            (three,) = keep(third, folder, mail("three"))
            first.refresh()
            assert [first.read(number) for number in (one, two, three)] == [mail("one"), mail("two"), mail("three")]
            assert {one, two, three} == set(first.catalogue.numbers())
            first.delete([one], reason="a test", by="me")
            third.refresh()
            assert third.row(one) is None
            check_invariants(third)
            check_invariants(second)

    def test_a_store_open_for_reading_refuses_to_write_and_reads(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            (number,) = keep(store, folder, mail())
        with ground.open("elsewhere", read_only=True) as store:
            assert store.read(number) == mail()
            assert refusal(lambda: keep(store, folder, mail("another"))) is ReadOnly
            assert refusal(lambda: store.delete([number], reason="a test", by="me")) is ReadOnly

    def test_a_mailbox_is_known_by_its_present_label(self, ground: Ground) -> None:
        with ground.open() as store:
            store.mailbox(7, "old@example.org")
            store.mailbox(7, "new@example.org")
            end = store.facts().journal_end
            store.mailbox(7, "new@example.org")
            assert store.facts().journal_end == end
            store.mailbox(8, "odd\udcff\n@example.org")
            assert store.catalogue.mailboxes()[7] == "new@example.org"
            check_invariants(store)

    def test_the_proof_of_a_message_is_verified_by_journal_and_content(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            numbers = keep(store, folder, mail("one"), mail("two"))
            proof = store.proof(numbers[1])
            assert (proof.verified, proof.reason) == (True, "")
            assert proof.sha256 == hashlib.sha256(mail("two")).hexdigest()
            assert len(proof.journal_hash) == 64
            assert store.proof(numbers[0]).journal_hash == proof.journal_hash

    def test_nothing_of_a_message_is_readable_in_packs_journal_and_dictionaries(self, ground: Ground) -> None:
        secrets = (b"quixotic", b"Ann.Secret", b"zebra", b"Hidden Folder", b"owner@example.org")
        contents = [mail(f"quixotic {at}", "zebra " * 9, sender="Ann.Secret@example.org") for at in range(300)]
        with ground.open() as store:
            store.mailbox(1, "owner@example.org")
            folder = store.ensure_folder(1, "Hidden Folder")
            store.train_dictionary(contents)
            keep(store, folder, *contents[:20])
            backend = store.backend
            names = [name for where in ("journal", "packs", "dictionaries") for name in backend.names(where)]
            kept = b"".join(backend.read(name, 0, backend.size(name)) for name in names)
            assert not [secret for secret in secrets if secret in kept]

    def test_a_torn_last_write_in_pack_and_journal_is_forgotten_by_the_next_writer(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            (one,) = keep(store, folder, mail("one"))
        backend = ground.backend()
        for name in [*backend.names("packs"), *backend.names("journal")]:
            size = backend.size(name)
            torn = backend.read(name, max(size - 200, 0), 150)
            writer = backend.append(name, size)
            writer.write(torn)
            writer.close()
        with ground.open() as store, ground.open("elsewhere") as other:
            for opened in (store, other):
                assert opened.read(one) == mail("one")
            (two,) = keep(store, folder, mail("two"))
            other.refresh()
            assert other.read(two) == mail("two")
            check_invariants(store, index=True)

    def test_a_catalogue_that_was_lost_is_replayed_to_the_same_rows(self, ground: Ground) -> None:
        with ground.open(pack_bytes=3000) as store:
            store.mailbox(1, "a@example.org")
            folders = [store.ensure_folder(1, path) for path in ("a", "a/b", "c")]
            for at in range(20):
                numbers = keep(store, folders[at % 3], *(mail(f"m{at} {n}", "text " * n * 10) for n in range(5)))
                store.delete(numbers[: at % 3], reason="a test", by="me")
            bring_index(store)
            before = catalogue_rows(store)
            totals = [store.search(query, mailboxes=None).total for query in ("m1", "text", "in:c", "from:ann")]
        ground.lose_projections()
        with ground.open("elsewhere", pack_bytes=3000) as store:
            assert catalogue_rows(store) == before
            bring_index(store)
            assert [store.search(q, mailboxes=None).total for q in ("m1", "text", "in:c", "from:ann")] == totals

    def test_the_quick_look_at_a_catalogue_believes_every_sound_one(self, ground: Ground) -> None:
        """Placements before, with and after their message; removed here and there, and put back."""
        with ground.open(pack_bytes=3000) as store:
            inbox, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Inbox")
            for at in range(12):
                numbers = keep(store, inbox, *(mail(f"m{at} {n}", "text " * n * 10) for n in range(5)))
                keep(store, other, mail(f"m{at} 1", "text " * 10), mail(f"m{at} 2", "text " * 20))
                store.delete(numbers[:1], reason="a test", by="me")
                store.delete(numbers[1:3], folder=inbox, reason="a test", by="me")
                keep(store, inbox, mail(f"m{at} 1", "text " * 10), mail(f"m{at} 0"))
                store.delete(numbers[2:3], folder=other, reason="a test", by="me")
            store.mailbox(1, "a@example.org")
            assert agrees(store, Meter(0, quiet, never))
            check_invariants(store)
            row = store.rows(list(store.catalogue.numbers()))[20]
            for change in ("subject = 'x'", "date = date + 1", '"offset" = "offset" + 1', "flags = flags + 1"):
                (was,) = store.catalogue.reader.execute("SELECT * FROM message WHERE number = ?", (row.number,))
                store.catalogue.reader.execute(f"UPDATE message SET {change} WHERE number = ?", (row.number,))  # noqa: S608
                assert not agrees(store, Meter(0, quiet, never)), change
                marks = ",".join("?" * len(was))
                store.catalogue.reader.execute("DELETE FROM message WHERE number = ?", (row.number,))
                store.catalogue.reader.execute(f"INSERT INTO message VALUES({marks})", was)
            store.catalogue.reader.execute("DELETE FROM placement WHERE number = ?", (row.number,))
            assert not agrees(store, Meter(0, quiet, never))

    def test_a_verification_that_was_stopped_goes_on_where_it_was(self, ground: Ground) -> None:
        contents = [mail(f"m{at}", hashlib.sha512(b"%d" % at).hexdigest() * 4) for at in range(40)]
        with ground.open(pack_bytes=2000) as store:
            folder = store.ensure_folder(1, "Inbox")
            for content in contents:
                keep(store, folder, content)
            bring_index(store)
            looked: list[str] = []

            def progress(done: int, total: int, note: str) -> None:
                looked.append(note)

            with contextlib.suppress(Stopped):
                verify.run(store, verify.plan(store), progress, lambda: looked.count("pack 3") > 0)
                raise AssertionError("it was not stopped")
            assert verify.plan(store).numbers["goes_on"] == 1
            before = set(looked)
            looked.clear()
            report = verify.run(store, verify.plan(store), progress)
            assert report.ok and report.numbers["packs"] == len(store.catalogue.packs())
            assert not {note for note in before if note.startswith("journal")} & set(looked)
            assert verify.plan(store).numbers["goes_on"] == 0
            looked.clear()
            verify.run(store, verify.plan(store), progress)
            assert "pack 1" in looked and "journal" in looked, "a new round looks at everything"

    def test_threads_that_come_and_go_leave_nothing_open(self, ground: Ground) -> None:
        with ground.open() as store:
            (number,) = keep(store, store.ensure_folder(1, "Inbox"), mail())
            for _ in range(5):
                threads = [threading.Thread(target=store.read, args=(number,)) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            assert store.catalogue.connections() <= 5
