"""The leaves of a store's hash tree, read from its journal and kept beside the catalogue: each record is read once.

A projection like the catalogue: 40 bytes a message (number, leaf hash) and a note of how far it goes. What doesn't
match the journal or its own root is thrown away and read anew. The salts come from the store's key; so the tree can be
made wherever the store can be opened, and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.evidence.tree import Frontier, Hashes, Leaf
from archive.store import Store
from archive.store.journal import Position, Record
from archive.store.keys import derive

ENTRY = struct.Struct("<Q32s")
LEASE = "evidence.lock"
NOTE, DATA = "evidence.json", "evidence.leaves"


@dataclass(frozen=True, slots=True)
class Trees:
    """A store's leaves up to a place in its journal, and the root of the tree over them."""

    position: Position
    count: int
    root: bytes
    data: bytes

    def hashes(self) -> Hashes:
        return Hashes(self.data, self.count, stride=ENTRY.size, offset=8)

    def places(self, numbers: Collection[int]) -> dict[int, int]:
        """Where the leaves of these messages are; a number that was given twice counts as it was last."""
        wanted, found = frozenset(numbers), {}
        for at, (number, _leaf) in enumerate(ENTRY.iter_unpack(self.data)):
            if number in wanted:
                found[number] = at
        return found


class Leaves:
    """Reads the journal of one open store into leaves."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = derive(store.key, b"evidence")
        self._note, self._data = store.work / NOTE, store.work / DATA

    def salt(self, number: int) -> str:
        return hmac.new(self._key, number.to_bytes(8, "little"), "sha256").hexdigest()[:32]

    def of(self, record: Record) -> Iterator[Leaf]:
        """The leaves that a record adds."""
        for event in record.events:
            if event[0] == "msg":
                number, sha256, size, date, *more = event[1:]
                archived = more[0] if more else record.at_ms
                chain = record.after.chain.hex()
                yield Leaf(number, sha256, size, date, archived, record.sequence, chain, self.salt(number))

    def catch_up(self) -> Trees:
        """All leaves up to the journal's end. Raises: Damaged, StorageFailed."""
        with self._store.work_lease(LEASE):
            before = self._load()
            edge, pieces = Frontier(), []
            for _number, leaf in ENTRY.iter_unpack(before.data):
                edge.add(leaf)
            position = before.position
            if edge.root() != before.root or not self._store.journal.holds(position):
                edge, before, position = Frontier(), _nothing(), Position()
            for record in self._store.journal.read(position):
                for leaf in self.of(record):
                    hashed = leaf.hash()
                    edge.add(hashed)
                    pieces.append(ENTRY.pack(leaf.number, hashed))
                position = record.after
            found = Trees(position, edge.count, edge.root(), before.data + b"".join(pieces))
            self._save(found, len(before.data), pieces)
            return found

    def _load(self) -> Trees:
        try:
            said = json.loads(self._note.read_text())
            if said["store"] != self._store.identity:
                return _nothing()
            position = Position(said["segment"], said["offset"], said["record"], bytes.fromhex(said["chain"]))
            data = self._data.read_bytes()[: said["count"] * ENTRY.size]
            if len(data) != said["count"] * ENTRY.size:
                return _nothing()
            return Trees(position, said["count"], bytes.fromhex(said["root"]), data)
        except (OSError, ValueError, KeyError, TypeError):
            return _nothing()

    def _save(self, found: Trees, kept_bytes: int, pieces: list[bytes]) -> None:
        """Leaves first, then the note that counts them; what is torn is noticed by its root."""
        mode = "r+b" if kept_bytes and self._data.exists() else "wb"
        with self._data.open(mode) as file:
            file.truncate(kept_bytes)
            file.seek(kept_bytes)
            file.write(b"".join(pieces))
        at = found.position
        said = {
            "store": self._store.identity, "segment": at.segment, "offset": at.offset, "record": at.sequence,
            "chain": at.chain.hex(), "count": found.count, "root": found.root.hex(),
        }  # fmt: skip
        _write(self._note, json.dumps(said))

    def named(self, numbers: Collection[int]) -> dict[int, Leaf]:
        """The leaves of some messages in full, from the records that name them. Raises: Damaged."""
        rows = self._store.rows(sorted(numbers))
        wanted, found = {row.number for row in rows}, {}
        records = {row.sequence for row in rows}
        for record in self._store.journal.read(Position(), events=False):
            if record.sequence in records:
                for leaf in self.of(record.opened()):
                    if leaf.number in wanted:
                        found[leaf.number] = leaf
        return found


def _nothing() -> Trees:
    return Trees(Position(), 0, hashlib.sha256(b"").digest(), b"")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
