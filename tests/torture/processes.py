"""Starting, hearing and killing the process under test."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.forked import Forked, fork


@dataclass
class Child:
    """A child process and what it has said so far."""

    process: Forked
    lines: list[list[str]] = field(default_factory=list)

    @classmethod
    def start(cls, what: str, root: Path | str, work: Path, *arguments: object) -> Child:
        child = cls(fork(os.environ, "tests.torture.child", what, root, work, *arguments, stdout=subprocess.PIPE))
        threading.Thread(target=child._listen, daemon=True).start()
        return child

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # The last line of a killed process can be half a line; then it was not said.
            if line.endswith("\n"):
                self.lines.append(line.split())

    def heard(self, word: str) -> list[list[str]]:
        return [line[1:] for line in list(self.lines) if line and line[0] == word]

    def wait_for(self, word: str, times: int = 1, timeout: float = 60) -> None:
        """Until it has said this so often, or has ended."""
        end = time.monotonic() + timeout
        while len(self.heard(word)) < times and self.process.poll() is None:
            assert time.monotonic() < end, f"{word} was not said in {timeout} s: {self.lines[-3:]}"
            time.sleep(0.002)

    def kill(self) -> None:
        self.process.kill()
        self.join()

    def join(self, timeout: float = 120) -> int:
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        time.sleep(0.02)  # for the listener to take the last lines
        return code
