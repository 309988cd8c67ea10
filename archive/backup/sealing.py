"""Files that are sealed in a backup: the database and the search indexes, which a store's own key doesn't cover.

    file    "PKB1" | salt 32 | piece …
    piece   length u32 | ciphertext and tag (length bytes) of at most 1 MiB of the file

Salt = HMAC-SHA-256(backup key, SHA-256 of the file); the file's key is derived with it (RFC 5869, info `postkeep backup
file`), the nonce of piece n is n as 11 bytes and 1 for the last, 0 else. So the same file is sealed to the same bytes
under one backup key, and a file that is there needs not be sent again; another file has another key.

Source: NIST SP 800-38D §8.2.1 (deterministic nonces: a key is used for one file only).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.store.keys import derive

from .errors import SetDamaged

MAGIC = b"PKB1"
PIECE = 1 << 20
TAG = 16
_LENGTH = struct.Struct("<I")


def new_key() -> bytes:
    """A backup key: 32 random bytes."""
    return os.urandom(32)


def sealed_size(size: int) -> int:
    """How many bytes a file of `size` bytes has when it is sealed."""
    pieces = max(1, -(-size // PIECE))
    return len(MAGIC) + 32 + size + pieces * (_LENGTH.size + TAG)


def seal(key: bytes, digest: str, plain: Iterator[bytes]) -> Iterator[bytes]:
    """The sealed file, for a file with this SHA-256."""
    salt = hmac.new(key, bytes.fromhex(digest), hashlib.sha256).digest()
    yield MAGIC + salt
    cipher = AESGCM(derive(key, b"backup file", salt))
    for number, (piece, last) in enumerate(_in_pieces(plain)):
        sealed = cipher.encrypt(_nonce(number, last), piece, None)
        yield _LENGTH.pack(len(sealed)) + sealed


def unseal(key: bytes, sealed: Iterator[bytes], where: str) -> Iterator[bytes]:
    """The file again. Raises: SetDamaged."""
    held = _Buffer(sealed)
    if held.take(len(MAGIC)) != MAGIC:
        raise SetDamaged(f"{where} is not a sealed file")
    cipher = AESGCM(derive(key, b"backup file", held.take(32)))
    number = 0
    while True:
        head = held.take(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise SetDamaged(f"{where} ends too early")
        (length,) = _LENGTH.unpack(head)
        if length > PIECE + TAG:
            raise SetDamaged(f"{where} does not match its seal")
        data, last = held.take(length), held.is_at_end()
        try:
            yield cipher.decrypt(_nonce(number, last), data, None)
        except InvalidTag:
            raise SetDamaged(f"{where} does not match its seal") from None
        if last:
            return
        number += 1


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _in_pieces(plain: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in pieces of one size; the last one, which may be empty, is told."""
    held = bytearray()
    for piece in plain:
        held += piece
        while len(held) > PIECE:
            yield bytes(held[:PIECE]), False
            del held[:PIECE]
    yield bytes(held), True


class _Buffer:
    """Takes exact lengths from a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = bytearray()

    def _fill(self, length: int) -> None:
        while len(self._held) < length:
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._held += piece

    def take(self, length: int) -> bytes:
        self._fill(length)
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

    def is_at_end(self) -> bool:
        self._fill(1)
        return not self._held
