"""The keys behind sealed values: made once, wrapped twice, opened once per process.

A sealing key is random and never changes. It is wrapped by the master key of the installation, and for the recovery
key (X25519, of which the installation holds the public half only). So a new master key means wrapping one row again,
not every secret; and the recovery key opens the secrets of a database whose master key is gone.

Not for sealing values (`config.kit.sealed`) and not for the keys of stores (`archive.store.keys`, the same design).

Concurrency: two processes that make the first key at once make two; both work, since each value names its key. A key
is inserted in the transaction of the value that needs it, so both are committed or neither is.

Source: RFC 5869 (HKDF), RFC 7748 (X25519), NIST SP 800-38D (AES-GCM).
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import transaction

from config.kit import secrets
from config.kit.models import SealingKey

FORMAT = 1
NONCE_BYTES = 12
State = Literal["open", "closed", "lost"]
_opened: dict[str, bytes] = {}


class SealedError(secrets.SecretsError):
    """Root: a value can't be sealed or opened."""


class MasterKeyChanged(SealedError):
    """The master key of this machine doesn't open the sealing keys; `recover_keys` brings them back."""

    def __init__(self) -> None:
        super().__init__(
            "the stored secrets can't be opened: they were sealed under another master key "
            "(bring that key back, or run `manage.py recover_keys` with the recovery key)"
        )


class SealingKeyUnknown(SealedError):
    """The value was sealed in another installation, or its key was lost: it must be typed in again."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of the sealing keys: ids that open under the new master key, and ids that nothing here opens."""

    kept: list[str]
    lost: list[str]


