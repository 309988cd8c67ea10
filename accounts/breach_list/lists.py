"""Which lists of known passwords count here, where they lie, and how it stands with them.

HOME/breached/ keeps what was made searchable: `uploaded` of a file that somebody uploaded, `configured` of the file
that POSTKEEP_BREACH_LIST names, where that can't be searched as it is. Each is one file that is renamed into place, so
that whoever looks something up meanwhile sees the old one or the new one. Writing is `services.breach_lists`.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.breach_list.searching import (
    NotSearchable,
    digest_of,
    index_about,
    index_has,
    shape_of,
    text_has,
)
from config.kit import paths

UPLOADED, CONFIGURED = "uploaded", "configured"
MISSING, UNREADABLE, WAITS, STALE = "missing", "unreadable", "waits", "stale"
logger = logging.getLogger("postkeep.passwords")
_known: dict[Path, tuple[tuple[int, int], int | None]] = {}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list and how it stands with it.

    source: the path that was configured, or the name of the file that was uploaded. entries: how many passwords,
    `is_estimate` where the file is searched as it is. problem: MISSING, UNREADABLE, WAITS (it must be indexed before
    it counts), STALE (the file has changed since; what was indexed before still counts), "" for none.
    """

    place: str
    source: str
    entries: int = 0
    is_estimate: bool = False
    since: datetime | None = None
    kind: str = "hashes"
    refused: int = 0
    garbage: list[tuple[int, str]] = field(default_factory=list)
    by: str = ""
    problem: str = ""

    @property
    def counts(self) -> bool:
        """Whether passwords are looked up in it."""
        return self.problem in ("", STALE) and self.entries > 0


def folder() -> Path:
    """Where indexes lie."""
    return paths.home() / "breached"


def index_of(place: str) -> Path:
    """The index of a place."""
    return folder() / place


def incoming() -> Path:
    """An uploaded file, until it is indexed."""
    return folder() / "incoming"


def taken() -> Path:
    """An uploaded file while it is indexed, or after a run that was stopped."""
    return folder() / "taken"


def waits() -> bool:
    """Whether an uploaded file isn't indexed yet."""
    return incoming().exists() or taken().exists()


def about_incoming() -> dict[str, Any]:
    """Whose it is and what it is called."""
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(incoming_note().read_text()))
    return {}


def incoming_note() -> Path:
    """Where that stands."""
    return folder() / "incoming-about"


def configured() -> Path | None:
    """The file that POSTKEEP_BREACH_LIST names."""
    return Path(settings.BREACH_LIST) if settings.BREACH_LIST else None


def is_known(password: str) -> bool:
    """Whether a password stands in any of the lists. A list that can't be read knows none: people must get on."""
    digest = digest_of(password)
    return any(_has(place, digest) for place in (CONFIGURED, UPLOADED))


def _has(place: str, digest: bytes) -> bool:
    source = configured() if place == CONFIGURED else None
    try:
        if source is not None and _entries_as_it_is(source) is not None:
            return text_has(source, digest)
        if place == CONFIGURED and source is None:
            return False
        return index_has(index_of(place), digest)
    except FileNotFoundError:
        return False
    except (OSError, NotSearchable) as error:
        logger.warning("the list of known passwords (%s) can't be searched: %s", place, error)
        return False


def there() -> list[Listed]:
    """The lists there are, the configured one first."""
    return [each for each in (_configured(), _uploaded()) if each is not None]


def fingerprint(source: Path) -> list[int]:
    """What tells that a file is another one than when it was indexed."""
    told = source.stat()
    return [told.st_size, told.st_mtime_ns]


def _configured() -> Listed | None:
    source = configured()
    if source is None:
        return None
    try:
        entries = _entries_as_it_is(source)
        now = fingerprint(source)
    except FileNotFoundError:
        return Listed(CONFIGURED, str(source), problem=MISSING)
    except OSError:
        return Listed(CONFIGURED, str(source), problem=UNREADABLE)
    if entries is not None:
        since = datetime.fromtimestamp(now[1] / 1e9, UTC)
        return Listed(CONFIGURED, str(source), entries, is_estimate=True, since=since)
    found = _indexed(CONFIGURED, str(source))
    if found is None or found[1].get("path") != str(source):
        return Listed(CONFIGURED, str(source), problem=WAITS)
    listed, about = found
    return listed if about.get("fingerprint") == now else _with(listed, STALE)


def _uploaded() -> Listed | None:
    found = _indexed(UPLOADED, "")
    if found is not None:
        return _with(found[0], STALE) if waits() else found[0]
    return Listed(UPLOADED, str(about_incoming().get("name", "")), problem=WAITS) if waits() else None


def _indexed(place: str, source: str) -> tuple[Listed, dict[str, Any]] | None:
    try:
        entries, about = index_about(index_of(place))
    except FileNotFoundError:
        return None
    except (OSError, NotSearchable):
        return Listed(place, source, problem=UNREADABLE), {"path": source}
    listed = Listed(
        place,
        source or str(about.get("name", "")),
        entries,
        since=datetime.fromisoformat(about["at"]) if "at" in about else None,
        kind=str(about.get("kind", "")),
        refused=int(about.get("refused", 0)),
        garbage=[(int(line), str(why)) for line, why in about.get("garbage", [])],
        by=str(about.get("by", "")),
    )
    return listed, about


def _with(listed: Listed, problem: str) -> Listed:
    return Listed(
        listed.place, listed.source, listed.entries, listed.is_estimate, listed.since, listed.kind, listed.refused,
        listed.garbage, listed.by, problem,
    )  # fmt: skip


def _entries_as_it_is(source: Path) -> int | None:
    """About how many entries a file has that can be searched as it is; None where it must be indexed. Looked at anew
    when the file has changed. Raises: OSError.
    """
    told = source.stat()
    now = (told.st_size, told.st_mtime_ns)
    kept = _known.get(source)
    if kept is None or kept[0] != now:
        entries = None
        with contextlib.suppress(NotSearchable):
            entries = shape_of(source).entries
        kept = _known[source] = (now, entries)
    return kept[1]
