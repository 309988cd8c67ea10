"""What the supervisor tells others about its children: one small file, replaced whole at every change."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from config.kit import paths

RECENT_S = 600.0


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """One child as of the last change. `since` is epoch seconds; `last_end` says how it ended last, "" if never."""

    name: str
    pid: int | None
    running: bool
    since: float
    restarts: int
    recent_restarts: int
    last_end: str


def write(children: Iterable[ChildStatus]) -> None:
    """Replace the file. Raises: OSError, and then the old one is there still."""
    text = json.dumps({"supervisor": os.getpid(), "children": [asdict(child) for child in children]})
    temporary = _file().with_suffix(".new")
    temporary.write_text(text)
    temporary.replace(_file())


def remove() -> None:
    """Nothing runs any more."""
    _file().unlink(missing_ok=True)


def read() -> list[ChildStatus]:
    """The children of the supervisor that runs now; empty when none does."""
    try:
        kept = json.loads(_file().read_text())
    except (OSError, ValueError):
        return []
    if not Path(f"/proc/{kept['supervisor']}").exists():
        return []
    return [ChildStatus(**child) for child in kept["children"]]


def _file() -> Path:
    return paths.home() / "up.json"
