"""The supervisor's side of the nursery: asks the process that has everything loaded for a child, and watches that.

That process is `config.nursery`. A child of it becomes the supervisor's own (`adopt_orphans`): its end, its signals and
its death with the supervisor are those of any other child, and the nursery may die without it. Where the nursery isn't
there or doesn't answer, whoever asks starts a program instead: what depends on it is memory and the time of a start.
No Django here. Why: docs/decisions/0050-one-process-is-loaded.md.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ANSWER_WITHIN_S = 10.0
LONGEST_ANSWER = 32
GO = b"go"
WAIT_STEP_S = 0.01


class Forked:
    """A running child: the part of `subprocess.Popen` that the supervisor uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended (negative: by which signal), None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Raises: subprocess.TimeoutExpired."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self._look(0 if until is None else os.WNOHANG)) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(WAIT_STEP_S)
        return code

    def send_signal(self, sig: int) -> None:
        """Nothing to one that has ended: until it is waited for, its number is nobody else's."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, how: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class Nursery:
    """The process that has everything loaded, as a child that can be started again, and the way to ask it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None
        self._is_loaded = False

    def start(self, environment: Mapping[str, str], folder: Path, enter: Callable[[], None]) -> subprocess.Popen[bytes]:
        """Start it, after a dead one too. enter: what it does before its program."""
        self._shut()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "config.nursery", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                cwd=folder,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
                preexec_fn=enter,  # noqa: PLW1509  (one thread)
                process_group=0,
            )
        self._door = ours
        return self._process

    def is_ready(self) -> bool:
        """Whether it has loaded everything and takes orders."""
        if self._door is not None and not self._is_loaded:
            with suppress(OSError):
                self._is_loaded = bool(self._door.recv(LONGEST_ANSWER, socket.MSG_DONTWAIT))
        return self._is_loaded and self._process is not None and self._process.poll() is None

    def fork(
        self,
        argv: Sequence[str],
        *,
        part: str,
        death_signal: signal.Signals,
        stdin: int,
        stdout: int,
        stderr: int,
    ) -> Forked | None:
        """A child in a process group of its own that runs Python with these arguments; None where it can't be had.

        A nursery that is silent is killed, and what it might still fork ends by itself, unasked.
        """
        if self._door is None or not self.is_ready():
            return None
        order = {"argv": list(argv), "part": part, "death_signal": int(death_signal), "parent": os.getpid()}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            try:
                with theirs:
                    socket.send_fds(
                        self._door,
                        [json.dumps(order).encode()],
                        [stdin, stdout, stderr, theirs.fileno()],
                        socket.MSG_DONTWAIT,
                    )
                ours.settimeout(ANSWER_WITHIN_S)
                pid = int(ours.recv(LONGEST_ANSWER))
                ours.send(GO)
            except (OSError, ValueError):
                self._shut()
                return None
        return Forked(pid)

    def _shut(self) -> None:
        """Ask it nothing more: without its door it ends."""
        self._is_loaded = False
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


def reap_strangers(ours: set[int]) -> None:
    """Take note of the end of processes that became ours because their parent died: nobody else would.

    ours: those whom their starter waits for. The first of them that has ended hides the others until then.
    """
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in ours:
            os.waitpid(ended.si_pid, 0)
