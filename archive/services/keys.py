"""The keys that open stores: recovering them by the recovery key, and renewing the master key.

Not for what happens inside a store, and not for a single store that came from elsewhere (`attaching`).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets as random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, grounds
from archive import store as engine
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.store.errors import StoreError
from archive.store.keys import unwrap, unwrap_with_recovery, wrap
from archive.store.layout import finish_master, read_whole, stage_master
from config.kit import paths, sealing_keys, secrets
from jobs import proofs
from jobs.proofs import Approved

RENEW = "RenewMasterKey"
Result = dict[str, object]
Tell = Callable[[str], None]


def recover_keys(actor: Actor, *, recovery_key: str) -> dict[str, object]:
    """Open every store with the recovery key, give the installation a new master key, and wrap all stores under it.

    The keys of the secrets in the database (`config.kit.sealed`) likewise; one that nothing opens any more is named in
    the answer's `secrets_lost` and holds up nothing: what it sealed must be typed in again. A store whose database
    can't be reached by its password then is named in `stores_left`: its recovery key unlocks it later.

    The old master key, where there is one, is kept beside the new one under a name with its date. Crash-safe: until
    the last step the old master key stays, and the recovery key opens every store and every sealing key at every
    moment, so running it again finishes. Raises: Forbidden, SecretsError (mistyped), StoreUnavailable (some store
    refuses; nothing changed).
    """
    actor.require(Right.MANAGE_SERVER)
    private = secrets.parse_recovery_key(recovery_key)
    every = list(Store.objects.filter(detached_at=None, is_locked=False).order_by("pk"))
    # The password of a database is such a secret itself: those stores come when it can be opened again.
    stores = [store for store in every if not store.dsn_password]
    opened = {store.pk: _unwrap(store, private) for store in stores}
    new = random.token_bytes(secrets.KEY_BYTES)
    keys = engine.Keys(master=new, recovery_public=secrets.public_of(private))
    prepared = _write_key(_master_file().with_suffix(".new"), new.hex().encode())
    for store in stores:
        with _translated(store), grounds.files_of(store) as files:
            files.put(KEYS_FILE, wrap(opened[store.pk], store.identity or "", keys))
    sealing = sealing_keys.rewrap(recovery_private=private, new_master=new)
    kept = _put_in_force(prepared)
    _restore_recovery_public(private)
    engines.close_all()
    sealing_keys.forget()
    left = [store.name for store in every if store.dsn_password and not _wrapped_later(store, private, keys)]
    names = [store.name for store in every if store.name not in left]
    audit.record(actor, "keys.recover", None, stores=names, stores_left=left, secrets_lost=sealing.lost)
    return {
        "stores": names, "stores_left": left, "master": str(_master_file()), "old_master": kept,
        "secrets_lost": sealing.lost,
    }  # fmt: skip


def _wrapped_later(store: Store, private: bytes, keys: engine.Keys) -> bool:
    """Wrap the key of a store whose database has a password; False where it can't be reached or opened now."""
    try:
        key = _unwrap(store, private)
        with grounds.files_of(store) as files:
            files.put(KEYS_FILE, wrap(key, store.identity or "", keys))
    except (StoreUnavailable, StoreError, secrets.SecretsError):
        return False
    return True


