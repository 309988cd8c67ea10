"""The server's own log, kept in files of bounded number and size that can be searched: HOME/log/lines.

Every process of ours appends lines to the same file, one JSON object each, in one write, so that they never mix. A
file that has grown is followed by another; nothing is renamed, so nobody has to be told. What is old or too much goes
(`tidy`, by the clock). It needs neither database nor broker: their failures are what one looks for here. Beside it the
log still goes to stderr, for whoever runs the server.

A line: {"at": ISO 8601 in UTC, "level", "logger", "part" (which process), "pid", "request", "text", "trace"}.

Not for the audit trail, and not for logs of the database and the broker themselves (HOME/log/*.log). Every machine
has its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from config.kit import paths

SEGMENT_BYTES = 8 << 20
LONGEST_TEXT, LONGEST_TRACE = 8_000, 16_000
LOOK_EVERY_S = 5.0
LEVELS = ("debug", "info", "warning", "error")
SERVER, LIBRARIES = "server", "libraries"
# Parts whose level can be set apart, each with the loggers below "postkeep" that are its; other ones are the server's.
PARTS: dict[str, tuple[str, ...]] = {
    "accounts": ("accounts", "sources"),
    "jobs": ("jobs", "alerts", "clock", "mailing", "reports", "webhooks"),
    "archive": ("archive", "folders", "indexer", "retention"),
    "gateway": ("gateway", "smtp", "keeper"),
    "delivery": ("delivery",),
    "api": ("api",),
    "dialects": ("dialects", "pwd"),
    "pages": ("pages", "dashboard", "palette"),
    SERVER: (),
    LIBRARIES: (),
}
_PART_OF = {logger: part for part, loggers in PARTS.items() for logger in loggers}
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d{4})\.jsonl")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """level: the least that is kept ("info" is usual, "debug" is everything); how long, and how much at most.

    parts: a level of their own for some of `PARTS`; the others follow `level`.
    """

    level: str = "info"
    days: int = 30
    megabytes: int = 256
    parts: Mapping[str, str] = field(default_factory=dict)


USUAL = LogSettings()
DAYS_MAX, MEGABYTES_LEAST, MEGABYTES_MAX = 3_650, 16, 100_000


def folder() -> Path:
    """Where the lines lie."""
    return paths.home() / "log" / "lines"


def read_settings() -> LogSettings:
    """As they were set; the usual ones where nobody did, or the file can't be read."""
    try:
        kept = json.loads(_settings_file().read_text())
        parts = dict(kept.get("parts") or {})
        own = {part: level for part, level in parts.items() if part in PARTS and level in LEVELS}
        return LogSettings(str(kept["level"]), int(kept["days"]), int(kept["megabytes"]), own)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return USUAL


def write_settings(settings: LogSettings) -> None:
    """Keep them; every process follows within seconds."""
    file = _settings_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(settings)))
    temporary.replace(file)
    follow(at_once=True)


def tidy(settings: LogSettings | None = None) -> int:
    """Remove what is older or more than the settings say; how many files went. The newest file always stays."""
    settings = settings or read_settings()
    oldest = datetime.fromtimestamp(time.time() - settings.days * 86_400, UTC).date().isoformat()
    left, removed = settings.megabytes << 20, 0
    for number, file in enumerate(reversed(segments())):
        left -= file.stat().st_size if file.exists() else 0
        if number and (left < 0 or file.name[:10] < oldest):
            file.unlink(missing_ok=True)
            removed += 1
    return removed


def segments() -> list[Path]:
    """The files, oldest first."""
    with contextlib.suppress(OSError):
        return sorted(path for path in folder().iterdir() if _NAME.fullmatch(path.name))
    return []


