"""A process of its own that forks once for each file it is handed, for work on files that may be hostile.

Both sides: `Forks` starts the process and hands over an order, an open file and a pipe for the answer; `serve` is the
process's loop. Neither knows what the work is, nor what bounds it (each kind of work confines its own fork).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent


class Forks:
    """The side that asks. `module` is run as a program, started at the first order. Not for several threads at once."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._door: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def hand_over(self, order: bytes, file_fd: int, pipe_fd: int) -> None:
        """Send one order (JSON); a process that went away is started again, once. Raises: OSError."""
        for attempt in (1, 2):
            try:
                socket.send_fds(self._connected(), [order], [file_fd, pipe_fd])
                return
            except OSError:
                self.close()
                if attempt == 2:
                    raise

    def _connected(self) -> socket.socket:
        if self._door is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-s", "-P", "-B", "-m", self._module, str(theirs.fileno())],
                    env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8"},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                )
            self._door = ours
        return self._door

    def close(self) -> None:
        """End the process. It holds nothing worth keeping."""
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def serve(work: Callable[[dict[str, Any], int, int], None], prepare: Callable[[], None] = lambda: None) -> None:
    """The side that works: one fork for each order until the other side goes away, without rights and network."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _isolate()
    prepare()
    door = socket.socket(fileno=int(sys.argv[1]))
    for order, file_fd, pipe_fd in _orders(door):
        if os.fork() == 0:
            status = 1
            try:
                door.close()
                ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
                work(order, file_fd, pipe_fd)
                status = 0
            finally:
                os._exit(status)
        os.close(file_fd)
        os.close(pipe_fd)


def _orders(door: socket.socket) -> Iterator[tuple[dict[str, Any], int, int]]:
    while True:
        message, fds, _, _ = socket.recv_fds(door, 64 << 10, 2)
        if not message or len(fds) != 2:
            return
        yield json.loads(message), fds[0], fds[1]


def _isolate() -> None:
    """Gain no rights, lose the network; each where the system has it."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if libc.unshare(0x40000000):  # CLONE_NEWNET; an ordinary user may only with CLONE_NEWUSER
            libc.unshare(0x10000000 | 0x40000000)
