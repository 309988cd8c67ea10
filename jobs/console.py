"""How a shell shows a task: progress on stderr, the result on stdout, an exit code.

With --json stdout is one JSON document and nothing else. Not for pages.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from jobs.models import Task


@dataclass
class ProgressLine:
    """Takes snapshots (`run_here(echo=…)`) and writes them: one line in place on a terminal, else one each 5 s."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    every_s: float = 5.0
    _written_at: float = 0.0
    _text: str = ""

    def __call__(self, snapshot: dict[str, object]) -> None:
        text = progress_text(snapshot)
        now = time.monotonic()
        if not text or text == self._text:
            return
        if self.stream.isatty():
            self.stream.write(f"\r\x1b[2K{text}")
        elif now - self._written_at >= self.every_s:
            self.stream.write(text + "\n")
            self._written_at = now
        else:
            return
        self._text = text
        self.stream.flush()

    def end(self) -> None:
        """Leave the line, so that what follows begins on its own."""
        if self._text and self.stream.isatty():
            self.stream.write("\n")
            self.stream.flush()


def as_text(key: str, value: object) -> str:
    """A value of a result: words as they are, a list an item a line, whatever is nested as JSON."""
    if isinstance(value, list) and value:
        return "\n".join([f"{key}:", *(f"  {_plain(each)}" for each in value)])
    return f"{key}: {_plain(value)}".rstrip()


def _plain(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def progress_text(snapshot: dict[str, object]) -> str:
    """One line: what is done of what, how fast, how long still, and the counters."""
    done, total, unit = snapshot.get("done"), snapshot.get("total"), snapshot.get("unit")
    if not done and not total and not snapshot.get("note"):
        return ""
    parts = [str(snapshot["note"])] if snapshot.get("note") else []
    parts.append(f"{done} of {total} {unit}" if total is not None else f"{done} {unit}")
    if snapshot.get("rate"):
        parts.append(f"{snapshot['rate']}/s")
    if snapshot.get("eta_s") is not None:
        parts.append(f"{snapshot['eta_s']} s left")
    counters = snapshot.get("counters")
    if isinstance(counters, dict):
        parts += [f"{name} {value}" for name, value in counters.items()]
    return " · ".join(parts)


def exit_code(task: Task) -> int:
    """0 only for a task that was completed and found nothing wrong (`ok` in its result)."""
    return 0 if task.state == Task.State.COMPLETED and (task.result or {}).get("ok") is not False else 1


def reason(task: Task) -> str:
    """Why a task wasn't completed, or that it found something wrong, for stderr."""
    if task.state == Task.State.COMPLETED:
        return f"{task.type} #{task.pk}: completed, and something is wrong"
    return f"{task.type} #{task.pk}: {task.state}" + (f": {task.error}" if task.error else "")
