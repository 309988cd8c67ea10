"""The small files of a store: `store.json` and `keys.json`, made, read and wrapped anew."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from . import keys as wrapping
from .backend import Backend, FileBackend
from .errors import Damaged, KeyRefused, NotFound, WrongFormat
from .journal import Journal, Position
from .keys import Keys

# Stores are made in the newest format. An older one is read and written as it is, with the events it knows, until it is
# upgraded.
FORMAT = 3
OLDEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Head:
    """What `store.json` says."""

    format: int
    identity: str
    created: str

    def upgraded(self) -> Head:
        return replace(self, format=FORMAT)

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()


def make_store(backend: Backend, keys: Keys) -> tuple[str, bytes]:
    """Write the two small files of a new store: (identity, store key)."""
    identity, key = uuid.uuid4().hex, wrapping.new_store_key()
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    backend.put("keys.json", wrapping.wrap(key, identity, keys))
    backend.put("store.json", Head(FORMAT, identity, created).as_bytes())
    return identity, key


def files_of(place: Path | Backend) -> Backend:
    """The files of a store that lies in a folder, or anywhere."""
    return FileBackend(place) if isinstance(place, Path) else place


def read_whole(backend: Backend, name: str) -> bytes:
    return backend.read(name, 0, backend.size(name))


def read_head(backend: Backend) -> Head:
    """Raises: WrongFormat."""
    try:
        document = json.loads(read_whole(backend, "store.json"))
        head = Head(document["format"], str(document["identity"]), str(document.get("created", "")))
        if type(head.format) is not int or not OLDEST_FORMAT <= head.format <= FORMAT:
            here = f"{OLDEST_FORMAT} to {FORMAT} are read here"
            raise WrongFormat(f"the store is of format {document['format']}, {here}")
        if len(bytes.fromhex(head.identity)) != 16:
            raise WrongFormat("store.json has no valid identity")
    except NotFound:
        raise WrongFormat("there is no store here: store.json is missing") from None
    except (ValueError, KeyError, TypeError) as error:
        raise WrongFormat(f"store.json can't be read: {error}") from error
    return head


def read_identity(backend: Backend) -> str:
    """Raises: WrongFormat."""
    return read_head(backend).identity


def rewrap(place: Path | Backend, keys: Keys, recovery_private: bytes) -> None:
    """Open a store with the recovery key and wrap its key anew under other keys. Raises: KeyRefused, WrongFormat."""
    backend = files_of(place)
    identity = read_identity(backend)
    key = wrapping.unwrap_with_recovery(read_whole(backend, "keys.json"), identity, recovery_private)
    backend.put("keys.json", wrapping.wrap(key, identity, keys))


def stage_master(place: Path | Backend, keys: Keys, next_master: bytes) -> None:
    """Let the next master key open a store too; the present one still does. Raises: KeyRefused, WrongFormat."""
    backend = files_of(place)
    identity = read_identity(backend)
    document = read_whole(backend, "keys.json")
    if wrapping.is_wrapped_for(document, identity, next_master):
        return
    key = wrapping.unwrap(document, identity, keys.master)
    backend.put("keys.json", wrapping.wrap(key, identity, keys, next_master=next_master))


def finish_master(place: Path | Backend, keys: Keys) -> None:
    """Only this master key opens a store from now on (and the recovery key). Raises: KeyRefused, WrongFormat."""
    backend = files_of(place)
    identity = read_identity(backend)
    document = read_whole(backend, "keys.json")
    if not wrapping.is_wrapped_for(document, identity, keys.master):
        key = wrapping.unwrap(document, identity, keys.master)
        backend.put("keys.json", wrapping.wrap(key, identity, keys))


def move_aside(work: Path) -> None:
    """Keep a catalogue that can't be read under another name."""
    for path in work.glob("catalogue.sqlite*"):
        if "damaged" not in path.name:
            path.rename(path.with_name(path.name.replace("catalogue.sqlite", f"catalogue.damaged-{int(time.time())}")))


def give_key(place: Path | Backend, keys: Keys, store_key: bytes) -> None:
    """Write `keys.json` anew from the store's own key, once the first record of the journal proves that it is.

    Raises: KeyRefused, WrongFormat (no store, or an empty one, which proves nothing).
    """
    backend = files_of(place)
    identity = read_identity(backend)
    journal = Journal(backend, store_key, bytes.fromhex(identity))
    try:
        if next(journal.read(Position()), None) is None:
            raise WrongFormat("the journal holds nothing that could prove a key")
    except Damaged as error:
        raise KeyRefused("this key does not open the journal") from error
    backend.put("keys.json", wrapping.wrap(store_key, identity, keys))
