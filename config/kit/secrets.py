"""The secrets of one installation: Django's secret key, the master key and the recovery key.

Not for the keys of a store: those are wrapped by the two keys here, inside the engine. The recovery key is an X25519
private key which is shown once and never kept; only its public half lies on disk.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from config.kit import paths

KEY_BYTES = 32
_CHECKSUM_BYTES = 3  # 35 bytes are exactly 56 base32 letters: 7 groups of 8


class SecretsError(Exception):
    """A secret is missing, unreadable or mistyped."""

    permanent = True


def secret_key() -> str:
    """Django's SECRET_KEY, made once under HOME/keys/secret_key (0600)."""
    return keep_once(paths.keys_dir() / "secret_key", lambda: secrets.token_urlsafe(48).encode()).decode()


def master_key() -> bytes:
    """The 32 bytes that wrap every store key on this machine; made at first use where no file is configured.

    Raises: SecretsError when the configured file is missing or is not 64 hexadecimal digits.
    """
    configured = os.environ.get("POSTKEEP_MASTER_KEY_FILE")
    try:
        text = (
            Path(configured).read_bytes()
            if configured
            else keep_once(paths.keys_dir() / "master", lambda: secrets.token_hex(KEY_BYTES).encode())
        )
        key = bytes.fromhex(text.decode("ascii").strip())
    except (OSError, ValueError) as error:
        raise SecretsError(f"the master key can't be read: {error}") from error
    if len(key) != KEY_BYTES:
        raise SecretsError("the master key file must hold 64 hexadecimal digits")
    return key


def has_recovery_key() -> bool:
    """Whether this installation was given a recovery key."""
    return _recovery_file().exists()


def make_recovery_key() -> str:
    """Make the recovery key, keep its public half, and return the text a person must keep; it is not stored.

    Raises: SecretsError when there is one already (another would not open the stores made before).
    """
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    if keep_once(_recovery_file(), lambda: public.hex().encode()) != public.hex().encode():
        raise SecretsError("this installation has a recovery key already")
    return format_recovery_key(private.private_bytes_raw())


def discard_unshown_recovery_key() -> None:
    """Forget a recovery key that nobody has seen (the first start was killed in between).

    Only while no store is wrapped with it: the caller knows.
    """
    if not paths.recovery_shown_mark().exists():
        _recovery_file().unlink(missing_ok=True)


def recovery_public() -> bytes:
    """The public half of the recovery key, for wrapping store keys. Raises: SecretsError when there is none yet."""
    try:
        return bytes.fromhex(_recovery_file().read_text("ascii").strip())
    except (OSError, ValueError) as error:
        text = "there is no recovery key (the first `up` makes it, `recover_keys` restores it)"
        raise SecretsError(f"{text}: {error}") from error


def format_recovery_key(private: bytes) -> str:
    """The private key and a checksum as seven groups of eight letters and digits."""
    letters = base64.b32encode(private + _checksum(private)).decode()
    return "-".join(letters[at : at + 8] for at in range(0, len(letters), 8))


def parse_recovery_key(text: str) -> bytes:
    """The private key somebody typed; spaces, dashes and case don't matter, 0 1 8 are read as O I B.

    Raises: SecretsError when the length or the checksum is wrong.
    """
    letters = "".join(letter for letter in text.upper() if letter.isalnum()).translate(str.maketrans("018", "OIB"))
    try:
        raw = base64.b32decode(letters)
    except ValueError as error:
        raise SecretsError("this is not a recovery key: letters are missing or too many") from error
    private, checksum = raw[:KEY_BYTES], raw[KEY_BYTES:]
    if len(private) != KEY_BYTES or checksum != _checksum(private):
        raise SecretsError("this is not a recovery key: a letter is mistyped")
    return private


def public_of(private: bytes) -> bytes:
    """The public half that belongs to a private recovery key."""
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def keep_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, made there (0600, durable) if it is missing; of two makers at once, one wins for both."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
    return path.read_bytes()


def _recovery_file() -> Path:
    return paths.keys_dir() / "recovery.pub"


def _checksum(private: bytes) -> bytes:
    return hashlib.sha256(b"postkeep recovery key\0" + private).digest()[:_CHECKSUM_BYTES]
