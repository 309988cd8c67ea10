"""What is left of a message after its erasure and a compaction (I6): nothing, whatever a store's bytes lie on."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from ..ingest import Ingest
from ..journal import Position
from ..operations import compact, merge, recover, verify
from ..packs import Place, pack_number
from ..store import Store
from .checking import check_invariants
from .ground import Ground
from .making import bring_index, incoming, keep, letter, mail

SECRETS = (b"quixotic", b"xylophone", b"mnemosyne", b"zanzibarprotocol")


def opened(store: Store) -> Iterator[tuple[str, bytes]]:
    """Everything a store and its projections hold, decrypted and decompressed: (what, bytes)."""
    for record in store.journal.read(Position(), events=False):
        yield f"record {record.sequence}", record.text
    for name in store.backend.names("dictionaries"):
        yield name, store.load_dictionary(int(name.rsplit("/", 1)[1].removesuffix(".dict")))
    for name in store.backend.names("packs"):
        reader = store.pack_reader(pack_number(name))
        for number, size, offset, length, sound in reader.seals(store.backend.size(name)):
            assert sound
            place = Place(reader.number, offset, length)
            yield f"{name}, entry {number}", b"".join(reader.pieces(place, number, size, store.dictionaries))
    for folder in (store.work, store.index_path):
        yield from ((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())


def traces(store: Store) -> list[str]:
    """Where a secret is found, in clear or in base64."""
    hidden = [base64.b64encode(secret)[:-4] for secret in SECRETS]
    return [what for what, content in opened(store) if any(one in content.lower() for one in (*SECRETS, *hidden))]


def secret_mail(at: int) -> bytes:
    return mail(
        f"quixotic {at}", f"The xylophone of day {at} is here.\r\n" * 4, sender=f"ann{at}@mnemosyne.example.net"
    )


def plain_mail(at: int) -> bytes:
    return mail(f"report {at}", f"All {at} machines of hall {at % 7} are well today.\r\n" * 4, sender="bob@example.org")


def fill(store: Store, count: int = 150) -> list[int]:
    """Messages with secrets among others, a dictionary of both, an attachment; the numbers of those with secrets."""
    folder = store.ensure_folder(1, "Inbox")
    secret, plain = [secret_mail(at) for at in range(count // 3)], [plain_mail(at) for at in range(count)]
    gone = keep(store, folder, *secret)
    keep(store, folder, *plain)
    store.train_dictionary([*secret, *plain])
    gone += keep(
        store, folder, letter("quixotic file", b"zanzibarprotocol" * 3000), mail("xylophone", "quixotic again")
    )
    keep(store, folder, *(plain_mail(count + at) for at in range(count)))
    bring_index(store)
    return gone


class ErasureContract:
    """Erased messages, their words, addresses and attachments are found nowhere after compaction."""

    def test_after_an_erasure_and_compaction_nothing_of_the_messages_is_found_anywhere(self, ground: Ground) -> None:
        with ground.open(pack_bytes=20_000) as store:
            gone = fill(store)
            assert len(traces(store)) > 5, "the search finds what is there"
            kept = {n: store.read(n) for n in store.catalogue.numbers() if n not in gone}
            store.delete(gone, reason="Art. 17 GDPR", by="me", erase=True)
            for left in ("catalogue.damaged-1", "catalogue.new.sqlite", "verify.left/snapshot.sqlite"):
                (store.work / left).parent.mkdir(exist_ok=True)
                (store.work / left).write_bytes(b"quixotic")
            plan = compact.plan(store)
            assert plan.numbers["erasures_pending"] == 1 and plan.numbers["packs"] == len(store.catalogue.packs())
            report = compact.run(store, plan)
            assert report.numbers["dictionaries_retired"] == 1 and not report.problems
            assert traces(store) == []
            assert list(store.catalogue.dictionaries()) == [2] and len(store.backend.names("dictionaries")) == 1
            assert {number: store.read(number) for number in store.catalogue.numbers()} == kept
            check_invariants(store, index=True)
            assert verify.run(store, verify.plan(store, deep=True)).ok
            assert store.search("quixotic", mailboxes={1}).total == 0
            assert compact.plan(store).numbers.get("erasures_pending") is None
            assert "dictionaries_retired" not in compact.run(store, compact.plan(store)).numbers
        with ground.open("elsewhere") as store:
            assert {number: store.read(number) for number in store.catalogue.numbers()} == kept
            assert recover.run(store, recover.plan(store, deleted=True)).numbers["restored"] == 0
            check_invariants(store)

    def test_a_deletion_that_is_no_erasure_leaves_dictionaries_and_full_packs_alone(self, ground: Ground) -> None:
        with ground.open() as store:
            gone = fill(store)
            store.delete(gone[:1], reason="expired", by="me")
            assert compact.plan(store).numbers.get("erasures_pending") is None
            compact.run(store, compact.plan(store))
            assert list(store.catalogue.dictionaries()) == [1]
            # Later an erasure takes along what the deletion had left.
            store.delete(gone[1:], reason="Art. 17 GDPR", by="me", erase=True)
            compact.run(store, compact.plan(store))
            assert traces(store) == []
            check_invariants(store)

    def test_an_erasure_of_what_no_dictionary_knows_keeps_the_dictionary(self, ground: Ground) -> None:
        with ground.open() as store:
            folder = store.ensure_folder(1, "Inbox")
            contents = [plain_mail(at) for at in range(120)]
            keep(store, folder, *contents)
            store.train_dictionary(contents)
            (gone,) = keep(store, folder, secret_mail(1))
            store.delete([gone], reason="Art. 17 GDPR", by="me", erase=True)
            assert compact.run(store, compact.plan(store)).numbers["dictionaries_retired"] == 0
            assert list(store.catalogue.dictionaries()) == [1] and traces(store) == []
            check_invariants(store, index=True)

    def test_what_was_compressed_before_its_dictionary_went_is_compressed_anew_when_it_is_kept(
        self, ground: Ground
    ) -> None:
        with ground.open() as store, ground.open() as beside:
            gone = fill(store)
            beside.refresh()
            late = incoming(beside, plain_mail(7777), beside.ensure_folder(1, "Inbox"))
            frames = list(late.frames())
            assert {frame.dictionary for frame in frames} == {1}
            late.frames = lambda: frames
            store.delete(gone, reason="Art. 17 GDPR", by="me", erase=True)
            compact.run(store, compact.plan(store))
            (added,) = beside.add([late])
            store.refresh()
            assert store.read(added.number) == plain_mail(7777)
        with ground.open("elsewhere") as store:
            assert store.read(added.number) == plain_mail(7777)
            check_invariants(store)

    def test_mail_that_comes_in_while_a_dictionary_is_retired_stays_readable(self, ground: Ground) -> None:
        with ground.open(pack_bytes=20_000) as store, ground.open(pack_bytes=20_000) as writer:
            store.delete(fill(store), reason="Art. 17 GDPR", by="me", erase=True)
            late: list[bytes] = []

            def progress(done: int, total: int, note: str) -> None:
                if len(late) < 30:
                    writer.refresh()
                    one = incoming(writer, plain_mail(9000 + len(late)), writer.ensure_folder(1, "Late"))
                    old = list(one.frames()) if len(late) % 2 else None
                    one.frames = (lambda frames=old: frames) if old else one.frames  # type: ignore[misc]
                    writer.add([one])
                    late.append(plain_mail(9000 + len(late)))

            compact.run(store, compact.plan(store), progress)
            store.refresh()
            assert late and set(late) <= {store.read(number) for number in store.catalogue.numbers()}
            assert traces(store) == []
            check_invariants(store)

    def test_dictionaries_that_a_merge_brought_along_remember_what_they_are_made_of(
        self, ground: Ground, another: Ground
    ) -> None:
        with ground.open() as store, another.open() as source:
            fill(source)
            merge.run(store, source, merge.plan(store, source))
            samples = {number: store.catalogue.samples_of(number) for number in store.catalogue.dictionaries()}
            assert len(samples) == 2 and all(samples.values())
            gone = [row.number for row in store.rows(list(store.catalogue.numbers())) if "quixotic" in row.subject]
            gone += [row.number for row in store.rows(list(store.catalogue.numbers())) if row.subject == "xylophone"]
            store.delete(gone, reason="Art. 17 GDPR", by="me", erase=True)
            assert compact.run(store, compact.plan(store)).numbers["dictionaries_retired"] == 2
            assert traces(store) == []
            check_invariants(store)

    def test_an_import_trains_on_what_it_names(self, ground: Ground) -> None:
        with ground.open() as store:
            with Ingest(store, 1, index="no") as ingest:
                for at in range(400):
                    ingest.put("Inbox", content=plain_mail(at) + b"x" * 5000)
            (number,) = store.catalogue.dictionaries()
            samples = store.catalogue.samples_of(number)
            assert len(samples) > 100 and all(map(store.catalogue.has_beginning, samples))
