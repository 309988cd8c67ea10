"""Making stores, choosing the current one, and their keys.

Not for what happens inside a store: that is the engine's (`archive.store`).
"""

from __future__ import annotations

import contextlib
import os
import secrets as random
import time
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive import store as engine
from archive.errors import BadArguments, StoreUnavailable, StoreUnknown
from archive.models import Store, StoreState
from archive.store.errors import StoreError
from archive.store.keys import unwrap, unwrap_with_recovery, wrap
from config.kit import paths, sealing_keys, secrets

FIRST_NAME = "Main"
_LOCK = 0x706B_0001  # pg_advisory_xact_lock: one maker of stores at a time


def current_store(actor: Actor) -> Store:
    """The store new mail goes to; the first one, “Main”, is made on first use.

    Needs no right: whoever may import makes it, unknowingly. Two first importers at once get the same one.
    """
    found = Store.objects.filter(state=StoreState.CURRENT).first()
    return found or _make(actor, FIRST_NAME, current=True)


def create_store(actor: Actor, *, name: str) -> Store:
    """A new store in the stores folder; the current one if there is none yet. Raises: Forbidden, BadArguments."""
    actor.require(Right.MANAGE_STORES)
    return _make(actor, name, current=False)


def store_for_import(actor: Actor, name: str | None) -> Store:
    """The named store, made if there is none of that name; without a name the current one.

    Raises: Forbidden (another than the current needs the right), StoreUnknown (it is switched off).
    """
    if name is None:
        return current_store(actor)
    actor.require(Right.MANAGE_STORES)
    found = Store.objects.filter(name=name).first() or create_store(actor, name=name)
    if not found.is_open:
        raise StoreUnknown(f"the store “{name}” is switched off")
    return found


def clean_store_name(name: str) -> str:
    """A name as people write it, made tidy. Raises: BadArguments."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise BadArguments("a store's name has 1 to 100 printable characters")
    return name


def _make(actor: Actor, name: str, *, current: bool) -> Store:
    """Make row and folder in one transaction; after a crash before its commit an empty folder is left and not used."""
    name = clean_store_name(name)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        known = Store.objects.filter(state=StoreState.CURRENT).first()
        found = known if current else Store.objects.filter(name=name).first()
        if found is not None:
            return found
        state = StoreState.NORMAL if known else StoreState.CURRENT
        store = Store.objects.create(name=_free_name(name), path=_free_folder(name), state=state)
        store.identity = _make_folder(store)
        store.save(update_fields=["identity"])
        audit.record(actor, "store.create", store, folder=str(store.root), state=str(store.state))
    return store


def _make_folder(store: Store) -> str:
    store.root.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with engine.Store.create(store.root, store.work, engines.keys()) as opened:
            return opened.identity
    except (StoreError, secrets.SecretsError, OSError) as error:
        raise StoreUnavailable(f"the store can't be made in {store.root}: {error}") from error


def _free_name(name: str) -> str:
    """A first store is called Main even if somebody named one so and switched it off."""
    taken = set(Store.objects.values_list("name", flat=True))
    return next(each for each in (name, *(f"{name} {n}" for n in range(2, 10_000))) if each not in taken)


def _free_folder(name: str) -> str:
    """A folder name nobody has, in the database or on disk."""
    stem = slugify(name)[:40] or "store"
    taken = set(Store.objects.values_list("path", flat=True))
    candidates = (stem, *(f"{stem}-{n}" for n in range(2, 10_000)))
    return next(each for each in candidates if each not in taken and not (paths.stores_dir() / each).exists())


# --- keys --------------------------------------------------------------------------------------------------------


def recover_keys(actor: Actor, *, recovery_key: str) -> dict[str, object]:
    """Open every store with the recovery key, give the installation a new master key, and wrap all stores under it.

    The keys of the secrets in the database (`config.kit.sealed`) likewise; one that nothing opens any more is named in
    the answer's `secrets_lost` and holds up nothing: what it sealed must be typed in again.

    The old master key, where there is one, is kept beside the new one under a name with its date. Crash-safe: until
    the last step the old master key stays, and the recovery key opens every store and every sealing key at every
    moment, so running it again finishes. Raises: Forbidden, SecretsError (mistyped), StoreUnavailable (some store
    refuses; nothing changed).
    """
    actor.require(Right.MANAGE_SERVER)
    private = secrets.parse_recovery_key(recovery_key)
    stores = list(Store.objects.order_by("pk"))
    opened = {store.pk: _unwrap(store, private) for store in stores}
    new = random.token_bytes(secrets.KEY_BYTES)
    keys = engine.Keys(master=new, recovery_public=secrets.public_of(private))
    prepared = _write_key(_master_file().with_suffix(".new"), new.hex().encode())
    for store in stores:
        _replace(store.root / KEYS_FILE, wrap(opened[store.pk], store.identity or "", keys))
    sealing = sealing_keys.rewrap(recovery_private=private, new_master=new)
    kept = _put_in_force(prepared)
    _restore_recovery_public(private)
    engines.close_all()
    names = [store.name for store in stores]
    audit.record(actor, "keys.recover", None, stores=names, secrets_lost=sealing.lost)
    return {"stores": names, "master": str(_master_file()), "old_master": kept, "secrets_lost": sealing.lost}


KEYS_FILE = "keys.json"


def _unwrap(store: Store, private: bytes) -> bytes:
    try:
        return unwrap_with_recovery((store.root / KEYS_FILE).read_bytes(), store.identity or "", private)
    except (StoreError, OSError) as error:
        raise StoreUnavailable(f"the store “{store.name}” can't be opened with this key: {error}") from error


def _master_file() -> Path:
    configured = os.environ.get("POSTKEEP_MASTER_KEY_FILE")
    return Path(configured) if configured else paths.keys_dir() / "master"


def _put_in_force(prepared: Path) -> str | None:
    """Make the prepared key the master key; where the old one is kept, if there was one."""
    master = _master_file()
    kept: Path | None = None
    if master.exists():
        kept = master.with_name(f"{master.name}.replaced-{timezone.now():%Y%m%d-%H%M%S}")
        with contextlib.suppress(FileExistsError):
            os.link(master, kept)
    prepared.replace(master)
    _sync_folder(master.parent)
    return None if kept is None else str(kept)


def _restore_recovery_public(private: bytes) -> None:
    """From now on new stores are wrapped for this key too, also where another one's public half lay."""
    _replace(paths.keys_dir() / "recovery.pub", secrets.public_of(private).hex().encode())


def are_keys_lost() -> bool:
    """Whether there are stores and the master key of this machine opens none of them."""
    stores = list(Store.objects.order_by("pk"))
    return bool(stores) and not any(map(_opens_with_master, stores))


def _opens_with_master(store: Store) -> bool:
    try:
        unwrap((store.root / KEYS_FILE).read_bytes(), store.identity or "", secrets.master_key())
    except (StoreError, secrets.SecretsError, OSError):
        return False
    return True


def _replace(path: Path, data: bytes) -> None:
    temporary = _write_key(path.with_name(f"{path.name}.{time.monotonic_ns()}.tmp"), data)
    temporary.replace(path)
    _sync_folder(path.parent)


def _write_key(path: Path, data: bytes) -> Path:
    """A small secret file, 0600, durable."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return path


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
