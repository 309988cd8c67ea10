"""What a backup set says of itself: one JSON document, written last, which makes it a set.

Not for writing the objects it names (`writing`) nor for reading them (`restoring`, `checking`).
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from archive.store.errors import StoreError
from archive.store.journal import Position
from archive.store.keys import Keys, derive, is_intact, unwrap, unwrap_with_recovery, wrap

from .destination import Destination, read_whole
from .errors import BackupError, KeyRefused, ObjectMissing, SetDamaged, SetUnknown
from .sealing import new_key

FORMAT = 1
SETS, KEYS = "sets", "keys"
_SET = re.compile(r"[0-9]{8}T[0-9]{12}Z-[0-9a-f]{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a set: its name where it belongs, and the object that holds it. bytes, sha256: of the object.

    sealed: under the backup key; then plain_bytes and plain_sha256 are the file's own.
    """

    name: str
    object: str
    bytes: int
    sha256: str
    sealed: bool = False
    plain_bytes: int = 0
    plain_sha256: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file itself."""
        return self.plain_bytes if self.sealed else self.bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the file itself."""
        return self.plain_sha256 if self.sealed else self.sha256


@dataclass(frozen=True, slots=True)
class StorePart:
    """One store as it was at a record of its journal. highest_mailbox: no mailbox number in it is larger."""

    identity: str
    name: str
    folder: str
    state: str
    segment: int
    offset: int
    record: int
    chain: str
    messages: int
    raw_bytes: int
    highest_mailbox: int
    items: list[Item] = field(default_factory=list)
    index: list[Item] = field(default_factory=list)

    @property
    def position(self) -> Position:
        return Position(self.segment, self.offset, self.record, bytes.fromhex(self.chain))

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in (*self.items, *self.index))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole set. migrations: the last one of each app, in whose shape the database is."""

    set: str
    started: str
    finished: str
    version: str
    host: str
    key: str
    database: Item | None
    migrations: dict[str, str]
    stores: list[StorePart]
    problems: list[str] = field(default_factory=list)
    bytes_written: int = 0
    format: int = FORMAT

    def items(self) -> Iterator[Item]:
        """Every file of the set."""
        if self.database is not None:
            yield self.database
        for store in self.stores:
            yield from store.items
            yield from store.index

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items())

    @property
    def messages(self) -> int:
        return sum(store.messages for store in self.stores)

    @property
    def with_indexes(self) -> bool:
        return any(store.index for store in self.stores)

    def store(self, name: str) -> StorePart:
        """By name or identity. Raises: SetUnknown."""
        found = next((each for each in self.stores if name in (each.name, each.identity)), None)
        if found is None:
            raise SetUnknown(f"the backup {self.set} holds no store “{name}”")
        return found

    def when(self) -> datetime.datetime:
        """The moment it is of: when its database was read."""
        return datetime.datetime.fromisoformat(self.started)


def new_set_id(now: datetime.datetime) -> str:
    return f"{now:%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(2)}"


def set_name(set_id: str) -> str:
    return f"{SETS}/{set_id}.json"


def dump(manifest: Manifest, key: bytes) -> bytes:
    """The document, with a code (HMAC-SHA-256) that says who wrote it and that nothing changed since."""
    said = asdict(manifest)
    return json.dumps({"manifest": said, "code": _code(said, key)}, indent=1, ensure_ascii=False).encode()


def _code(said: dict[str, Any], key: bytes) -> str:
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hmac.new(derive(key, b"backup manifest"), text, hashlib.sha256).hexdigest()


def load(raw: bytes, where: str, key: bytes | None = None) -> Manifest:
    """Raises: SetDamaged (not readable, of another format, or, with a key, not written under it)."""
    try:
        document = json.loads(raw)
        said = document["manifest"]
        if said["format"] != FORMAT:
            raise SetDamaged(f"{where} is of format {said['format']}; {FORMAT} is read here")
        if key is not None and not hmac.compare_digest(_code(said, key), document["code"]):
            raise SetDamaged(f"{where} was changed, or written under another key")
        database = None if said["database"] is None else Item(**said["database"])
        stores = [
            StorePart(**{**each, "items": _items(each["items"]), "index": _items(each["index"])})
            for each in said["stores"]
        ]
        return Manifest(**{**said, "database": database, "stores": stores})
    except (ValueError, KeyError, TypeError) as error:
        raise SetDamaged(f"{where} can't be read") from error


def _items(said: list[dict[str, Any]]) -> list[Item]:
    return [Item(**each) for each in said]


# --- what a destination holds ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """One set at a destination; without a manifest it can't be read, and `problem` says why."""

    set: str
    manifest: Manifest | None
    problem: str = ""