def derive(key: bytes, purpose: bytes, salt: bytes = b"") -> bytes:
    """A 32-byte key for one purpose (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt or None, info=b"postkeep " + purpose).derive(key)


def current() -> tuple[str, bytes]:
    """The id and bytes of the key to seal with; made at first use.

    Raises: MasterKeyChanged, rather than starting anew beside keys that a mislaid master key still opens.
    """
    row = SealingKey.objects.filter(is_lost=False).first()
    return (row.key_id, _open(row)) if row is not None else _make()


def get(key_id: str) -> bytes:
    """The key of this id. Raises: MasterKeyChanged, SealingKeyUnknown."""
    if key_id in _opened:
        return _opened[key_id]
    row = SealingKey.objects.filter(key_id=key_id).first()
    if row is None or row.is_lost:
        raise SealingKeyUnknown("a stored secret can't be opened: the key it was sealed with is lost")
    return _open(row)


def forget() -> None:
    """Open every key again at its next use (after the master key changed)."""
    _opened.clear()


def prepare() -> None:
    """Once per start: make the first key, and wrap every key for the recovery key that is in force by now.

    Keys that the master key doesn't open stay as they are, and `are_lost` tells of them.
    """
    if not SealingKey.objects.filter(is_lost=False).exists():
        _make()
    recovery = _recovery_public()
    for row in SealingKey.objects.filter(is_lost=False):
        entry = row.wrapped.get("recovery")
        key = _unwrap(row, secrets.master_key())
        if recovery and key and (entry is None or entry["for"] != _text(recovery)):
            row.wrapped = _wrap(key, row.key_id, secrets.master_key(), recovery)
            row.save(update_fields=["wrapped"])


def are_lost() -> bool:
    """Whether there are sealing keys and the master key of this machine opens none of them."""
    found = states().values()
    return "closed" in found and "open" not in found


def states() -> dict[str, State]:
    """Every sealing key's id: whether the master key opens it, doesn't, or it was given up as lost."""
    return {row.key_id: _state(row) for row in SealingKey.objects.all()}


def _state(row: SealingKey) -> State:
    if row.is_lost:
        return "lost"
    return "open" if _unwrap_with_present_master(row) else "closed"


def rewrap(*, recovery_private: bytes, new_master: bytes) -> Rewrapped:
    """Wrap every sealing key under another master key, opened by the recovery key or else by the master key in force.

    One transaction. Afterwards the recovery key opens each of them, so a crash before the new master key is put in
    force costs nothing: run it again. What nothing opens is marked as lost and named in `lost`.
    """
    recovery = secrets.public_of(recovery_private)
    result = Rewrapped([], [])
    with transaction.atomic():
        for row in SealingKey.objects.select_for_update():
            key = _unwrap_with_recovery(row, recovery_private) or _unwrap_with_present_master(row)
            row.is_lost = key is None
            if key is not None:
                row.wrapped = _wrap(key, row.key_id, new_master, recovery)
            row.save(update_fields=["wrapped", "is_lost"])
            (result.lost if row.is_lost else result.kept).append(row.key_id)
    forget()
    return result


def stage(next_master: bytes) -> int:
    """Let the next master key open every sealing key too, while the one in force still does; how many. One transaction.

    Raises: MasterKeyChanged (the one in force opens one of them no more; nothing is changed).
    """
    rows = 0
    with transaction.atomic():
        for row in SealingKey.objects.select_for_update().filter(is_lost=False):
            key = _unwrap_with_present_master(row)
            if key is None:
                raise MasterKeyChanged
            row.wrapped["next"] = _seal(derive(next_master, b"sealing master"), key, row.key_id)
            row.save(update_fields=["wrapped"])
            rows += 1
    return rows


def finish() -> int:
    """Only the master key in force (and the recovery key) opens the sealing keys from now on; how many were changed."""
    rows, recovery = 0, _recovery_public()
    with transaction.atomic():
        for row in SealingKey.objects.select_for_update().filter(is_lost=False, wrapped__has_key="next"):
            key = _unwrap_with_present_master(row)
            if key is None:
                raise MasterKeyChanged
            row.wrapped = _wrap(key, row.key_id, secrets.master_key(), recovery)
            row.save(update_fields=["wrapped"])
            rows += 1
    forget()
    return rows


def _make() -> tuple[str, bytes]:
    key, key_id = os.urandom(secrets.KEY_BYTES), os.urandom(8).hex()
    SealingKey.objects.create(key_id=key_id, wrapped=_wrap(key, key_id, secrets.master_key(), _recovery_public()))
    return key_id, key


def _open(row: SealingKey) -> bytes:
    key = _opened.get(row.key_id) or _unwrap(row, secrets.master_key())
    if key is None:
        raise MasterKeyChanged
    _opened[row.key_id] = key
    return key


def _recovery_public() -> bytes | None:
    return secrets.recovery_public() if secrets.has_recovery_key() else None


# --- wrapping ----------------------------------------------------------------------------------------------------


def _wrap(key: bytes, key_id: str, master: bytes, recovery_public: bytes | None) -> dict[str, Any]:
    document: dict[str, Any] = {"format": FORMAT, "master": _seal(derive(master, b"sealing master"), key, key_id)}
    if recovery_public is not None:
        ephemeral = X25519PrivateKey.generate()
        public = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recovery_public))
        wrapping = derive(shared, b"sealing recovery", public + recovery_public)
        entry = {"ephemeral": _text(public), "for": _text(recovery_public)}
        document["recovery"] = entry | _seal(wrapping, key, key_id)
    return document


def _unwrap(row: SealingKey, master: bytes) -> bytes | None:
    """By this master key, whether it is the one in force or the next one (`stage`)."""
    key = derive(master, b"sealing master")
    found = _unseal(key, row.wrapped["master"], row.key_id)
    return found if found is not None or "next" not in row.wrapped else _unseal(key, row.wrapped["next"], row.key_id)


def _unwrap_with_present_master(row: SealingKey) -> bytes | None:
    try:
        return _unwrap(row, secrets.master_key())
    except secrets.SecretsError:  # the configured key file is gone: that is why somebody recovers
        return None


def _unwrap_with_recovery(row: SealingKey, private_bytes: bytes) -> bytes | None:
    entry = row.wrapped.get("recovery")
    if entry is None:
        return None
    private = X25519PrivateKey.from_private_bytes(private_bytes)
    ephemeral = base64.b64decode(entry["ephemeral"])
    shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    public = private.public_key().public_bytes_raw()
    return _unseal(derive(shared, b"sealing recovery", ephemeral + public), entry, row.key_id)


def _seal(key: bytes, plain: bytes, key_id: str) -> dict[str, str]:
    nonce = os.urandom(NONCE_BYTES)
    return {"nonce": _text(nonce), "data": _text(AESGCM(key).encrypt(nonce, plain, key_id.encode()))}


def _unseal(key: bytes, entry: dict[str, str], key_id: str) -> bytes | None:
    try:
        return AESGCM(key).decrypt(base64.b64decode(entry["nonce"]), base64.b64decode(entry["data"]), key_id.encode())
    except InvalidTag:
        return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
