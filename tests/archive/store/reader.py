"""A reader of stores that shares nothing with the engine: written from archive/store/README.md alone.

It proves that the description is enough. Standard library, cryptography and zstandard; reads only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unreadable(Exception):
    """The folder is not what the description says."""


def hkdf(key: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)


# §3


def store_key(root: Path, *, master: bytes | None = None, recovery: bytes | None = None) -> tuple[bytes, bytes]:
    """(identity, store key), by the master key or by the recovery private key."""
    about = json.loads((root / "store.json").read_text())
    keys = json.loads((root / "keys.json").read_text())
    if (about["format"], keys["format"]) not in {(1, 1), (2, 1), (3, 1)}:
        raise Unreadable("another format")
    if master is not None:
        entry, wrapping = keys["master"], hkdf(master, b"postkeep wrap master")
    else:
        assert recovery is not None
        entry = keys["recovery"]
        private = X25519PrivateKey.from_private_bytes(recovery)
        ephemeral = base64.b64decode(entry["ephemeral"])
        shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        salt = ephemeral + private.public_key().public_bytes_raw()
        wrapping = hkdf(shared, b"postkeep wrap recovery", salt)
    nonce, data = base64.b64decode(entry["nonce"]), base64.b64decode(entry["data"])
    key = AESGCM(wrapping).decrypt(nonce, data, about["identity"].encode("ascii"))
    return bytes.fromhex(about["identity"]), key


# §5


def journal_events(root: Path, identity: bytes, key: bytes) -> Iterator[list[Any]]:
    cipher = AESGCM(hkdf(key, b"postkeep journal"))
    sequence, chain = 0, bytes(32)
    paths = sorted(root.glob("journal/*.log"), key=lambda path: int(path.stem))
    for number, path in enumerate(paths, 1):
        raw = path.read_bytes()
        last = number == len(paths)
        if last and len(raw) < 96:
            return
        magic, whose, stated, first, before, zeros, check = struct.unpack_from("<4s16sIQ32s24s8s", raw)
        expected = (b"PKJ1", identity, number, sequence + 1, chain, bytes(24))
        if (magic, whose, stated, first, before, zeros) != expected:
            raise Unreadable(f"{path.name}: header")
        if hashlib.sha256(raw[:88]).digest()[:8] != check:
            raise Unreadable(f"{path.name}: check of the header")
        at = 96
        while at < len(raw):
            whole = len(raw) >= at + 24
            length, said, nonce = struct.unpack_from("<IQ12s", raw, at) if whole else (0, 0, b"")
            end = at + 24 + length
            following = hashlib.sha256(chain + raw[at:end]).digest()
            if not whole or said != sequence + 1 or raw[end : end + 32] != following:
                if not last:
                    raise Unreadable(f"{path.name}: record {sequence + 1}")
                return  # an unfinished write
            bound = identity + struct.pack("<IQ", length, said) + chain
            text = zstandard.decompress(cipher.decrypt(nonce, raw[at + 24 : end], bound), max_output_size=1 << 29)
            yield from json.loads(text.decode("utf-8", "surrogatepass"))["e"]
            sequence, chain, at = said, following, end + 32


# §6


@dataclass
class Told:
    """What the journal says."""

    labels: dict[int, str] = field(default_factory=dict)
    folders: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    messages: dict[int, tuple[str, int]] = field(default_factory=dict)
    placements: dict[int, set[int]] = field(default_factory=dict)
    packs: set[int] = field(default_factory=set)
    compacted: set[int] = field(default_factory=set)
    sealed: dict[int, str] = field(default_factory=dict)
    dictionaries: dict[int, str] = field(default_factory=dict)
    parts: dict[str, list[int]] = field(default_factory=dict)

    def hear(self, kind: str, *said: Any) -> None:
        match kind:
            case "box":
                self.labels[said[0]] = said[1]
            case "dir":
                self.folders[said[0]] = (said[1], said[2], said[3])
            case "mvd":
                self.folders[said[0]] = (self.folders[said[0]][0], said[1], said[2])
            case "rmd":
                used = any(said[0] in held for held in self.placements.values())
                if not used and all(parent != said[0] for _, parent, _ in self.folders.values()):
                    self.folders.pop(said[0], None)
            case "msg":
                for old in [old for old, (digest, _) in self.messages.items() if digest == said[1]]:
                    del self.messages[old], self.placements[old]
                self.messages[said[0]] = (said[1], said[2])
                self.placements[said[0]] = set()
            case "put":
                self.placements.get(said[1], set()).add(said[0])
            case "del":
                for number in set(said[0]) & self.messages.keys():
                    self.placements[number] -= {said[1]} if said[1] else set(self.placements[number])
                    if not self.placements[number]:
                        del self.messages[number], self.placements[number]
            case "dic":
                self.dictionaries[said[0]] = said[1]
            case "pak":
                (self.compacted if said[1] == "compact" else self.packs).add(said[0])
            case "sea":
                self.sealed[said[0]] = said[2]
            case "rep":
                self.packs.difference_update(said[0])
                self.packs.update(said[1])
            case "own":
                others = dict(said[0])
                self.labels = {others.get(box, box): label for box, label in self.labels.items()}
                self.folders = {n: (others.get(box, box), *more) for n, (box, *more) in self.folders.items()}
            case "und":
                del self.dictionaries[said[0]]
            case "att":
                self.parts.setdefault(said[1], []).append(said[0])
            case "mrg" | "rec" | "use" | "era":
                pass  # they tell where messages and records came from, and what a recipe says itself
            case _:
                raise Unreadable(f"an event {kind!r}")

    def path(self, folder: int) -> str:
        _, parent, name = self.folders[folder]
        return f"{self.path(parent)}/{name}" if parent else name


# §4


class Pack:
    """One pack: where its messages lie, and their bytes."""

    def __init__(self, root: Path, identity: bytes, key: bytes, number: int, sealed: str | None) -> None:
        self.raw = (root / f"packs/{number:08d}.pack").read_bytes()
        magic, whose, stated, salt, zeros, check = struct.unpack_from("<4s16sQ16s12s8s", self.raw)
        if (magic, whose, stated, zeros) != (b"PKP1", identity, number, bytes(12)):
            raise Unreadable(f"pack {number}: header")
        if hashlib.sha256(self.raw[:56]).digest()[:8] != check:
            raise Unreadable(f"pack {number}: check of the header")
        if sealed and hashlib.sha256(self.raw).hexdigest() != sealed:
            raise Unreadable(f"pack {number}: not as it was sealed")
        self.cipher = AESGCM(hkdf(key, b"postkeep pack", salt))
        self.offsets = dict(self._table() if sealed and self.raw[-40:-36] == b"PKF1" else self._walk())

    def _table(self) -> Iterator[tuple[int, int]]:
        at, magic, zeros, digest = struct.unpack("<Q4s4s32s", self.raw[-48:])
        table = self.raw[at:-48]
        if (magic, zeros, digest) != (b"PKF1", bytes(4), hashlib.sha256(table).digest()) or table[:4] != b"PKT1":
            raise Unreadable("table")
        (count,) = struct.unpack_from("<Q", table, 4)
        for row in range(count):
            number, offset, _ = struct.unpack_from("<QQQ", table, 12 + 24 * row)
            yield number, offset

    def _walk(self) -> Iterator[tuple[int, int]]:
        at = self.raw.find(b"PKE1", 64)
        while at >= 0 and at + 20 <= len(self.raw):
            (number,) = struct.unpack_from("<Q", self.raw, at + 4)
            offset, flags = at + 20, 0
            while not flags & 1 and offset + 13 <= len(self.raw):
                stored, _, flags, _ = struct.unpack_from("<IIBI", self.raw, offset)
                offset += 13 + stored
            whole = flags & 1 and offset <= len(self.raw)
            if whole:
                yield number, at
            at = self.raw.find(b"PKE1", offset if whole else at + 1)

    def entry(self, number: int, size: int, dictionaries: dict[int, bytes]) -> tuple[bool, bytes]:
        """Whether it is a recipe, and the bytes."""
        at = self.offsets[number]
        entry = self.raw[at : at + 20]
        if entry != b"PKE1" + struct.pack("<QQ", number, size):
            raise Unreadable(f"message {number}: entry")
        at, index, flags, parts = at + 20, 0, 0, []
        while not flags & 1:
            head = self.raw[at : at + 13]
            stored, plain, flags, dictionary = struct.unpack("<IIBI", head)
            nonce, data = self.raw[at + 13 : at + 25], self.raw[at + 25 : at + 13 + stored]
            part = self.cipher.decrypt(nonce, data, entry + struct.pack("<I", index) + head)
            if flags & 2:
                made = zstandard.ZstdCompressionDict(dictionaries[dictionary]) if dictionary else None
                part = zstandard.ZstdDecompressor(dict_data=made).decompress(part, max_output_size=plain)
            if len(part) != plain:
                raise Unreadable(f"message {number}: length of a frame")
            parts.append(part)
            at, index = at + 13 + stored, index + 1
        return bool(flags & 4), b"".join(parts)


class Packs:
    """All packs that count."""

    def __init__(self, packs: list[Pack], dictionaries: dict[int, bytes], parts: dict[str, list[int]]) -> None:
        self.packs = packs
        self.dictionaries = dictionaries
        self.parts = parts

    def message(self, number: int, size: int) -> bytes:
        is_recipe, plain = self._entry(number, size)
        return b"".join(self._cooked(plain)) if is_recipe else plain

    def _entry(self, number: int, size: int) -> tuple[bool, bytes]:
        pack = next((pack for pack in self.packs if number in pack.offsets), None)
        if pack is None:
            raise Unreadable(f"entry {number} is in no pack")
        return pack.entry(number, size, self.dictionaries)

    def _cooked(self, plain: bytes) -> Iterator[bytes]:
        magic, count = struct.unpack_from("<4sI", plain)
        if magic != b"PKR1":
            raise Unreadable("recipe")
        at = 8 + 54 * count
        for row in range(count):
            before, encoding, ending, line, size, digest = struct.unpack_from("<QBBIQ32s", plain, 8 + 54 * row)
            yield plain[at : at + before]
            at += before
            part = self._part(digest, size)
            if encoding == 1:
                text = base64.b64encode(part)
                width = line or len(text)
                lines = [text[start : start + width] for start in range(0, len(text), width)]
                part = (b"", b"\n", b"\r\n")[ending].join(lines)
            yield part
        yield plain[at:]

    def _part(self, digest: bytes, size: int) -> bytes:
        lying = [part for part in self.parts[digest.hex()] if any(1 << 62 | part in p.offsets for p in self.packs)]
        _, part = self._entry(1 << 62 | lying[-1], size)
        if hashlib.sha256(part).digest() != digest:
            raise Unreadable("a part is not what it was")
        return part


def read_store(
    root: Path, *, master: bytes | None = None, recovery: bytes | None = None
) -> Iterator[tuple[str, str, bytes]]:
    """Every placement: (label of the mailbox, path of the folder, the message)."""
    identity, key = store_key(root, master=master, recovery=recovery)
    told = Told()
    for event in journal_events(root, identity, key):
        told.hear(*event)
    dictionaries = {}
    cipher = AESGCM(hkdf(key, b"postkeep dictionary"))
    for number, digest in told.dictionaries.items():
        raw = (root / f"dictionaries/{number:08d}.dict").read_bytes()
        plain = cipher.decrypt(raw[:12], raw[12:], identity + struct.pack("<I", number))
        if hashlib.sha256(plain).hexdigest() != digest:
            raise Unreadable(f"dictionary {number}")
        dictionaries[number] = plain
    lying = [Pack(root, identity, key, number, told.sealed.get(number)) for number in sorted(told.packs)]
    packs = Packs(lying, dictionaries, told.parts)
    for number, (digest, size) in sorted(told.messages.items()):
        content = packs.message(number, size)
        if hashlib.sha256(content).hexdigest() != digest or len(content) != size:
            raise Unreadable(f"message {number} is not what it was")
        for folder in sorted(told.placements[number]):
            yield told.labels.get(told.folders[folder][0], ""), told.path(folder), content