def list_sets(destination: Destination) -> list[Listed]:
    """All sets, newest first."""
    found = []
    for name in sorted(destination.sizes(SETS), reverse=True):
        set_id = name.rsplit("/", 1)[-1].removesuffix(".json")
        if not _SET.fullmatch(set_id):
            continue
        try:
            found.append(Listed(set_id, read_set(destination, set_id)))
        except (SetDamaged, SetUnknown) as error:
            found.append(Listed(set_id, None, str(error)))
    return found


def read_set(destination: Destination, set_id: str, key: bytes | None = None) -> Manifest:
    """Raises: SetUnknown, SetDamaged."""
    if not _SET.fullmatch(set_id):
        raise SetUnknown(f"“{set_id[:60]}” is not the name of a backup set")
    try:
        raw = read_whole(destination, set_name(set_id))
    except ObjectMissing:
        raise SetUnknown(f"there is no backup set {set_id} at {destination.label}") from None
    return load(raw, f"the backup set {set_id}", key)


# --- keys --------------------------------------------------------------------------------------------------------


def key_for_writing(destination: Destination, keys: Keys) -> tuple[str, bytes]:
    """The backup key of a destination that these keys open; a new one where there is none. Its id, and the key."""
    for name in sorted(destination.sizes(KEYS), reverse=True):
        key_id = _key_id(name)
        with contextlib.suppress(BackupError):
            document = read_whole(destination, name)
            key = _unwrap(document, key_id, keys.master)
            if _is_for(document, keys) and is_intact(document, key):
                return key_id, key
    key_id, key = secrets.token_hex(16), new_key()
    document = wrap(key, key_id, keys)
    destination.put(f"{KEYS}/{key_id}.json", lambda: iter([document]), len(document))
    return key_id, key


def _is_for(document: bytes, keys: Keys) -> bool:
    """Whether the recovery key of today opens it too, and a check would tell if it couldn't any more."""
    said = json.loads(document)
    return "check" in said and str(said["recovery"]["for"]) == base64.b64encode(keys.recovery_public).decode()


def open_key(
    destination: Destination, key_id: str, *, master: bytes | None = None, recovery: bytes | None = None
) -> bytes:
    """The backup key, by the master key or the recovery key (its private half). Raises: KeyRefused, SetDamaged."""
    try:
        document = read_whole(destination, f"{KEYS}/{key_id}.json")
    except ObjectMissing:
        raise SetDamaged(f"the backup's own key ({key_id}) is missing at {destination.label}") from None
    if recovery is not None:
        with contextlib.suppress(StoreError):
            return unwrap_with_recovery(document, key_id, recovery)
    if master is not None:
        return _unwrap(document, key_id, master)
    raise KeyRefused("this recovery key does not open the backup")


def wrong_with_key(destination: Destination, key_id: str, key: bytes) -> str:
    """Why the recovery key, which isn't here to be tried, may not open a backup's key; nothing where it is whole."""
    name = f"{KEYS}/{key_id}.json"
    try:
        return "" if is_intact(read_whole(destination, name), key) else f"{name}: it is not what was written"
    except (ObjectMissing, StoreError) as error:
        return f"{name}: {error}"


def _unwrap(document: bytes, key_id: str, master: bytes) -> bytes:
    try:
        return unwrap(document, key_id, master)
    except StoreError as error:
        raise KeyRefused("the master key does not open the backup; its recovery key does") from error


def _key_id(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".json")
