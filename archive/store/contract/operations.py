"""What the operations must do, whatever a store's bytes lie on."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter

from ..errors import NotFound, ReadOnly, Stopped, WrongFormat
from ..operations import attach, compact, leftovers, merge, rebuild_index, recover, repair, statistics, verify
from ..store import Store
from .checking import catalogue_rows, check_invariants
from .ground import Ground, refusal
from .making import bring_index, incoming, keep, mail

Shown = Counter[tuple[int, str, str]]


def shown(store: Store) -> Shown:
    """Who has which message where: (mailbox, folder, hash), counted."""
    paths = {folder.number: (folder.mailbox, folder.path) for folder in store.folders()}
    rows = store.rows(list(store.catalogue.numbers()))
    return Counter((*paths[folder], row.sha256) for row in rows for folder, _ in row.placements)


def filled(store: Store, name: str, *, mailboxes: tuple[int, ...] = (1, 2), count: int = 30) -> list[bytes]:
    """Messages in several folders and mailboxes, some in two, some deleted, half compressed with a dictionary."""
    contents = [mail(f"{name} {at}", f"The {name} of day {at} of year {at % 7}.\r\n" * 4) for at in range(count)]
    for mailbox in mailboxes:
        store.mailbox(mailbox, f"{mailbox}@example.org")
    for at, content in enumerate(contents):
        if at == count // 2:
            store.train_dictionary([mail(f"sample {n}", f"The {name} of day {n}.\r\n" * 9) for n in range(80)])
        folder = store.ensure_folder(mailboxes[at % len(mailboxes)], ("Inbox", "Inbox/Deep", "Sent")[at % 3])
        numbers = keep(store, folder, content)
        if at % 5 == 0:
            keep(store, store.ensure_folder(mailboxes[0], "Both"), content)
        if at % 11 == 3:
            store.delete(numbers, reason="a test", by="me")
    return contents


class OperationContract:
    """Two stores meet in `merge`: one of the ground, one of `another`, a ground of the same kind elsewhere."""

    def test_a_merge_brings_every_message_to_its_owner_and_folder(self, ground: Ground, another: Ground) -> None:
        with ground.open(pack_bytes=3000) as store, another.open(pack_bytes=3000) as source:
            filled(store, "mine")
            filled(source, "theirs", mailboxes=(2, 3))
            same = mail("the same in both")
            keep(store, store.ensure_folder(1, "Inbox"), same)
            keep(source, source.ensure_folder(3, "Inbox"), same)
            wanted, before = shown(store) + shown(source), shown(source)
            kept_since = {row.sha256: row.archived_ms for row in source.rows(list(source.catalogue.numbers()))}
            plan = merge.plan(store, source)
            assert plan.numbers["messages"] == source.catalogue.counter("messages")
            report = merge.run(store, source, plan)
            assert report.ok and report.numbers["known_already"] == 1
            assert shown(store) == wanted and shown(source) == before
            rows = store.rows(list(store.catalogue.numbers()))
            assert {row.sha256: row.archived_ms for row in rows}.items() >= {
                digest: since for digest, since in kept_since.items() if digest != hashlib.sha256(same).hexdigest()
            }.items()
            assert store.catalogue.merged()[source.identity].done
            assert merge.plan(store, source).numbers["messages"] == 0
            assert merge.run(store, source, merge.plan(store, source)).numbers["messages"] == 0
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store)).ok
            assert (
                store.search("theirs", mailboxes={3}).total == sum(1 for box, _, _ in before if box == 3) - 1
            )  # without the one whose subject is another

    def test_a_merge_that_was_stopped_goes_on_after_its_last_batch(self, ground: Ground, another: Ground) -> None:
        with ground.open() as store, another.open() as source:
            contents = [mail(f"m{at}", "text") for at in range(700)]
            folder = source.ensure_folder(1, "Inbox")
            for at in range(0, 700, 100):
                keep(source, folder, *contents[at : at + 100])
            calls: list[int] = []

            def progress(done: int, total: int, note: str) -> None:
                calls.append(done)

            with contextlib.suppress(Stopped):
                merge.run(store, source, merge.plan(store, source), progress, lambda: bool(calls))
                raise AssertionError("it was not stopped")
            check_invariants(store)
            done = store.catalogue.counter("messages")
            assert 0 < done < 700
            plan = merge.plan(store, source)
            assert plan.numbers["messages_done"] == done
            assert merge.run(store, source, plan).numbers["messages"] == 700 - done
            assert shown(store) == shown(source)
            check_invariants(store)

    def test_a_store_is_not_merged_into_itself(self, ground: Ground) -> None:
        with ground.open() as store, ground.open("elsewhere") as same:
            assert refusal(lambda: merge.plan(store, same)) is WrongFormat

    def test_a_merge_of_a_store_that_is_written_meanwhile_says_so(self, ground: Ground, another: Ground) -> None:
        with ground.open() as store, another.open() as source, another.open("beside") as writer:
            keep(source, source.ensure_folder(1, "Inbox"), mail("one"))

            def progress(done: int, total: int, note: str) -> None:
                writer.refresh()
                keep(writer, writer.ensure_folder(1, "Inbox"), mail(f"late {done}"))

            report = merge.run(store, source, merge.plan(store, source), progress)
            assert not report.ok and not store.catalogue.merged()[source.identity].done
            assert merge.run(store, source, merge.plan(store, source)).ok
            assert shown(store) == shown(source)

    def test_deleted_messages_come_back_while_their_bytes_lie_there(self, ground: Ground) -> None:
        with ground.open(pack_bytes=3000) as store:
            inbox, other = store.ensure_folder(1, "Inbox"), store.ensure_folder(2, "Inbox")
            contents = [mail(f"m{at}", hashlib.sha512(b"%d" % at).hexdigest()) for at in range(20)]
            numbers = keep(store, inbox, *contents)
            keep(store, other, contents[3])
            before = shown(store)
            store.delete(numbers[:6], reason="a test", by="me")
            assert recover.plan(store, deleted=True).numbers["deleted_so_far"] == 6
            assert recover.run(store, recover.plan(store)).ok
            assert shown(store) != before
            report = recover.run(store, recover.plan(store, deleted=True))
            assert report.numbers["restored"] == 6
            assert shown(store) == before
            assert {store.read(number) for number in store.catalogue.numbers()} == set(contents)
            assert not set(numbers[:6]) & set(store.catalogue.numbers()), "a number was given twice"
            check_invariants(store, index=True)
            assert recover.run(store, recover.plan(store, deleted=True)).numbers["restored"] == 0
            store.delete(list(store.catalogue.numbers())[:4], reason="a test", by="me")
            compact.run(store, compact.plan(store))
            gone = recover.run(store, recover.plan(store, deleted=True))
            assert gone.numbers["restored"] == 0, "compaction drops what recover could bring back"
            assert leftovers.count(store) > 0

    def test_a_write_protected_store_is_read_searched_and_verified_and_never_written(self, ground: Ground) -> None:
        with ground.open() as store, ground.open() as beside:
            folder = store.ensure_folder(1, "Inbox")
            (number,) = keep(store, folder, mail("kept"))
            bring_index(store)
            store.protect(True)
            for one in (store, beside):
                assert refusal(lambda one=one: keep(one, folder, mail("refused"))) is ReadOnly  # type: ignore[misc]
                assert refusal(lambda one=one: one.delete([number], reason="no", by="me")) is ReadOnly  # type: ignore[misc]
                assert refusal(lambda one=one: one.mailbox(1, "new@example.org")) is ReadOnly  # type: ignore[misc]
                assert refusal(lambda one=one: compact.run(one, compact.plan(one))) is ReadOnly  # type: ignore[misc]
            beside.refresh()
            assert beside.read(number) == mail("kept") and store.search("kept", mailboxes={1}).total == 1
            assert verify.run(store, verify.plan(store)).ok
            rebuild_index.run(store, rebuild_index.plan(store))
            store.protect(False)
            assert keep(beside, folder, mail("taken"))

    def test_a_catalogue_without_an_index_or_with_wrong_counters_is_repaired(self, ground: Ground) -> None:
        with ground.open(pack_bytes=3000) as store:
            filled(store, "mine")
            before = catalogue_rows(store)
            db = store.catalogue.reader
            db.execute("DROP INDEX placement_number")
            db.execute("UPDATE folder SET messages = messages + 3")
            db.execute("UPDATE meta SET value = 7 WHERE key = 'messages'")
            db.execute("INSERT INTO placement VALUES(1, 12345, 999999)")
            plan = repair.plan(store)
            assert plan.numbers["missing_indexes"] == 1 and plan.numbers["wrong_rows"] > 2
            report = repair.run(store, plan)
            assert report.numbers["mended"] > 3 and report.numbers["rebuilt"] == 0
            assert catalogue_rows(store) == before
            store.catalogue.reader.execute("UPDATE message SET subject = 'forged' WHERE number = 2")
            assert repair.run(store, repair.plan(store)).numbers["rebuilt"] == 1
            assert catalogue_rows(store) == before
            assert verify.run(store, verify.plan(store, ["catalogue"])).ok
            assert repair.run(store, repair.plan(store)).numbers == {"mended": 0, "rebuilt": 0}

    def test_statistics_count_what_lies_there(self, ground: Ground) -> None:
        with ground.open(pack_bytes=3000) as store:
            filled(store, "mine")
            bring_index(store)
            numbers = statistics.run(store, statistics.plan(store)).numbers
            names = [n for part in statistics.PARTS for n in store.backend.names(part)]
            assert numbers["stored_bytes"] == sum(store.backend.size(name) for name in names)
            assert numbers["messages"] == len(list(store.catalogue.numbers()))
            assert numbers["mailboxes"] == 2 and numbers["lag"] == 0 and numbers["deleted_bytes"] > 0
            compact.run(store, compact.plan(store))
            assert statistics.run(store, statistics.plan(store)).numbers["deleted_bytes"] == 0

    def test_a_folder_that_lacks_a_pack_or_its_end_is_not_whole(self, ground: Ground) -> None:
        with ground.open(pack_bytes=3000) as store:
            filled(store, "mine", count=40)
            assert attach.run(store, attach.plan(store)).ok
            first, last = store.catalogue.packs()[0], store.catalogue.packs()[-1]
            assert first.sealed and not last.sealed
            names = store.backend.names("packs")
            content = store.backend.read(names[-1], 0, store.backend.size(names[-1]))
            store.drop_pack()
            store.backend.append(names[-1], len(content) - 40).close()
            assert not attach.run(store, attach.plan(store)).ok
            writer = store.backend.append(names[-1], 0)
            writer.write(content)
            writer.close()
            assert attach.run(store, attach.plan(store)).ok
            store.backend.delete(names[0])
            (problem,) = attach.run(store, attach.plan(store)).problems
            assert problem.messages_total == len(store.catalogue.pack_rows(first.number)) > 0
        with ground.open("elsewhere") as store:
            assert not attach.run(store, attach.plan(store)).ok
            numbers = [number for number in store.catalogue.numbers() if refusal(lambda n=number: store.read(n))]  # type: ignore[misc]
            assert len(numbers) == problem.messages_total

    def test_a_mailbox_that_has_another_number_keeps_its_mail_to_itself(self, ground: Ground) -> None:
        with ground.open() as store:
            filled(store, "mine", mailboxes=(1, 2))
            bring_index(store)
            ones, twos = store.search("mine", mailboxes={1}).total, store.search("mine", mailboxes={2}).total
            assert ones != twos
            with store.writer_lease():
                store.commit([["own", [[1, 2], [2, 70]]]])
            bring_index(store)
            found = [store.search("mine", mailboxes={box}).total for box in (1, 2, 70)]
            assert found == [0, ones, twos]
            assert store.catalogue.mailboxes() == {2: "1@example.org", 70: "2@example.org"}
            check_invariants(store, index=True)

    def test_what_was_added_with_another_date_of_archiving_keeps_it(self, ground: Ground) -> None:
        with ground.open() as store:
            one = incoming(store, mail("old"), store.ensure_folder(1, "Inbox"))
            one.archived_ms = 1_000_000_000_000
            (added,) = store.add([one])
            row = store.row(added.number)
            assert row is not None and row.archived_ms == 1_000_000_000_000
            check_invariants(store)
            assert refusal(lambda: store.read(99)) is NotFound
