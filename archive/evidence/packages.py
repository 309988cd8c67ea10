"""A package: messages with all that shows they are what an archive kept, in one .zip that is checked without Postkeep.

messages/000001.eml …  (or messages.mbox)   the messages, byte for byte (in the mbox, lines quoted as mboxrd has it)
README.txt, public-key.pem, log.json        for people; the server's key; who exported what and when
manifest.json                               every file with its SHA-256, every message with its place in a store's tree,
                                            and for each store a signed checkpoint and the hashes that lead to it
manifest.sig                                the server's signature over manifest.json

Deleting, adding or changing anything breaks it. The format in full: deploy/verifier/README.md. Not for choosing
messages, nor for rights (`archive.services.packages`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from archive.evidence.checkpoints import Checkpoint
from archive.evidence.container import ZipWriter
from archive.evidence.tree import Leaf, lead
from archive.sources.spool import quoter
from archive.sources.writers import postmark

__all__ = ["Leaf", "Message", "NotTheSame", "PackageWriter", "StoreProof", "fingerprint", "pem_of", "public_pem"]

FORMAT, VERSION = "postkeep package", 1
MBOX = "messages.mbox"
OVERHEAD_BYTES = 4096  # of a message, generously: headers and its part of the manifest
WIDE_FROM_BYTES, WIDE_FROM_FILES = 3 << 30, 60_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message to put in: its leaf, where its leaf is in the tree of its store, and what people want to know."""

    store: str
    leaf: Leaf
    at: int
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreProof:
    """What shows that the messages of one store were in it: a checkpoint, and the hashes beside the leaves."""

    store: str
    name: str
    checkpoint: Checkpoint
    nodes: Sequence[bytes]

    def as_json(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "name": self.name,
            "checkpoint": self.checkpoint.as_json(),
            "nodes": [node.hex() for node in self.nodes],
        }

    def require(self, places: Sequence[int], leaves: Sequence[bytes]) -> None:
        """That these leaves at these places (ascending) lead to the root that is signed. Raises: NotTheSame."""
        said = self.checkpoint.said()
        if not places or lead(said.messages, dict(zip(places, leaves, strict=True)), self.nodes).hex() == said.root:
            return
        raise NotTheSame("the messages do not lead to the signed checkpoint")


class NotTheSame(ValueError):
    """The bytes of a message are not those its store's journal names."""


class PackageWriter:
    """Builds one package, message by message. kind: "eml" or "mbox"; path must be new."""

    def __init__(self, path: Path, *, kind: str, messages: int, size_bytes: int) -> None:
        wide = size_bytes + messages * OVERHEAD_BYTES > WIDE_FROM_BYTES or messages > WIDE_FROM_FILES
        self._zip = ZipWriter(path, wide=wide)
        self._path, self._kind = path, kind
        self._files: list[dict[str, Any]] = []
        self._messages: list[dict[str, Any]] = []
        self._digest = hashlib.sha256()
        if kind == "mbox":
            self._begin(MBOX)

    @property
    def messages(self) -> int:
        return len(self._messages)

    def add(self, message: Message, chunks: Iterable[bytes]) -> None:
        """Write one message. What `chunks` raises goes through, and the message leaves nothing behind.

        Raises: NotTheSame.
        """
        mark, digest = (self._zip.tell(), self._digest.copy()) if self._kind == "mbox" else ((0, 0), None)
        try:
            where = self._add_quoted(message, chunks) if digest is not None else self._add_file(message, chunks)
        except BaseException:
            if digest is not None:
                self._zip.back_to(mark)
                self._digest = digest
            else:
                self._zip.drop()
            raise
        leaf = asdict(message.leaf)
        self._messages.append({**where, "store": message.store, "leaf": message.at, **leaf, **message.about})

    def _add_file(self, message: Message, chunks: Iterable[bytes]) -> dict[str, Any]:
        name = f"messages/{len(self._messages) + 1:06d}.eml"
        self._begin(name)
        for chunk in chunks:
            self._write(chunk)
        if self._digest.hexdigest() != message.leaf.sha256:
            raise NotTheSame("the message is not the one the journal names")
        self._end(name)
        return {"file": name}

    def _add_quoted(self, message: Message, chunks: Iterable[bytes]) -> dict[str, Any]:
        self._write(postmark(message.leaf.date))
        offset = self._zip.tell()[0]
        quoting, plain, last = quoter(), hashlib.sha256(), b""
        for chunk in chunks:
            plain.update(chunk)
            last = chunk[-1:] or last
            self._write(quoting.feed(chunk))
        self._write(quoting.finish())
        length = self._zip.tell()[0] - offset
        self._write(b"\n" if last == b"\n" else b"\n\n")
        if plain.hexdigest() != message.leaf.sha256:
            raise NotTheSame("the message is not the one the journal names")
        return {"file": MBOX, "offset": offset, "length": length}

    def finish(
        self, head: dict[str, Any], stores: Sequence[StoreProof], key: Ed25519PrivateKey, *, texts: dict[str, bytes]
    ) -> str:
        """Write what vouches for the messages and sign it; the SHA-256 of the whole file. texts: further files."""
        if self._kind == "mbox":
            self._end(MBOX)
        public = key.public_key()
        for name, text in sorted({**texts, "public-key.pem": public_pem(public)}.items()):
            self._file(name, text)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            **head,
            "key": public.public_bytes_raw().hex(),
            "kind": self._kind,
            "files": self._files,
            "stores": [proof.as_json() for proof in stores],
            "messages": self._messages,
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=True).encode() + b"\n"
        self._file("manifest.json", text)
        self._file("manifest.sig", f"{public.public_bytes_raw().hex()} {key.sign(text).hex()}\n".encode())
        self._zip.close()
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._zip.abandon()
        self._path.unlink(missing_ok=True)

    def _file(self, name: str, data: bytes) -> None:
        self._begin(name)
        self._write(data)
        self._end(name)

    def _begin(self, name: str) -> None:
        self._digest = hashlib.sha256()
        self._zip.begin(name)

    def _write(self, data: bytes) -> None:
        self._zip.write(data)
        self._digest.update(data)

    def _end(self, name: str) -> None:
        self._files.append({"path": name, "size": self._zip.tell()[0], "sha256": self._digest.hexdigest()})
        self._zip.end()


def public_pem(key: Ed25519PublicKey) -> bytes:
    """The public key as other programs read it."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem_of(key: bytes) -> bytes:
    """The same for the 32 bytes of a key."""
    return public_pem(Ed25519PublicKey.from_public_bytes(key))


def fingerprint(key: bytes) -> str:
    """What two people compare to know that they have the same key: its SHA-256 in groups of four."""
    text = hashlib.sha256(key).hexdigest()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
