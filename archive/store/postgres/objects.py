"""Where sealed packs go: a folder, or a bucket of an S3 server. Keys are relative, with `/`; an object never changes.

Not for which objects there are and which of them count: the database knows (`backend`).
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from ..backend import FileBackend
from ..errors import Damaged, NotFound, StorageFailed

# A request is tried again by the library, what failed even so as a whole by us. Less patience for a page that waits.
TRIES = 3
FIRST_PAUSE_S = 0.2
PART_BYTES = 8 << 20
RETRIES = 6

T = TypeVar("T")


class Objects(Protocol):
    """A place for whole objects."""

    def put(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        """Write an object; durable afterwards. `pieces` is called anew for each try. Raises: StorageFailed."""

    def read(self, key: str, offset: int, length: int) -> bytes:
        """A part. Raises: NotFound, StorageFailed."""

    def stream(self, key: str) -> Iterator[bytes]:
        """All of it, anew from where it lies. Raises: NotFound, StorageFailed."""

    def delete(self, key: str) -> None:
        """Gone afterwards, also where there was none. Raises: StorageFailed."""

    def check(self) -> None:
        """Write, read and delete a small object. Raises: StorageFailed."""


def compare(objects: Objects, key: str, size: int, sha256: str) -> None:
    """Read an object back. Raises: Damaged (it is not what it should be), StorageFailed."""
    digest, found = hashlib.sha256(), 0
    for piece in objects.stream(key):
        digest.update(piece)
        found += len(piece)
    if (found, digest.hexdigest()) != (size, sha256):
        raise Damaged("what was read back is not what was uploaded", key)


def try_out(objects: Objects, key: str) -> None:
    """Whether a place takes objects and gives them back. Raises: StorageFailed, Damaged."""
    said = b"Postkeep looks whether it can write here."
    objects.put(key, lambda: [said])
    try:
        compare(objects, key, len(said), hashlib.sha256(said).hexdigest())
    finally:
        objects.delete(key)


def _inside(key: str) -> str:
    """Raises: StorageFailed."""
    if "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        raise StorageFailed(f"{key[:300]!r} is not the key of an object")
    return key


class FileObjects:
    """A folder, also of a network file system: as durable as its `fsync`.

    Keys come from a database that may be somebody else's: none leads out of the folder.
    """

    def __init__(self, root: Path) -> None:
        self._files = FileBackend(root)

    def put(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        writer = self._files.append(_inside(key), 0)
        try:
            for piece in pieces():
                writer.write(piece)
            writer.sync()
        finally:
            writer.close()

    def read(self, key: str, offset: int, length: int) -> bytes:
        return self._files.read(_inside(key), offset, length)

    def stream(self, key: str) -> Iterator[bytes]:
        size = self._files.size(_inside(key))
        return (self._files.read(key, at, PART_BYTES) for at in range(0, size, PART_BYTES))

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound):
            self._files.delete(_inside(key))

    def check(self) -> None:
        try_out(self, "check/check")


@dataclass(frozen=True, slots=True)
class S3Place:
    """Which bucket, and how it is reached. `prefix` stands before all keys; `endpoint` is empty for Amazon's own.

    proxy: the address of a proxy that every connection goes through; without one, none is used.
    """

    bucket: str
    access_key: str
    secret_key: str
    endpoint: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    proxy: str = ""


class S3Objects:
    """A bucket of an S3 server, through `obstore`. tries: how often what failed in spite of the retries is tried."""

    def __init__(self, place: S3Place, *, retries: int = RETRIES, tries: int = TRIES) -> None:
        self.place = place
        self._tries = tries
        pauses = {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=5), "base": 2}
        again = {"max_retries": retries, "retry_timeout": timedelta(seconds=60), "backoff": pauses}
        client = {"allow_http": True, "timeout": timedelta(seconds=120), "connect_timeout": timedelta(seconds=10)}
        client |= {"proxy_url": place.proxy} if place.proxy else {}
        endpoint = {"endpoint": place.endpoint} if place.endpoint else {}
        self._store = S3Store(
            place.bucket, prefix=place.prefix.strip("/") or None, access_key_id=place.access_key,
            secret_access_key=place.secret_key, region=place.region or "us-east-1", client_options=client,  # type: ignore[arg-type]
            retry_config=again, virtual_hosted_style_request=False, **endpoint,  # type: ignore[arg-type]
        )  # fmt: skip

    def put(self, key: str, pieces: Callable[[], Iterable[bytes]]) -> None:
        self._again(key, lambda: obstore.put(self._store, key, iter(pieces()), chunk_size=PART_BYTES))

    def read(self, key: str, offset: int, length: int) -> bytes:
        data = self._again(key, lambda: bytes(obstore.get_range(self._store, key, start=offset, length=length)))
        if len(data) != length:
            raise StorageFailed(f"the object {key} gave {len(data)} bytes, {length} were asked for")
        return data

    def stream(self, key: str) -> Iterator[bytes]:
        size = int(self._again(key, lambda: obstore.head(self._store, key))["size"])
        return (self.read(key, at, min(PART_BYTES, size - at)) for at in range(0, size, PART_BYTES))

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotFound):
            self._again(key, lambda: obstore.delete(self._store, key))

    def check(self) -> None:
        try_out(self, f"check/{random.getrandbits(64):016x}")

    def _again(self, key: str, call: Callable[[], T]) -> T:
        """Try with pauses that grow. Raises: NotFound, StorageFailed."""
        for tries in range(1, self._tries + 1):
            try:
                return call()
            except (NotFoundError, FileNotFoundError):
                raise NotFound(f"the object {key} is not there") from None
            except (BaseError, OSError, ValueError) as error:
                failure = error
            if tries < self._tries:
                time.sleep(FIRST_PAUSE_S * 2**tries * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        said = str(failure).strip().split("\n", maxsplit=1)[0][:300]
        raise StorageFailed(f"the object {key}: {said}") from failure
