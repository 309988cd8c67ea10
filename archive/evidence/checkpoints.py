"""Signed checkpoints: what a store's journal was at a moment, signed by the server that kept it.

A checkpoint is a statement (JSON, kept as the very text that was signed), a signature (Ed25519, RFC 8032) and, where
there is a time stamping authority, its stamp over the signature (RFC 3161). They lie in the store's folder, so that
they go where the store goes: `evidence/<record, 12 digits>-<8 digits of the statement's hash>.json`, the stamp beside
it as `.tsr`. Files are never changed, and with the same content writing them again does nothing. Not for keys, nor for
when one is made (services).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from archive.evidence.leaves import Trees
from archive.store import Store
from archive.store.journal import Position
from archive.store.layout import read_whole

FOLDER = "evidence"
KIND, VERSION = "postkeep checkpoint", 1


class BadCheckpoint(ValueError):
    """A file that says it is a checkpoint and isn't one."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement with its signature; `stamp` is the answer of the authority (DER), or nothing."""

    statement: str
    key: bytes
    signature: bytes
    stamp: bytes = b""

    def as_json(self) -> dict[str, str]:
        return {
            "statement": self.statement,
            "key": self.key.hex(),
            "signature": self.signature.hex(),
            "stamp": base64.b64encode(self.stamp).decode(),
        }

    def as_bytes(self) -> bytes:
        """The file in the store's folder, without the stamp, which has a file of its own."""
        return json.dumps({name: value for name, value in self.as_json().items() if name != "stamp"}, indent=1).encode()

    @property
    def digest(self) -> str:
        """What the next checkpoint names as the one before it."""
        return hashlib.sha256(self.statement.encode()).hexdigest()

    def said(self) -> Statement:
        """Raises: BadCheckpoint."""
        return Statement.parse(self.statement)

    def is_signed(self) -> bool:
        """Whether the signature is that of the key it names."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(self.signature, self.statement.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed: of which store (identity), up to which record of its journal (segment, offset, number, chain),
    how many messages that journal has named (deleted ones too), the root of the tree over them, when (UTC), by which
    server, and the SHA-256 of the statement before it.
    """

    store: str
    segment: int
    offset: int
    record: int
    chain: str
    messages: int
    root: str
    at: str
    server: str
    previous: str

    def text(self) -> str:
        return json.dumps(
            {
                "kind": KIND, "version": VERSION, "store": self.store, "segment": self.segment, "offset": self.offset,
                "record": self.record, "chain": self.chain, "messages": self.messages, "root": self.root,
                "at": self.at, "server": self.server, "previous": self.previous,
            }
        )  # fmt: skip

    @property
    def position(self) -> Position:
        return Position(self.segment, self.offset, self.record, bytes.fromhex(self.chain))

    @property
    def made_at(self) -> datetime.datetime:
        return datetime.datetime.fromisoformat(self.at)

    @classmethod
    def parse(cls, text: str) -> Statement:
        """Raises: BadCheckpoint."""
        try:
            said: dict[str, Any] = json.loads(text)
            if said.pop("kind") != KIND or said.pop("version") != VERSION:
                raise BadCheckpoint("not a checkpoint of a version that is read here")
            found = cls(**said)
            wrong = not all(type(getattr(found, name)) is int for name in ("segment", "offset", "record", "messages"))
            wrong = wrong or len(bytes.fromhex(found.chain)) != 32 or len(bytes.fromhex(found.root)) != 32
            if wrong or found.made_at.tzinfo is None:
                raise BadCheckpoint("a checkpoint's statement is not what it should be")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadCheckpoint(f"a checkpoint can't be read: {error}") from error
        return found


def make(store: Store, trees: Trees, key: Ed25519PrivateKey, *, at: datetime.datetime, server: str,
         previous: str) -> Checkpoint:  # fmt: skip
    """Say and sign what a store's journal is now."""
    place = trees.position
    statement = Statement(
        store.identity, place.segment, place.offset, place.sequence, place.chain.hex(), trees.count, trees.root.hex(),
        at.astimezone(datetime.UTC).isoformat(timespec="milliseconds"), server, previous,
    ).text()  # fmt: skip
    return Checkpoint(statement, key.public_key().public_bytes_raw(), key.sign(statement.encode()))


def name_of(checkpoint: Checkpoint) -> str:
    return f"{FOLDER}/{checkpoint.said().record:012d}-{checkpoint.digest[:8]}.json"


def stamp_name(name: str) -> str:
    return name.removesuffix(".json") + ".tsr"


def keep(store: Store, checkpoint: Checkpoint) -> None:
    """Put it, and its stamp if it has one, into the store's folder. Raises: StorageFailed, StoreFull."""
    name = name_of(checkpoint)
    there = set(store.backend.names(FOLDER))
    if name not in there:
        store.backend.put(name, checkpoint.as_bytes())
    if checkpoint.stamp and stamp_name(name) not in there:
        store.backend.put(stamp_name(name), checkpoint.stamp)


def read(data: bytes, stamp: bytes = b"") -> Checkpoint:
    """Raises: BadCheckpoint."""
    try:
        said = json.loads(data)
        found = Checkpoint(str(said["statement"]), bytes.fromhex(said["key"]), bytes.fromhex(said["signature"]), stamp)
    except (ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"a checkpoint can't be read: {error}") from error
    found.said()
    return found


def kept(store: Store) -> Iterator[tuple[str, Checkpoint | BadCheckpoint]]:
    """Those in the store's folder, oldest first, by name; what can't be read in place of one."""
    names = store.backend.names(FOLDER)
    stamped = frozenset(names)
    for name in sorted(name for name in names if name.endswith(".json")):
        try:
            stamp = read_whole(store.backend, stamp_name(name)) if stamp_name(name) in stamped else b""
            yield name, read(read_whole(store.backend, name), stamp)
        except BadCheckpoint as error:
            yield name, error