class LogbookHandler(logging.Handler):
    """Appends records to the newest file. What can't be written (a full disk) is dropped: stderr has it."""

    def __init__(self) -> None:
        super().__init__()
        self._file: int | None = None
        self._name = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Each part has its own level."""
        return record.levelno >= _thresholds.get(part_of(record.name), logging.INFO) and bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = json.dumps(self._entry(record), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
            os.write(self._opened(), line)
        except Exception:  # a log that raises would take down what it tells about
            self._close()

    def close(self) -> None:
        self._close()
        super().close()

    def _entry(self, record: logging.LogRecord) -> dict[str, object]:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": "error" if record.levelno >= logging.ERROR else record.levelname.lower(),
            "logger": record.name,
            "part": os.environ.get("POSTKEEP_PART") or "shell",
            "pid": os.getpid(),
            "request": str(getattr(record, "request_id", "-")),
            "text": self._masked(record.getMessage())[:LONGEST_TEXT],
        }
        if record.exc_info and not isinstance(record.exc_info, bool):
            entry["trace"] = self._masked(logging.Formatter().formatException(record.exc_info))[-LONGEST_TRACE:]
        return entry

    def _masked(self, text: str) -> str:
        """What the formatter of the settings takes out (one-time links), it takes out here too."""
        clean: Callable[[str], str] = getattr(self.formatter, "masked", str)
        return clean(text)

    def _opened(self) -> int:
        day = datetime.now(UTC).date().isoformat()
        if self._file is not None and self._name[:10] == day and os.fstat(self._file).st_size < SEGMENT_BYTES:
            return self._file
        self._close()
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        path = _newest(day)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._name = path.name
        return self._file

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)


def _newest(day: str) -> Path:
    """The file of a day that has room: the last one, or the one after it."""
    known = [path for path in segments() if path.name.startswith(day)]
    if known and known[-1].stat().st_size < SEGMENT_BYTES:
        return known[-1]
    number = int(known[-1].name[11:15]) + 1 if known else 1
    return folder() / f"{day}.{number:04d}.jsonl"


# --- how much is kept ------------------------------------------------------------------------------------------------

_guard = threading.Lock()
_looked_at = float("-inf")
_seen: float | None = None
_NUMBERS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_OF_LIBRARIES = {"debug": logging.INFO, "info": logging.WARNING}  # their own details are nobody's, and may be secrets
_thresholds: dict[str, int] = {}


def follow(*, at_once: bool = False) -> None:
    """Look now and then whether somebody changed the level. Cheap: called by loops and with each request."""
    global _looked_at, _seen
    now = time.monotonic()
    if not at_once and now - _looked_at < LOOK_EVERY_S:
        return
    with _guard:
        _looked_at = now
        try:
            changed = _settings_file().stat().st_mtime
        except OSError:
            changed = None
        if changed != _seen or at_once:
            _seen = changed
            apply_levels(read_settings())


def apply_levels(settings: LogSettings) -> None:
    """Let through what the log shall keep of each part; stderr says what it always says.

    "debug" is our own details and what libraries say of their work.
    """
    usual = _NUMBERS.get(settings.level, logging.INFO)
    found = {part: _NUMBERS.get(settings.parts.get(part, ""), usual) for part in PARTS}
    of_libraries = settings.parts.get(LIBRARIES, settings.level)
    found[LIBRARIES] = _OF_LIBRARIES.get(of_libraries, found[LIBRARIES])
    _thresholds.update(found)
    for logger, part in _PART_OF.items():
        logging.getLogger(f"postkeep.{logger}").setLevel(min(found[part], logging.INFO))
    logging.getLogger("postkeep").setLevel(min(found[SERVER], logging.INFO))
    logging.getLogger().setLevel(min(found[LIBRARIES], logging.WARNING))


def part_of(logger: str) -> str:
    """Whose lines a logger's are, a key of `PARTS`."""
    ours, _dot, rest = logger.partition(".")
    return _PART_OF.get(rest.partition(".")[0], SERVER) if ours == "postkeep" else LIBRARIES


class UsualLines(logging.Filter):
    """For stderr: warnings, and what our own parts find worth saying, whatever the log keeps."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_ours = record.name == "postkeep" or record.name.startswith("postkeep.")
        return record.levelno >= (logging.INFO if is_ours else logging.WARNING)


def _settings_file() -> Path:
    return paths.home() / "log" / "settings.json"
