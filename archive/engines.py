"""The open engines of this process: one per store, shared by its threads.

Not for deciding who may read what, and not for making stores (`services.stores`). A forked child forgets what its
parent had open and opens anew.
"""

from __future__ import annotations

import os
import threading

from archive import store as engine
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.store.errors import StoreError
from config.kit import secrets

_guard = threading.Lock()
_open: dict[int, engine.Store] = {}


def keys() -> engine.Keys:
    """What this installation opens stores with."""
    return engine.Keys(master=secrets.master_key(), recovery_public=secrets.recovery_public())


def open_store(store: Store) -> engine.Store:
    """The open engine of a store. Raises: StoreUnavailable (folder missing, wrong key, not a store)."""
    with _guard:
        found = _open.get(store.pk)
        if found is not None and found.stale():
            # Recover put another catalogue in place. Not closed here: other threads may be reading from it still.
            del _open[store.pk]
        if store.pk not in _open:
            try:
                _open[store.pk] = engine.Store.open(store.root, store.work, keys())
            except (StoreError, secrets.SecretsError, OSError) as error:
                raise StoreUnavailable(f"the store “{store.name}” can't be opened: {error}") from error
        return _open[store.pk]


def close_store(store: Store) -> None:
    """Close one engine, if it is open here."""
    with _guard:
        found = _open.pop(store.pk, None)
    if found is not None:
        found.close()


def close_all() -> None:
    """Close what this process has open."""
    with _guard:
        found = list(_open.values())
        _open.clear()
    for each in found:
        each.close()


def _forget() -> None:
    """After a fork: the parent's engines are the parent's; nothing of them may be used or closed here."""
    global _guard
    _guard = threading.Lock()
    _open.clear()


os.register_at_fork(after_in_child=_forget)
