"""Open a store that came from another installation, by its recovery key, and wrap its key under ours (I6).

Journal and packs are not touched; from then on our master key and our recovery key open it, the other ones no more.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from ..backend import Backend
from ..errors import NotFound, WrongFormat
from ..keys import Keys
from ..layout import files_of, read_head, read_whole, rewrap
from .report import Plan, Report


def plan(place: Path | Backend, keys: Keys) -> Plan:
    """Whether it is wrapped for our recovery key already. Raises: WrongFormat (no store)."""
    backend = files_of(place)
    head = read_head(backend)
    try:
        said = base64.b64decode(json.loads(read_whole(backend, "keys.json"))["recovery"]["for"])
    except (NotFound, ValueError, KeyError, TypeError) as error:
        raise WrongFormat("keys.json can't be read") from error
    return Plan("unlock", 1, {"format": head.format, "ours": int(said == keys.recovery_public)})


def run(place: Path | Backend, keys: Keys, recovery_private: bytes) -> Report:
    """Killed at any moment, the old keys or ours open it. Raises: KeyRefused (it is not this store's), WrongFormat."""
    rewrap(place, keys, recovery_private)
    return Report("unlock", {"stores": 1})
