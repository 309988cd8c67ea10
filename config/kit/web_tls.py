"""The certificate of the pages where the web server speaks TLS itself: two files of ours that it is started with.

Written by whoever knows the chosen certificate (`gateway.services.web_door`); the supervisor looks whether they are
there and starts the web server again when they changed. No Django here. The files are this machine's: HOME/keys/web,
readable by nobody else, in no backup. Not for TLS that ends at a proxy in front.
"""

from __future__ import annotations

import os
from pathlib import Path

from config.kit import paths


def chain_file() -> Path:
    """The certificate and what stands between it and its authority, PEM."""
    return _folder() / "chain.pem"


def key_file() -> Path:
    """Its key, PEM (PKCS#8)."""
    return _folder() / "key.pem"


def is_on() -> bool:
    """Whether the web server speaks TLS when it starts."""
    return chain_file().exists() and key_file().exists()


def stamp() -> object:
    """Another one when the files changed."""
    try:
        return chain_file().stat().st_mtime_ns, key_file().stat().st_mtime_ns
    except OSError:
        return None


def put(chain: str, key: str) -> bool:
    """Keep these; whether anything changed. The key goes first, so that no start sees half of a change for long."""
    if is_on() and chain_file().read_text() == chain and key_file().read_text() == key:
        return False
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(key_file(), key)
    _write(chain_file(), chain)
    return True


def take_away() -> bool:
    """No TLS from the next start on; whether there was any."""
    was_on = is_on()
    chain_file().unlink(missing_ok=True)
    key_file().unlink(missing_ok=True)
    return was_on


def _folder() -> Path:
    return paths.keys_dir() / "web"


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
