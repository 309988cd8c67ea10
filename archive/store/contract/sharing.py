"""What a store does with attachments that messages share (I8), whatever its bytes lie on."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from io import BytesIO

from ..backend import Backend
from ..codec import FRAME_BYTES
from ..errors import Damaged, NeedsUpgrade
from ..ingest import Ingest
from ..journal import Position
from ..layout import read_head
from ..operations import attach, compact, merge, recover, statistics, upgrade, verify
from ..packs import pack_name
from ..parts import LEAST_BYTES, PART
from ..sqlite_catalogue import SqliteCatalogue
from ..store import Store
from .checking import catalogue_rows, check_invariants
from .ground import Ground, refusal
from .making import bring_index, keep, letter, mail, noise

ONE, OTHER = noise(1, 40_000), noise(2, 50_001)


def parts_of(store: Store) -> list[tuple[bytes, int]]:
    """(SHA-256, how many messages use it) of what is shared, sorted."""
    sql = "SELECT sha256, (SELECT count(*) FROM uses WHERE part = number) FROM part ORDER BY 1"
    return store.catalogue.reader.execute(sql).fetchall()


def shared(*attached: tuple[bytes, int]) -> list[tuple[bytes, int]]:
    return sorted((hashlib.sha256(content).digest(), users) for content, users in attached)


def stored_bytes(store: Store) -> int:
    return sum(store.backend.size(name) for name in store.backend.names("packs"))


def as_older(backend: Backend, number: int) -> None:
    """Say that a store is of an older format."""
    head = read_head(backend).as_bytes()
    backend.put("store.json", head.replace(b'"format": 3', b'"format": %d' % number))


class SharingContract:
    """Attachments kept once across messages, and the very bytes of each message."""

    def test_an_attachment_is_kept_once_and_every_message_comes_out_byte_for_byte(self, ground: Ground) -> None:
        contents = [
            letter("as Outlook", ONE), letter("as Apple", ONE, line=72),
            letter("as a list", ONE, line=64, ending=b"\n"),
            letter("twice", ONE, ONE), letter("with another", OTHER, ONE), letter("in one line", ONE, line=99_999),
            letter("odd lines", ONE, line=75), letter("the body itself", ONE) + b"--=limit=--\r\n\r\n",
            b"Subject: no parts at all\r\n\r\n" + base64.b64encode(ONE),
            b"Subject: it ends there\r\n\r\n" + base64.b64encode(ONE) + b"\r\n\r\n\n\r",
        ]  # fmt: skip
        with ground.open() as store:
            numbers = [n for content in contents for n in keep(store, store.ensure_folder(1, "Inbox"), content)]
            assert parts_of(store) == shared((ONE, 10), (OTHER, 1))
            figures = statistics.run(store, statistics.plan(store)).numbers
            assert (figures["attachments"], figures["attachments_shared_bytes"]) == (2, 9 * len(ONE))
            assert [store.read(number) for number in numbers] == contents
            assert stored_bytes(store) < len(ONE) + len(OTHER) + 10 * 1000
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store, deep=True)).ok
        with ground.open("elsewhere") as store:
            assert [store.read(number) for number in numbers] == contents

    def test_what_can_not_be_encoded_again_to_the_same_bytes_is_shared_as_it_stands(self, ground: Ground) -> None:
        lines = base64.b64encode(ONE).decode()
        uneven = "\r\n".join([lines[:70], lines[70:150], *(lines[at : at + 76] for at in range(150, len(lines), 76))])
        mixed = letter("x", ONE).replace(b"\r\n", b"\n", 300)
        text = "A long report that goes to many.\r\n" * 1500
        contents = [
            mail("uneven one", uneven), mail("uneven two", uneven), mail("cut", uneven[:-3]), mixed,
            mail("to ann", text), mail("to bob", text), mail("just too short", "x" * (LEAST_BYTES - 3)),
        ]  # fmt: skip
        with ground.open() as store:
            numbers = keep(store, store.ensure_folder(1, "Inbox"), *contents)
            assert [store.read(number) for number in numbers] == contents
            assert sorted(users for _, users in parts_of(store)) == [1, 1, 2, 2]
            check_invariants(store)

    def test_deleting_one_message_keeps_the_others_whole_and_the_last_one_takes_the_attachment(
        self, ground: Ground
    ) -> None:
        contents = [letter("first", ONE), letter("second", ONE, OTHER), letter("third", OTHER)]
        with ground.open(pack_bytes=60_000) as store:
            inbox = store.ensure_folder(1, "Inbox")
            numbers = [n for content in contents for n in keep(store, inbox, content)]
            store.delete(numbers[:1], reason="a test", by="me")
            compact.run(store, compact.plan(store))
            assert parts_of(store) == shared((ONE, 1), (OTHER, 2))
            check_invariants(store)
            store.delete(numbers[1:2], reason="a test", by="me")
            assert parts_of(store) == shared((OTHER, 1))
            assert compact.plan(store).numbers["bytes_freed"] > len(ONE) - 2000
            compact.run(store, compact.plan(store))
            assert stored_bytes(store) < len(OTHER) + 3000
            assert store.read(numbers[2]) == contents[2]
            (again,) = keep(store, inbox, contents[0])
            assert store.read(again) == contents[0] and parts_of(store) == shared((ONE, 1), (OTHER, 1))
            check_invariants(store, index=True)
            assert compact.plan(store).numbers["bytes_freed"] == 0

    def test_a_damaged_attachment_names_every_message_it_hits_and_compaction_leaves_it(self, ground: Ground) -> None:
        with ground.open(pack_bytes=60_000) as store:
            inbox = store.ensure_folder(1, "Inbox")
            hit = [keep(store, inbox, letter(name, ONE))[0] for name in ("one", "two", "three")]
            sound = keep(store, inbox, letter("other", OTHER), mail("small"))
            (gone,) = keep(store, inbox, letter("gone", noise(3, 30_000)))
            bring_index(store)
            part = store.catalogue.part_of(hashlib.sha256(ONE).digest())
            assert part is not None
            flip(store, part.place.pack, part.place.offset + part.place.length // 2)
            report = verify.run(store, verify.plan(store))
            assert sorted({n for problem in report.problems for n in problem.messages}) == hit
            for number in hit:
                assert refusal(lambda n=number: store.read(n)) is Damaged  # type: ignore[misc]
            assert [store.read(number) for number in sound] == [letter("other", OTHER), mail("small")]
            store.delete([gone], reason="a test", by="me")
            compact.run(store, compact.plan(store))
            flip(store, part.place.pack, part.place.offset + part.place.length // 2)
            assert store.read(hit[0]) == letter("one", ONE), "what may still be rescued was thrown away"

    def test_an_import_shares_large_streamed_attachments_too(self, ground: Ground) -> None:
        large = noise(7, FRAME_BYTES + 12_345)
        contents = [letter("streamed", large), letter("streamed too", ONE, large, line=60), letter("small", ONE)]
        with ground.open() as store:
            with Ingest(store, 1) as ingest:
                for content in contents:
                    ingest.put("Inbox", spool=BytesIO(content))
                    ingest.put("Other", content=content)
                ingest.put("Inbox", content=letter("in memory", large))
            numbers = list(dict.fromkeys(one.number for one in ingest.outcomes()))
            assert [store.read(number) for number in numbers] == [*contents, letter("in memory", large)]
            assert parts_of(store) == shared((large, 3), (ONE, 2))
            assert stored_bytes(store) < len(large) + len(ONE) + 8000
            check_invariants(store)

    def test_recovery_replays_what_is_shared_and_brings_deleted_messages_back_with_it(self, ground: Ground) -> None:
        contents = [letter("first", ONE), letter("second", ONE, OTHER), letter("third", OTHER)]
        with ground.open(pack_bytes=60_000) as store:
            inbox = store.ensure_folder(1, "Inbox")
            numbers = [n for content in contents for n in keep(store, inbox, content)]
            before = catalogue_rows(store)
            assert recover.run(store, recover.plan(store)).ok
            assert catalogue_rows(store) == before
            store.delete(numbers[:2], reason="a test", by="me")
            assert parts_of(store) == shared((OTHER, 1))
            assert recover.run(store, recover.plan(store, deleted=True)).numbers["restored"] == 2
            assert {store.read(number) for number in store.catalogue.numbers()} == set(contents)
            assert parts_of(store) == shared((ONE, 2), (OTHER, 2))
            check_invariants(store, index=True)

    def test_a_journal_written_anew_finds_what_is_shared_in_the_packs(self, ground: Ground) -> None:
        contents = [letter("first", ONE), letter("second", ONE, OTHER), letter("third", OTHER)]
        with ground.open(pack_bytes=60_000) as store:
            store.mailbox(1, "ann@example.org")
            inbox = store.ensure_folder(1, "Inbox")
            for content in contents:
                keep(store, inbox, content)
            backend = store.backend
            (name,) = backend.names("journal")
            raw = backend.read(name, 0, backend.size(name))
            starts = [record.start for record in store.journal.read(Position())][2:]
            for at, start in enumerate(starts):
                with_catalogue = at % 2 == 0
                work = store.work.with_name(f"anew {start}")
                work.mkdir()
                if with_catalogue:
                    store.catalogue.copy_to(work / "copy.sqlite")
                rewrite(backend, name, raw[: start + 40] + b"DAMAGED!" + raw[start + 48 :])
                catalogue = SqliteCatalogue(work / "copy.sqlite")
                again = Store(backend, work, store.key, store.identity, pack_bytes=60_000, catalogue=catalogue)
                with contextlib.suppress(Damaged):
                    again.refresh()
                recover.run(again, recover.plan(again))
                assert {again.read(number) for number in again.catalogue.numbers()} == set(contents), start
                check_invariants(again)
                again.journal.forget()
                again.catalogue.close()
                for each in backend.names("journal"):
                    backend.delete(each)
                rewrite(backend, name, raw)

    def test_a_merge_brings_what_is_shared_once_and_both_stores_share_it(self, ground: Ground, another: Ground) -> None:
        theirs = [letter("first", ONE), letter("second", ONE, OTHER), letter("same", ONE)]
        with ground.open(pack_bytes=60_000) as store, another.open(pack_bytes=60_000) as source:
            keep(store, store.ensure_folder(1, "Inbox"), letter("mine", OTHER), theirs[2])
            for content in theirs:
                keep(source, source.ensure_folder(2, "Inbox"), content)
            report = merge.run(store, source, merge.plan(store, source))
            assert report.ok and report.numbers["known_already"] == 1
            assert {store.read(number) for number in store.catalogue.numbers()} == {letter("mine", OTHER), *theirs}
            assert parts_of(store) == shared((ONE, 3), (OTHER, 2))
            check_invariants(store, index=True)
            part = source.catalogue.part_of(hashlib.sha256(OTHER).digest())
            assert part is not None
            flip(source, part.place.pack, part.place.offset + 500)
        with ground.open("fresh", pack_bytes=60_000) as store, another.open(pack_bytes=60_000) as source:
            keep(source, source.ensure_folder(2, "Inbox"), letter("fourth", OTHER))
            report = merge.run(store, source, merge.plan(store, source))
            assert [len(problem.messages) for problem in report.problems] == [1]
            check_invariants(store)

    def test_an_older_store_keeps_messages_whole_until_it_is_upgraded(self, ground: Ground, another: Ground) -> None:
        with ground.open():
            as_older(ground.backend(), 2)
        with ground.open() as store, another.open() as source:
            inbox = store.ensure_folder(1, "Inbox")
            (old,) = keep(store, inbox, letter("before", ONE))
            keep(source, source.ensure_folder(1, "Inbox"), letter("shared there", ONE))
            assert parts_of(store) == []
            assert refusal(lambda: merge.plan(store, source)) is NeedsUpgrade
            assert upgrade.run(store, upgrade.plan(store)).ok
            (new,) = keep(store, inbox, letter("after", ONE))
            assert merge.run(store, source, merge.plan(store, source)).ok
            assert parts_of(store) == shared((ONE, 2))
            assert [store.read(old), store.read(new)] == [letter("before", ONE), letter("after", ONE)]
            check_invariants(store, index=True)

    def test_a_folder_that_lacks_the_pack_of_an_attachment_names_the_messages(self, ground: Ground) -> None:
        with ground.open(pack_bytes=30_000) as store:
            inbox = store.ensure_folder(1, "Inbox")
            numbers = [keep(store, inbox, letter(name, ONE))[0] for name in ("one", "two")]
            part = store.catalogue.part_of(hashlib.sha256(ONE).digest())
            assert part is not None
            assert store.known_row(numbers[1]).place.pack != part.place.pack
            store.backend.delete(pack_name(part.place.pack))
            assert sorted({n for p in attach.run(store, attach.plan(store)).problems for n in p.messages}) == numbers
        ground.lose_projections()
        with ground.open("elsewhere", pack_bytes=30_000) as store:
            report = attach.run(store, attach.plan(store))
            assert sorted({n for problem in report.problems for n in problem.messages}) == numbers
            assert not verify.run(store, verify.plan(store, ["packs"])).ok
            # The next message with it brings it back, for the others too.
            keep(store, store.ensure_folder(1, "Inbox"), letter("three", ONE))
            assert store.read(numbers[1]) == letter("two", ONE)

    def test_nothing_of_a_shared_attachment_is_readable_without_the_key(self, ground: Ground) -> None:
        with ground.open() as store:
            secret = b"the plan of the vault " * 2000
            keep(store, store.ensure_folder(1, "Inbox"), letter("one", secret), mail("two", secret.decode()))
            names = [name for where in ("journal", "packs") for name in store.backend.names(where)]
            kept = b"".join(store.backend.read(name, 0, store.backend.size(name)) for name in names)
            assert b"the plan of" not in kept and base64.b64encode(secret)[:30] not in kept
            rows = store.catalogue.reader.execute("SELECT number FROM part").fetchall()
            assert rows and all(number < PART for (number,) in rows)


def flip(store: Store, pack: int, offset: int) -> None:
    """Change one bit of a pack."""
    name = pack_name(pack)
    raw = bytearray(store.backend.read(name, 0, store.backend.size(name)))
    raw[offset] ^= 4
    store.drop_pack()
    rewrite(store.backend, name, bytes(raw))


def rewrite(backend: Backend, name: str, content: bytes) -> None:
    writer = backend.append(name, 0)
    writer.write(content)
    writer.sync()
    writer.close()
