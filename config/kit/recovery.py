"""Whether somebody has confirmed that they keep the recovery key. The key itself is `config.kit.secrets`' business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from config.kit import paths, secrets


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who confirmed it, and when."""

    by: str
    at: datetime


def confirmation() -> Confirmation | None:
    """The confirmation, or None while nobody gave it."""
    try:
        kept = json.loads(_file().read_text())
    except FileNotFoundError:
        return None
    return Confirmation(kept["by"], datetime.fromisoformat(kept["at"]))


def confirm(by: str) -> None:
    """Remember that this person keeps the key; the first one stands."""
    text = json.dumps({"by": by, "at": datetime.now(UTC).isoformat(timespec="seconds")})
    secrets.keep_once(_file(), text.encode)


def _file() -> Path:
    return paths.keys_dir() / "recovery.confirmed"
