"""Where the frames of a zstd stream end, which the decompressor doesn't say: a cut-off stream looks whole to it.

Not for: decompressing.
"""

from __future__ import annotations

from typing import Protocol


class Readable(Protocol):
    """What a stream below must offer."""

    def read(self, size: int = ..., /) -> bytes: ...


_CHUNK = 256 << 10


class ZstdWatch:
    """Passes zstd data through and knows whether it ended where a frame ends (RFC 8878 §3.1), which the
    decompressor doesn't say."""

    def __init__(self, below: Readable) -> None:
        self.below = below
        self.need = 4  # bytes until the next decision
        self.have = b""
        self.state = "magic"
        self.then = ""
        self.checksum = False

    def read(self, size: int = _CHUNK) -> bytes:
        data = self.below.read(size)
        if not data and (self.state != "magic" or self.have):
            raise EOFError("zstd data ends early")
        self._follow(data)
        return data

    def _follow(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self.state == "skip":
                step = min(self.need, len(data) - at)
                at += step
                self.need -= step
                if self.need:
                    return
                self._after_skip()
                continue
            take = data[at : at + self.need - len(self.have)]
            self.have += take
            at += len(take)
            if len(self.have) == self.need:
                field, self.have = self.have, b""
                self._decide(field)

    def _after_skip(self) -> None:
        if self.then == "checksum":
            self._skip(4, "magic")
        else:
            self.state, self.need = self.then, 4 if self.then == "magic" else 3

    def _decide(self, field: bytes) -> None:
        if self.state == "magic":
            skippable = field[1:] == b"\x2a\x4d\x18"
            self.state, self.need = ("length", 4) if skippable else ("descriptor", 1)
        elif self.state == "length":
            self._skip(int.from_bytes(field, "little"), "magic")
        elif self.state == "descriptor":
            flag = field[0]
            single = flag >> 5 & 1
            self.checksum = bool(flag & 4)
            self._skip((0, 1, 2, 4)[flag & 3] + (not single) + ((single, 2, 4, 8)[flag >> 6]), "block")
        else:
            header = int.from_bytes(field, "little")
            after = "block" if not header & 1 else "checksum" if self.checksum else "magic"
            self._skip(1 if header >> 1 & 3 == 1 else header >> 3, after)

    def _skip(self, length: int, then: str) -> None:
        self.state, self.need, self.then = "skip", length, then
        if not length:
            self._after_skip()
