"""The open engines of this process: one per store, shared by its threads.

Not for deciding who may read what, and not for making stores (`services.stores`). A forked child forgets what its
parent had open and opens anew. A store that can't be opened is not tried again by every request: after a while, or when
somebody asked for it (`Store.retried_at`, which every process sees).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from archive import attachment_options, grounds
from archive import store as engine
from archive.errors import StoreProtected, StoreUnavailable
from archive.models import Store
from archive.store.errors import StoreError
from archive.store.postgres import PostgresBackend
from archive.store.postgres.backend import PACK_BYTES
from archive.texts import Policy, Reader
from config.kit import secrets

TRY_AGAIN_S = 15.0
UNOPENABLE = (StoreError, secrets.SecretsError, OSError)

_guard = threading.Lock()
# One at a time opens a store; who wants another one isn't held up by a server that doesn't answer.
_opening: dict[int, threading.Lock] = {}
_open: dict[int, engine.Store] = {}
_places: dict[int, tuple[object, ...]] = {}  # where each of them was when it was opened
_failed: dict[int, tuple[float, str]] = {}
POLICY_SECONDS = 5.0


class _Asked:
    """The policy of attached files as the options say it, asked again every few seconds: by many threads at once."""

    def __init__(self) -> None:
        self._until = 0.0
        self._policy = Policy()

    def forget(self) -> None:
        self._until = 0.0

    def __call__(self) -> Policy:
        if time.monotonic() > self._until:
            try:
                self._policy = attachment_options.policy()
            except DatabaseError:  # what counted a moment ago counts still
                connection.close()
            self._until = time.monotonic() + POLICY_SECONDS
            if threading.current_thread() is not threading.main_thread() and not connection.in_atomic_block:
                connection.close()  # a thread of the engine asked, which closes nothing
        return self._policy


_asked = _Asked()
_reader = Reader(_asked)


def keys() -> engine.Keys:
    """What this installation opens stores with."""
    return engine.Keys(master=secrets.master_key(), recovery_public=secrets.recovery_public())


def open_store(store: Store) -> engine.Store:
    """The open engine of a store. Raises: StoreUnavailable (its place or key is missing, not a store, detached)."""
    if store.detached_at is not None:  # its catalogue would be made anew, in plain text
        raise _unavailable(store, _("it is detached"))
    _require_unlocked(store)
    with _guard:
        if (found := _found(store)) is not None:
            return found
        opening = _opening.setdefault(store.pk, threading.Lock())
    with opening:
        with _guard:
            if (found := _found(store)) is not None:
                return found
        _refuse_again(store)
        try:
            opened = open_on_ground(store, store.work, index=store.index)
            opened.reader = _reader
        except UNOPENABLE as error:
            _failed[store.pk] = (time.time(), str(error))
            raise _unavailable(store, str(error)) from error
        with _guard:
            _open[store.pk], _places[store.pk] = opened, store.place
            _failed.pop(store.pk, None)
        return opened


def _found(store: Store) -> engine.Store | None:
    """The engine that is open already, unless its store lies elsewhere by now, or another catalogue was put in place.

    Such a one is forgotten, not closed: other threads may be reading from it still.
    """
    found = _open.get(store.pk)
    if found is not None and (found.stale() or _places.get(store.pk) != store.place):
        found = _open.pop(store.pk) and None
    return found


def _require_unlocked(store: Store) -> None:
    """Before its mailboxes are told apart their numbers would be those of others here. Raises: StoreUnavailable."""
    if store.is_locked:
        raise _unavailable(store, _("it came from another installation and waits for its recovery key"))


def open_on_ground(
    store: Store, work: Path, *, index: Path | None = None, repair: bool = False, key: bytes | None = None
) -> engine.Store:
    """A new engine of a store, wherever it lies, for whoever closes it. key: the store's own, where ours don't open it.

    Raises: StoreError, SecretsError, OSError.
    """
    if store.is_folder:
        return engine.Store.open(store.root, work, keys(), index=index, repair=repair, key=key)
    backend = grounds.database_backend(store)
    try:
        return engine.Store.open_in(backend, work, keys(), index=index, repair=repair, pack_bytes=PACK_BYTES, key=key)
    except BaseException:
        backend.close()
        raise


def make_on_ground(store: Store) -> str:
    """Make an empty store where its row says; its identity. Raises: StoreError, SecretsError, OSError."""
    if store.is_folder:
        with engine.Store.create(store.root, store.work, keys(), index=store.index) as opened:
            return opened.identity
    backend = grounds.database_backend(store)
    try:
        PostgresBackend.create(backend.database, backend.objects)
        with engine.Store.create_in(backend, store.work, keys(), index=store.index, pack_bytes=PACK_BYTES) as opened:
            return opened.identity
    finally:
        backend.close()


def _refuse_again(store: Store) -> None:
    failed_at, why = _failed.get(store.pk, (0.0, ""))
    asked_again = store.retried_at is not None and store.retried_at.timestamp() > failed_at
    if time.time() - failed_at < TRY_AGAIN_S and not asked_again:
        raise _unavailable(store, why)


def _unavailable(store: Store, why: str) -> StoreUnavailable:
    return StoreUnavailable(_("the store “%(name)s” can't be opened: %(why)s") % {"name": store.name, "why": why})


def open_writable(store: Store) -> engine.Store:
    """The engine of a store that may be written to now. Raises: StoreProtected, StoreUnavailable."""
    store.refresh_from_db(fields=["state", "detached_at"])
    require_writable(store)
    opened = open_store(store)
    mark_protected(store)
    return opened


def require_writable(store: Store) -> None:
    """Raises: StoreProtected."""
    if not store.is_open:
        raise StoreProtected(_("The store “%(name)s” is switched off.") % {"name": store.name})
    if not store.is_writable:
        raise StoreProtected(_("The store “%(name)s” is write-protected.") % {"name": store.name})


def mark_protected(store: Store) -> None:
    """Let the engine refuse every write to a store that is write-protected, in every process, also one that writes now.

    `store` is the row as it is now. Where a kill left a mark that doesn't fit it, the next writer puts that right.
    """
    mark = store.work / engine.PROTECTED
    if store.is_writable:
        mark.unlink(missing_ok=True)
    elif store.work.is_dir():
        mark.touch()


@contextlib.contextmanager
def opened_for_upkeep(store: Store, *, repair: bool = False) -> Iterator[engine.Store]:
    """An engine of its own, also of a store that is switched off, and with `repair` of one that is damaged.

    Raises: StoreUnavailable.
    """
    _require_unlocked(store)
    try:
        opened = open_on_ground(store, store.work, index=store.index, repair=repair)
    except UNOPENABLE as error:
        raise _unavailable(store, str(error)) from error
    opened.reader = _reader
    try:
        yield opened
    finally:
        opened.close()


def problem_of(store: Store) -> str:
    """Why a store can't be opened; empty when it can."""
    try:
        open_store(store)
    except StoreUnavailable as error:
        return str(error)
    return ""


def close_store(store: Store) -> None:
    """Close one engine, if it is open here, and forget that it could not be opened."""
    with _guard:
        found = _open.pop(store.pk, None)
        _failed.pop(store.pk, None)
    if found is not None:
        found.close()


def close_all() -> None:
    """Close what this process has open."""
    with _guard:
        found = list(_open.values())
        _open.clear()
        _failed.clear()
    for each in found:
        each.close()
    _reader.close()
    _asked.forget()


def _forget() -> None:
    """After a fork: the parent's engines are the parent's; nothing of them may be used or closed here."""
    global _guard, _reader
    _guard = threading.Lock()
    _opening.clear()
    _reader = Reader(_asked)
    _open.clear()
    _failed.clear()


os.register_at_fork(after_in_child=_forget)
