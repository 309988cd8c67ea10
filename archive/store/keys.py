"""The keys of a store: one random key per store, wrapped twice.

By the master key of the installation (symmetric) and for the recovery key (X25519: the installation holds only the
public half, so nobody can open a store with what lies on the server but the master key). Not for where master and
recovery key are kept: the caller brings them.

Source: NIST SP 800-38D (AES-GCM), RFC 7748 (X25519), RFC 5869 (HKDF).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import KeyRefused, WrongFormat

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Keys:
    """What an installation opens and makes stores with: 32 bytes each."""

    master: bytes
    recovery_public: bytes


def derive(key: bytes, purpose: bytes, salt: bytes = b"") -> bytes:
    """A 32-byte key for one purpose (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt or None, info=b"postkeep " + purpose).derive(key)


def new_store_key() -> bytes:
    return os.urandom(32)


def wrap(store_key: bytes, identity: str, keys: Keys, *, next_master: bytes | None = None) -> bytes:
    """The content of `keys.json`: the store key under the master key and under the recovery key.

    With `next_master` under that one too: while master keys change, either opens the store.
    """
    ephemeral = X25519PrivateKey.generate()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(keys.recovery_public))
    public = ephemeral.public_key().public_bytes_raw()
    document: dict[str, Any] = {
        "format": FORMAT,
        "master": _seal(derive(keys.master, b"wrap master"), store_key, identity),
        "recovery": {
            "ephemeral": _text(public),
            "for": _text(keys.recovery_public),
            **_seal(derive(shared, b"wrap recovery", public + keys.recovery_public), store_key, identity),
        },
    }
    if next_master is not None:
        document["next"] = _seal(derive(next_master, b"wrap master"), store_key, identity)
    return json.dumps(document | {"check": _check(document, store_key)}, indent=1).encode()


def is_intact(document: bytes, store_key: bytes) -> bool:
    """Whether nothing of it changed since it was written, also of what only the recovery key could try.

    One that was written before it had a check says nothing about that, and counts as intact. Raises: WrongFormat.
    """
    said: dict[str, Any] = dict(_load(document))
    check = said.pop("check", None)
    return check is None or hmac.compare_digest(str(check).encode(), _check(said, store_key).encode())


def _check(document: Mapping[str, Any], store_key: bytes) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(derive(store_key, b"keys check"), text, hashlib.sha256).hexdigest()


def unwrap(document: bytes, identity: str, master: bytes) -> bytes:
    """The store key, by the master key. Raises: KeyRefused, WrongFormat."""
    wrapped = _load(document)
    key = derive(master, b"wrap master")
    try:
        return _unseal(key, wrapped["master"], identity, "the master key")
    except KeyRefused:
        if "next" not in wrapped:
            raise
        return _unseal(key, wrapped["next"], identity, "the master key")


def is_wrapped_for(document: bytes, identity: str, master: bytes) -> bool:
    """Whether the store opens with this master key alone: no other one is left. Raises: WrongFormat."""
    wrapped = _load(document)
    if "next" in wrapped:
        return False
    try:
        _unseal(derive(master, b"wrap master"), wrapped["master"], identity, "the master key")
    except KeyRefused:
        return False
    return True


def unwrap_with_recovery(document: bytes, identity: str, recovery_private: bytes) -> bytes:
    """The store key, by the recovery key (32 bytes, private half). Raises: KeyRefused, WrongFormat."""
    entry = _load(document)["recovery"]
    private = X25519PrivateKey.from_private_bytes(recovery_private)
    ephemeral = base64.b64decode(entry["ephemeral"])
    public = private.public_key().public_bytes_raw()
    shared = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
    return _unseal(derive(shared, b"wrap recovery", ephemeral + public), entry, identity, "this recovery key")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _seal(key: bytes, plain: bytes, identity: str) -> dict[str, str]:
    nonce = os.urandom(12)
    return {"nonce": _text(nonce), "data": _text(AESGCM(key).encrypt(nonce, plain, identity.encode()))}


def _unseal(key: bytes, entry: dict[str, str], identity: str, whose: str) -> bytes:
    try:
        nonce, data = base64.b64decode(entry["nonce"]), base64.b64decode(entry["data"])
        return AESGCM(key).decrypt(nonce, data, identity.encode())
    except (InvalidTag, KeyError, ValueError) as error:
        raise KeyRefused(f"{whose} does not open this store") from error


def _load(document: bytes) -> dict[str, dict[str, str]]:
    try:
        wrapped = json.loads(document)
        if wrapped["format"] != FORMAT or not {"master", "recovery"} <= wrapped.keys():
            raise WrongFormat("keys.json is of another format")
    except (ValueError, KeyError, TypeError) as error:
        raise WrongFormat("keys.json can't be read") from error
    return dict(wrapped)
