"""Backups in an S3 bucket, through obstore.

A request that fails is tried again with growing pauses: what the server or the net did wrong passes, a key that is
refused does not. A put is atomic there, so an object that is listed is whole. Not for choosing whom to reach: the
caller has asked the gate.

Source: Amazon S3 API, "Error responses"; exponential back-off with jitter.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from obstore.exceptions import (
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
from obstore.store import S3Store

from .destination import Pieces
from .errors import BackupError, DestinationFailed, DestinationFull, DestinationRefused, ObjectMissing

TRIES = 8
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
PART_BYTES = 8 << 20
_CODE = re.compile(r"<Code>([A-Za-z]{3,60})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_FULL = frozenset(
    {"InsufficientStorage", "QuotaExceeded", "EntityTooLarge", "XMinioStorageFull", "InsufficientCapacity"}
)
_REFUSED = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        "InvalidAccessKeyId",
        "InvalidBucketName",
        "NoSuchBucket",
        "SignatureDoesNotMatch",
    }
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where and as whom. prefix: what all names begin with, without slashes at its ends.

    proxy: the address of a proxy that every connection goes through.
    """

    endpoint: str
    bucket: str
    region: str = "us-east-1"
    prefix: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)
    ca_pem: str = ""
    timeout_s: float = 60.0
    proxy: str = ""


def _client(where: Bucket, client: Any, retry: Any) -> S3Store:
    try:
        return S3Store(
            bucket=where.bucket,
            prefix=where.prefix or None,
            endpoint=where.endpoint,
            region=where.region or "us-east-1",
            access_key_id=where.key,
            secret_access_key=where.secret,
            virtual_hosted_style_request=False,
            client_options=client,
            retry_config=retry,
        )
    except (BaseError, UnknownConfigurationKeyError, ValueError) as error:
        raise DestinationRefused(f"this is no S3 server to reach: {_short(error)}") from error


class S3Destination:
    """Objects below a prefix of a bucket. Safe for threads."""

    def __init__(self, where: Bucket, *, tries: int = TRIES, pause: Callable[[float], None] = time.sleep) -> None:
        self.label = f"s3://{where.bucket}/{where.prefix}".rstrip("/")
        self._tries = tries
        self._pause = pause
        self.retried = 0
        client: dict[str, Any] = {
            "allow_http": where.endpoint.startswith("http://"),
            "timeout": timedelta(seconds=where.timeout_s),
            "connect_timeout": timedelta(seconds=min(where.timeout_s, 10)),
        }
        if where.proxy:
            client["proxy_url"] = where.proxy
        if where.ca_pem:
            client["root_certificate"] = where.ca_pem
        backoff = {
            "init_backoff": timedelta(seconds=FIRST_PAUSE_S),
            "max_backoff": timedelta(seconds=LONGEST_PAUSE_S),
            "base": 2,
        }
        patient = {"max_retries": tries, "backoff": backoff, "retry_timeout": timedelta(minutes=3)}
        self._store = _client(where, client, {"max_retries": 0})
        # A request for one part of an upload is tried again by obstore, which alone knows the parts.
        self._parts = _client(where, client, patient)

    def sizes(self, folder: str) -> dict[str, int]:
        def ask() -> dict[str, int]:
            found: dict[str, int] = {}
            for chunk in self._store.list(folder or None, chunk_size=1000):
                found.update((str(each["path"]), int(each["size"])) for each in chunk)
            return found

        return self._again(ask, folder)

    def size(self, name: str) -> int:
        return self._again(lambda: int(self._store.head(name)["size"]), name)

    def read(self, name: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        return self._again(lambda: bytes(self._store.get_range(name, start=offset, length=length)), name)

    def put(self, name: str, pieces: Pieces, size: int) -> None:
        if size <= PART_BYTES:
            content = b"".join(pieces())
            self._again(lambda: self._store.put(name, content, use_multipart=False), name)
        else:
            self._put_in_parts(name, pieces)

    def _put_in_parts(self, name: str, pieces: Pieces) -> None:
        """An upload of several parts, each tried again by itself; none of it is to be seen before its end."""
        failed: list[BaseException] = []

        def guarded() -> Iterator[bytes]:
            try:
                yield from pieces()
            except BaseException as error:
                failed.append(error)  # ours, not the server's: handed on as it is
                raise

        def once() -> None:
            failed.clear()
            try:
                self._parts.put(name, guarded(), use_multipart=True, chunk_size=PART_BYTES, max_concurrency=3)
            except BaseException:
                if failed:
                    raise _Ours(failed[0]) from None
                raise

        self._again(once, name)

    def delete(self, name: str) -> None:
        with contextlib.suppress(ObjectMissing):
            self._again(lambda: self._store.delete(name), name)

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """A bucket has no locks; the house sees to it that one task at a time writes there."""
        yield

    def sweep(self) -> None:
        """Uploads that were never finished are the bucket's to end (a lifecycle rule)."""

    def _again(self, ask: Callable[[], T], name: str) -> T:
        for number in range(1, self._tries + 1):
            try:
                return ask()
            except _Ours as error:
                raise error.cause from None
            except (BaseError, OSError) as error:
                said = translate(error, name)
                if said.permanent or isinstance(said, DestinationFull):
                    raise said from error
                if number == self._tries:
                    text = f"{said} (tried {number} times)"
                    raise DestinationFailed(text) from error
            self.retried += 1
            pause = min(FIRST_PAUSE_S * 2 ** (number - 1), LONGEST_PAUSE_S)
            self._pause(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter)
        raise AssertionError("a try either answers or raises")


class _Ours(Exception):
    """What reading the source raised while its bytes were sent."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


def translate(error: Exception, name: str) -> BackupError:
    """The error of a request as one of ours, in the server's own words where it said some."""
    text = str(error)
    code = match[1] if (match := _CODE.search(text)) else ""
    said = f"{name}: {_short(error)}" if name else _short(error)
    if code in _FULL or "507 Insufficient Storage" in text:
        return DestinationFull(f"no room is left at the destination ({said})")
    if code in _REFUSED or isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return DestinationRefused(f"the S3 server refuses: {said}")
    if isinstance(error, (NotFoundError, FileNotFoundError)):
        return ObjectMissing(f"{name} is not there")
    return DestinationFailed(said)


def _short(error: Exception) -> str:
    """The code and message of the answer, or the first line of what the client says."""
    text = str(error)
    code, message = _CODE.search(text), _MESSAGE.search(text)
    if code:
        return f"{code[1]}: {message[1].strip()}" if message else code[1]
    line = text.strip().split("\n", 1)[0]
    return line.rsplit(" - ", 1)[-1][:300]
