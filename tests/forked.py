"""Processes of the product for tests, forked from one that has everything loaded.

A start of `manage.py` takes seconds, nearly all of them to load modules; tests that start it again and again, to kill
it or to ask its many doors, fork instead. What runs in the child is the same: the module as `__main__`, its arguments,
environment, descriptors and its end. That the product comes up from nothing is what tests/config/test_supervisor.py and
`start` in the tests of commands see.

    process = fork(environment, "tests.torture.child", "verify", …, stdout=subprocess.PIPE)
    done = manage(environment, "search", "budget", "--json")
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from jobs import shutdown

ROOT = Path(__file__).resolve().parents[1]
LONGEST_ORDER = 1 << 20
_servers: dict[frozenset[tuple[str, str]], tuple[subprocess.Popen[bytes], socket.socket]] = {}


class Forked:
    """A running process: the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, ending: socket.socket, stdout: IO[str] | None) -> None:
        self.pid, self.stdout, self._ending = pid, stdout, ending
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended (negative: by which signal), None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises: subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, which: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, which)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it says to its end; `timeout` is for the end after its last word."""
        said = "" if self.stdout is None else self.stdout.read()
        self.wait(timeout)
        return said, None

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._ending], [], [], timeout)[0]:
            told = self._ending.recv(64)
            assert told, "the process that forks has ended"
            self._ending.close()
            self.returncode = os.waitstatus_to_exitcode(int(told))
        return self.returncode


def fork(
    environment: Mapping[str, str],
    module: str,
    *arguments: object,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Forked:
    """Run a module as `python -m` does, in a child that has the product loaded. stdout: None, a descriptor or PIPE."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading: IO[str] | None = None
    with contextlib.ExitStack() as passing:
        passing.callback(theirs.close)
        nothing = os.open(os.devnull, os.O_RDWR)
        passing.callback(os.close, nothing)
        if stdout == subprocess.PIPE:
            end, stdout = os.pipe()
            reading = os.fdopen(end, encoding="utf-8", errors="replace")
            passing.callback(os.close, stdout)
        said = 1 if stdout is None else stdout
        descriptors = [stdin, said, 2 if stderr is None else said if stderr == subprocess.STDOUT else stderr]
        descriptors = [nothing if each == subprocess.DEVNULL else each for each in descriptors]
        order = json.dumps([module, [str(each) for each in arguments], dict(environment)]).encode()
        _process, door = _server(environment)
        socket.send_fds(door, [order], [*descriptors, theirs.fileno()])
    return Forked(int(ours.recv(64)), ours, reading)


def manage(environment: Mapping[str, str], *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """`manage.py` with these words, to its end."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(given.encode())
        stdin.seek(0)
        files = {"stdin": stdin.fileno(), "stdout": stdout.fileno(), "stderr": stderr.fileno()}
        code = fork(environment, "manage", *words, **files).wait(120)
        said = []
        for file in (stdout, stderr):
            file.seek(0)
            said.append(file.read().decode())
        return subprocess.CompletedProcess(["manage.py", *words], code, *said)


def _server(environment: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The process that has this environment's settings loaded; started when first asked for."""
    key = frozenset((name, value) for name, value in environment.items() if name != "PYTEST_CURRENT_TEST")
    if key not in _servers:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
        process = subprocess.Popen(
            argv, cwd=ROOT, env=dict(environment), pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL
        )
        theirs.close()
        _servers[key] = process, ours
        atexit.register(_end, process, ours)
    return _servers[key]


def _end(process: subprocess.Popen[bytes], door: socket.socket) -> None:
    door.close()
    process.wait(10)


# --- the process that forks -------------------------------------------------------------------------------------------


def main(door: socket.socket) -> None:
    """Forks at each order, until the door is shut; only in a child it returns before that, to become what was asked."""
    import django

    django.setup()
    assert threading.active_count() == 1, "threads don't come along"
    running: dict[int, tuple[int, socket.socket]] = {}  # by the descriptor that tells of the end
    while True:
        for ready in select.select([door.fileno(), *running], [], [])[0]:
            if ready in running:
                pid, telling = running.pop(ready)
                os.close(ready)
                status = os.waitpid(pid, 0)[1]
                with contextlib.suppress(BrokenPipeError):  # nobody may want to know
                    telling.send(str(status).encode())
                telling.close()
                continue
            order, descriptors, _flags, _address = socket.recv_fds(door, LONGEST_ORDER, 8)
            if not order:
                sys.exit(0)
            pid = os.fork()
            if pid == 0:
                door.close()
                for descriptor, (_pid, other) in running.items():
                    os.close(descriptor)
                    other.close()
                module, arguments, environment = json.loads(order)
                become(module, arguments, environment, descriptors)
                return
            telling = socket.socket(fileno=descriptors[3])
            telling.send(str(pid).encode())
            running[os.pidfd_open(pid)] = pid, telling
            for each in descriptors[:3]:
                os.close(each)


def become(module: str, arguments: list[str], environment: dict[str, str], descriptors: list[int]) -> None:
    """Run what was asked in this child, which then ends as a process does."""
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(shutdown)  # its byte is shared over forks, within one family
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
