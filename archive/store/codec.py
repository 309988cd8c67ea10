"""Compressing and sealing the bytes of messages: frames of at most 4 MiB, each compressed and encrypted alone.

Not for where frames lie (`packs`) nor for journal records (`journal`).

A frame is `stored u32 | plain u32 | flags u8 | dictionary u32 | nonce 12 | ciphertext | tag 16`, little endian;
`stored` counts nonce, ciphertext and tag. Bound as associated data: the entry's header (number, size), the frame's
number and its first 13 bytes; so no bit of an entry can change unnoticed.

Source: NIST SP 800-38D §8.2.2 (random nonces; at most 2^32 frames under one pack's key); RFC 8878 (zstd).
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import Damaged

FRAME_BYTES = 4 << 20
# With a dictionary of the store's own mail (measured on list mail): level 3 leaves 0.315 at 238 MB/s, 6 leaves 0.30 at
# 71, 9 leaves 0.29 at 51. An import is short of processor, not of disk: 3.
LEVEL = 3

FRAME_HEAD = struct.Struct("<IIBI")
FRAME_NUMBER = struct.Struct("<I")
LAST = 1
COMPRESSED = 2
# The entry is a recipe of the message, not the message itself (`parts`).
RECIPE = 4
NONCE_BYTES = 12
TAG_BYTES = 16
MOST_STORED = FRAME_BYTES + NONCE_BYTES + TAG_BYTES


@dataclass(slots=True)
class Squeezed:
    """One frame, compressed but not yet sealed (sealing needs the pack and the number)."""

    data: bytes
    plain_bytes: int
    flags: int
    dictionary: int


class Dictionaries:
    """The store's zstd dictionaries by number; 0 is none. `load` fetches the plain bytes of one."""

    def __init__(self, load: Callable[[int], bytes]) -> None:
        self._load = load
        self._ready: dict[int, zstandard.ZstdCompressionDict] = {}
        self._local = threading.local()

    def compressor(self, number: int) -> zstandard.ZstdCompressor:
        """This thread's compressor for one dictionary (a ZstdCompressor is not safe for threads)."""
        cache: dict[int, zstandard.ZstdCompressor] = self._local.__dict__.setdefault("compressors", {})
        if number not in cache:
            options = {"level": LEVEL, "write_content_size": True, "write_checksum": False}
            if number:
                cache[number] = zstandard.ZstdCompressor(dict_data=self._dictionary(number), **options)  # type: ignore[arg-type]
            else:
                cache[number] = zstandard.ZstdCompressor(**options)  # type: ignore[arg-type]
        return cache[number]

    def decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        """This thread's decompressor for one dictionary."""
        cache: dict[int, zstandard.ZstdDecompressor] = self._local.__dict__.setdefault("decompressors", {})
        if number not in cache:
            cache[number] = zstandard.ZstdDecompressor(dict_data=self._dictionary(number) if number else None)
        return cache[number]

    def _dictionary(self, number: int) -> zstandard.ZstdCompressionDict:
        if number not in self._ready:
            dictionary = zstandard.ZstdCompressionDict(self._load(number))
            dictionary.precompute_compress(level=LEVEL)
            self._ready[number] = dictionary
        return self._ready[number]


def dictionary_bytes(raw_bytes: int) -> int:
    """How large a dictionary pays for a store of this size (512 KiB saves a tenth over 110 KiB, once it is spread)."""
    if raw_bytes < 24 << 20:
        return 110 << 10
    return 256 << 10 if raw_bytes < 96 << 20 else 512 << 10


def train(samples: Sequence[bytes], size: int) -> bytes:
    """A dictionary from messages of the store; about 0.1 s for 8 MB. Raises: zstandard.ZstdError on too few samples.

    k and d are fixed (segments of 1,024 bytes, matches of 8), because the search for them costs minutes and wins less
    than one percent.
    """
    return zstandard.train_dictionary(size, list[bytes | bytearray | memoryview](samples), k=1024, d=8).as_bytes()


def squeeze(plain: bytes, dictionaries: Dictionaries, dictionary: int) -> list[Squeezed]:
    """Compress a whole message held in memory into its frames; an empty message is one empty frame."""
    pieces = [plain[at : at + FRAME_BYTES] for at in range(0, len(plain), FRAME_BYTES)] or [b""]
    return list(squeeze_stream(pieces, dictionaries, dictionary))


