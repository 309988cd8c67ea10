"""Attachments that lie in the packs, whether anybody still wants them or not: for bringing back what was deleted, and
for reading packs whose journal or catalogue lost its word of them. Everything else asks the catalogue.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..adding import IncomingPart
from ..codec import Squeezed
from ..errors import Damaged, NotFound
from ..packs import PackReader, Place, scan
from ..parts import PART
from ..store import Store


@dataclass(slots=True)
class Lying:
    """One part as it lies there, maybe several times."""

    number: int
    size: int
    places: list[Place] = field(default_factory=list)


class LyingParts:
    """All parts in some packs by their content. Those that `known` (number → SHA-256 hex) does not name are hashed.

    `packs`: number → where to stop looking (None = nowhere); what lies beyond may be overwritten by the next batch.
    """

    def __init__(self, store: Store, known: Mapping[int, str], packs: Mapping[int, int | None]) -> None:
        self._store = store
        self._parts: dict[bytes, list[Lying]] = {}
        seen: dict[int, Lying] = {}
        for pack, end in packs.items():
            with contextlib.suppress(NotFound):
                for entry, size, place in scan(store.backend, pack, end=end, skip_damage=True):
                    if entry & PART:
                        number = entry & ~PART
                        seen.setdefault(number, Lying(number, size)).places.append(place)
        for number, one in seen.items():
            digest = bytes.fromhex(known[number]) if number in known else self._digest(one)
            if digest is not None:
                self._parts.setdefault(digest, []).append(one)

    def number_of(self, sha256: bytes) -> int | None:
        """The part's number; the newest where it was kept anew after it had gone."""
        return max((one.number for one in self._parts.get(sha256, [])), default=None)

    def all(self) -> Iterator[tuple[int, str, int]]:
        """(number, SHA-256 hex, size) of each."""
        for digest, some in self._parts.items():
            yield from ((one.number, digest.hex(), one.size) for one in some)

    def pieces(self, sha256: bytes, size: int) -> Iterator[bytes]:
        """The plain bytes of a part. Raises: Damaged."""
        reader, place, number = self._sound(sha256, size)
        return reader.pieces(place, number | PART, size, self._store.dictionaries)

    def incoming(self, sha256: bytes, size: int) -> IncomingPart:
        """The part as it can be kept again."""

        def frames() -> Iterator[Squeezed]:
            reader, place, number = self._sound(sha256, size)
            return reader.frames(place, number | PART, size)

        return IncomingPart(sha256, size, frames)

    def _sound(self, sha256: bytes, size: int) -> tuple[PackReader, Place, int]:
        for one in self._parts.get(sha256, []):
            for place in one.places:
                with contextlib.suppress(Damaged, NotFound):
                    reader = self._store.pack_reader(place.pack)
                    for _ in reader.frames(place, one.number | PART, size):
                        pass
                    return reader, place, one.number
        raise Damaged("an attachment that it shares can't be read any more", f"attachment {sha256.hex()}")

    def _digest(self, one: Lying) -> bytes | None:
        for place in one.places:
            digest = hashlib.sha256()
            with contextlib.suppress(Damaged, NotFound):
                reader = self._store.pack_reader(place.pack)
                for piece in reader.pieces(place, one.number | PART, one.size, self._store.dictionaries):
                    digest.update(piece)
                return digest.digest()
        return None
