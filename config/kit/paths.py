"""Where things lie on disk, all under POSTKEEP_HOME.

Not for making folders: whoever owns a folder makes it. Everything here is a pure function of the environment, so that
the supervisor, a shell command and a test find the same servers without talking to each other.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_LONGEST_SOCKET_FOLDER = 75  # sun_path holds 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock.pid" while it starts


def home() -> Path:
    """The folder of this installation: POSTKEEP_HOME, or `var/` beside manage.py; always absolute."""
    return Path(os.environ.get("POSTKEEP_HOME") or BASE_DIR / "var").absolute()


def run_dir() -> Path:
    """Where the sockets are: HOME/run, or a short folder in /tmp named after HOME when that path would be too long."""
    usual = home() / "run"
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET_FOLDER:
        return usual
    return Path("/tmp") / f"postkeep-{hashlib.sha256(os.fsencode(home())).hexdigest()[:16]}"  # noqa: S108  (checked by its maker)


def work_dir() -> Path:
    """Local working copies that can be rebuilt: catalogues and indexes."""
    return home() / "work"


def stores_dir() -> Path:
    """The stores made without a path of their own."""
    return home() / "stores"


def uploads_dir() -> Path:
    """Files people upload until a task has read them."""
    return home() / "uploads"


def keys_dir() -> Path:
    """Keys of this installation (0700)."""
    return home() / "keys"


def recovery_shown_mark() -> Path:
    """There once the recovery key was shown to a person; made by the supervisor, which loads no cryptography."""
    return keys_dir() / "recovery.shown"


def restore_order() -> Path:
    """There while the next start shall restore everything from a backup; written by those who order it."""
    return home() / "restore" / "order.json"


def static_dir() -> Path:
    """Collected static files, made by `up`."""
    return home() / "static"