def plan_renewal(actor: Actor) -> dict[str, int]:
    """What renewing the master key touches. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    return {
        "stores": Store.objects.filter(detached_at=None, is_locked=False).count(),
        "secrets": len(sealing_keys.states()),
        "detached": Store.objects.exclude(detached_at=None).count(),
    }


def renew_master_key(actor: Actor, *, approved: Approved | None = None, tell: Tell = lambda text: None) -> Result:
    """Give the installation another master key and wrap the keys of all stores and secrets under it. Takes two people.

    At every moment all of them open: while it goes on they open with both keys. Killed at any moment, running it again
    finishes what was begun. The old key is kept beside the new one under a name with its date. Detached stores keep the
    old wrapping: attached again they are opened with the recovery key.
    Raises: Forbidden, NeedsApproval, SecretsError, StoreUnavailable (some store can't be opened; nothing is in force).
    """
    actor.require(Right.MANAGE_SERVER)
    proofs.require(actor, approved, RENEW, subject=str(_("master key")))
    stores = list(Store.objects.filter(detached_at=None, is_locked=False).order_by("pk"))
    prepared, kept = _master_file().with_suffix(".new"), None
    if prepared.exists() or not _is_unfinished(stores):
        new = _prepare(prepared)
        for store in stores:
            with _translated(store), grounds.files_of(store) as files:
                stage_master(files, engines.keys(), new)
            tell(f"{store.name}: opens with both keys")
        sealing_keys.stage(new)
        kept = _put_in_force(prepared)
        tell("the new master key is in force")
    for store in stores:
        with _translated(store), grounds.files_of(store) as files:
            finish_master(files, engines.keys())
    sealed = sealing_keys.finish()
    names = [store.name for store in stores]
    audit.record(actor, "keys.renew", None, stores=names, secrets=sealed)
    return {"stores": names, "secrets": sealed, "master": str(_master_file()), "old_master": kept}


def _is_unfinished(stores: list[Store]) -> bool:
    """Whether a renewal was killed after its key was put in force: some store still opens with the old one too."""
    return any(HAS_NEXT in _document(store, missing=b"") for store in stores)


def _prepare(path: Path) -> bytes:
    """The new master key, made durable before anything is wrapped with it; the same one when a run was killed."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        key = bytes.fromhex(path.read_text("ascii").strip())
        if len(key) == secrets.KEY_BYTES:
            return key
    new = random.token_bytes(secrets.KEY_BYTES)
    try:
        _write_key(path, new.hex().encode())
        _sync_folder(path.parent)
    except OSError as error:
        raise secrets.SecretsError(f"the master key's folder can't be written: {error}") from error
    return new


@contextlib.contextmanager
def _translated(store: Store) -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        raise StoreUnavailable(f"the key of the store “{store.name}” can't be wrapped anew: {error}") from error


KEYS_FILE = "keys.json"
HAS_NEXT = b'"next"'


def _document(store: Store, *, missing: bytes | None = None) -> bytes:
    """The store's wrapped key; `missing` where it can't be read. Raises: StoreError, SecretsError."""
    try:
        with grounds.files_of(store) as files:
            return read_whole(files, KEYS_FILE)
    except StoreError:
        if missing is None:
            raise
        return missing


def _unwrap(store: Store, private: bytes) -> bytes:
    try:
        return unwrap_with_recovery(_document(store), store.identity or "", private)
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


def put_master_in_force(master: bytes) -> None:
    """Make a master key that somebody kept the one of this machine, and the recovery key that of its stores.

    Nothing is wrapped anew. Raises: StoreUnavailable (a store doesn't open with it), SecretsError.
    """
    for store in Store.objects.filter(detached_at=None, is_locked=False, dsn_password="").order_by("pk"):
        try:
            document = _document(store)
            unwrap(document, store.identity or "", master)
        except StoreError as error:
            raise StoreUnavailable(f"the store “{store.name}” can't be opened with this key: {error}") from error
        public = base64.b64decode(json.loads(document)["recovery"]["for"])
        _replace(paths.keys_dir() / "recovery.pub", public.hex().encode())
    if not (_master_file().exists() and secrets.master_key() == master):
        _put_in_force(_write_key(_master_file().with_suffix(".new"), master.hex().encode()))
    engines.close_all()


def are_keys_lost() -> bool:
    """Whether there are stores and the master key of this machine opens none of them."""
    stores = list(Store.objects.filter(detached_at=None, is_locked=False).order_by("pk"))
    return bool(stores) and not any(map(_opens_with_master, stores))


def _opens_with_master(store: Store) -> bool:
    try:
        unwrap(_document(store), store.identity or "", secrets.master_key())
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
