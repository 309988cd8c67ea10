"""Counts the messages of a source in a process of its own: the independent pass of an import.

`python -m archive.counting` takes `{"paths", "mbox"}` on stdin and prints `{"count"}` or `{"error"}`. It shares no code
path with the importer but the rules of what a source is (`archive.sources.count`), runs at low priority beside it, and
dies with it. `Counter` is the importer's handle. Not for progress (`archive.sources.estimate`).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from archive import sources

_HERE = Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1


class Counter:
    """The running count. Use as a context manager: leaving ends the process."""

    def __init__(self, paths: Sequence[Path], mbox: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "archive.counting", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_HERE,
            env={**os.environ, "PYTHONPATH": str(_HERE)},
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"paths": [os.fspath(path) for path in paths], "mbox": mbox}).encode())
            self._process.stdin.close()

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def result(self, stopping: Callable[[], bool]) -> int | None:
        """Wait for the count; None when asked to stop. Raises: RuntimeError (the counter failed)."""
        while self._process.poll() is None:
            if stopping():
                return None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.1)
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.read() or b'{"error": "the counting process died"}')
        if "count" not in answer:
            raise RuntimeError(str(answer.get("error")))
        return int(answer["count"])


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> int:
    """The child: everything it says is one line of JSON."""
    _die_with(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the importer ends us in its time
    os.nice(5)
    asked = json.load(sys.stdin)
    try:
        answer: dict[str, object] = {
            "count": sources.count([Path(each) for each in asked["paths"]], mbox=asked["mbox"])
        }
    except Exception as error:  # the importer reports it; a traceback would only reach a log
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