def squeeze_many(plains: Sequence[bytes], dictionaries: Dictionaries, dictionary: int) -> list[list[Squeezed]]:
    """`squeeze` for a batch. Those of one frame in one call: Python's lock is given up once, not once per message."""
    single = [plain for plain in plains if 0 < len(plain) <= FRAME_BYTES]
    if len(single) < 2:
        return [squeeze(plain, dictionaries, dictionary) for plain in plains]
    made = dictionaries.compressor(dictionary).multi_compress_to_buffer(list[bytes | bytearray | memoryview](single))
    done = iter(made[index].tobytes() for index in range(len(made)))
    return [
        [_chosen(next(done), plain, dictionary, LAST)] if 0 < len(plain) <= FRAME_BYTES
        else squeeze(plain, dictionaries, dictionary)
        for plain in plains
    ]  # fmt: skip


def squeeze_stream(pieces: Iterable[bytes], dictionaries: Dictionaries, dictionary: int) -> Iterator[Squeezed]:
    """Compress a message given in pieces of at most FRAME_BYTES, each one frame; the last one is marked."""
    compressor = dictionaries.compressor(dictionary)
    waiting: bytes | None = None
    for piece in pieces:
        if waiting is not None:
            yield _squeeze_one(compressor, waiting, dictionary, 0)
        waiting = piece
    yield _squeeze_one(compressor, waiting or b"", dictionary, LAST)


def _squeeze_one(compressor: zstandard.ZstdCompressor, plain: bytes, dictionary: int, flags: int) -> Squeezed:
    return _chosen(compressor.compress(plain), plain, dictionary, flags)


def _chosen(data: bytes, plain: bytes, dictionary: int, flags: int) -> Squeezed:
    if len(data) < len(plain):
        return Squeezed(data, len(plain), flags | COMPRESSED, dictionary)
    return Squeezed(plain, len(plain), flags, 0)


def renewed(frame: Squeezed, dictionaries: Dictionaries, dictionary: int) -> Squeezed:
    """The same frame, compressed with another dictionary. Raises: Damaged, NotFound."""
    plain = expand(frame, dictionaries)
    return _squeeze_one(dictionaries.compressor(dictionary), plain, dictionary, frame.flags & ~COMPRESSED)


def seal_frame(cipher: AESGCM, frame: Squeezed, *, entry: bytes, number: int) -> bytes:
    """Encrypt one frame (at most 4 MiB) of a message for a pack.

    `entry` is the entry's header, `number` the frame's number within the message; both are bound, with the frame's
    own head, as associated data. Never raises on any content.
    """
    stored = NONCE_BYTES + len(frame.data) + TAG_BYTES
    head = FRAME_HEAD.pack(stored, frame.plain_bytes, frame.flags, frame.dictionary)
    nonce = os.urandom(NONCE_BYTES)
    return head + nonce + cipher.encrypt(nonce, frame.data, entry + FRAME_NUMBER.pack(number) + head)


@dataclass(slots=True)
class FrameHead:
    stored: int
    plain: int
    flags: int
    dictionary: int
    raw: bytes

    @classmethod
    def read(cls, raw: bytes) -> FrameHead:
        """Raises: Damaged on a head that can't be one."""
        if len(raw) < FRAME_HEAD.size:
            raise Damaged("a frame ends before its head is whole")
        stored, plain, flags, dictionary = FRAME_HEAD.unpack_from(raw)
        head = cls(stored, plain, flags, dictionary, bytes(raw[: FRAME_HEAD.size]))
        if plain > FRAME_BYTES or not NONCE_BYTES + TAG_BYTES <= stored <= MOST_STORED:
            raise Damaged("a frame's head states impossible lengths")
        return head

    @property
    def last(self) -> bool:
        return bool(self.flags & LAST)


def decrypt_frame(cipher: AESGCM, head: FrameHead, sealed: bytes, *, entry: bytes, number: int) -> Squeezed:
    """The compressed frame. Raises: Damaged where any bit of it, of its head or of the entry's header differs."""
    if len(sealed) != head.stored:
        raise Damaged("a frame is cut short")
    try:
        data = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], entry + FRAME_NUMBER.pack(number) + head.raw)
    except InvalidTag:
        raise Damaged("a frame does not match its seal") from None
    return Squeezed(data, head.plain, head.flags, head.dictionary)


def expand(frame: Squeezed, dictionaries: Dictionaries) -> bytes:
    """The plain bytes of a decrypted frame. Raises: Damaged."""
    if not frame.flags & COMPRESSED:
        return frame.data
    try:
        plain = dictionaries.decompressor(frame.dictionary).decompress(frame.data, max_output_size=frame.plain_bytes)
    except zstandard.ZstdError as error:
        raise Damaged(f"a frame can't be decompressed: {error}") from error
    if len(plain) != frame.plain_bytes:
        raise Damaged("a frame has another length than its head states")
    return plain
