"""The process that reads attached files: takes one as an open file, says in JSON what it holds.

Started by `reader` with a socket. It loads the parsers and then forks once per file; each fork has bounds on memory,
processor time and wall-clock time that the kernel keeps, no network where the system allows that, writes nothing, and
as root becomes nobody. Not for deciding which files are read.
"""

from __future__ import annotations

import codecs
import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from archive.mail.attached import FileText

from .model import MEMORY, Policy
from .opening import Opening

NOBODY = 65534
# Loaded before this process loses the right to read where Python may lie.
CODECS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp437", "cp850", "cp874", "cp932",
    "cp949", "cp950", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-15", "koi8-r", "koi8-u", "gb18030", "big5hkscs",
    "euc_jp", "iso2022_jp_ext", "hz", "mac_roman", "unicode_escape", "idna", "punycode",
)  # fmt: skip


def _isolate() -> None:
    """Gain no rights, lose the network; each where the system has it."""
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if libc.unshare(0x40000000):  # CLONE_NEWNET; an ordinary user may only with CLONE_NEWUSER
            libc.unshare(0x10000000 | 0x40000000)


def _become_nobody() -> None:
    if os.getuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)


def _confine(policy: Policy) -> None:
    for what, bound in (
        (resource.RLIMIT_CPU, policy.seconds),
        (resource.RLIMIT_AS, policy.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (bound, bound))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(policy.seconds + policy.seconds // 2 + 1)


def _serve(order: dict[str, Any], file_fd: int, pipe_fd: int) -> None:
    policy = Policy(**{**order["policy"], "groups": frozenset(order["policy"]["groups"])})
    _confine(policy)
    with os.fdopen(file_fd, "rb") as file:
        data = file.read()
    opening = Opening(policy, len(data))
    try:
        opening.read(order["name"], data)
    except (MemoryError, RecursionError):
        opening.found.append(FileText(order["name"], reason=MEMORY))
    del data
    answer = json.dumps([asdict(each) for each in opening.found]).encode()
    with os.fdopen(pipe_fd, "wb") as out:
        out.write(len(answer).to_bytes(4, "big"))
        out.write(answer)


def _orders(door: socket.socket) -> Iterator[tuple[dict[str, Any], int, int]]:
    while True:
        message, fds, _, _ = socket.recv_fds(door, 64 << 10, 2)
        if not message or len(fds) != 2:
            return
        yield json.loads(message), fds[0], fds[1]


def main() -> None:
    """Wait for files until the other side goes away; one fork each."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in CODECS:
        with suppress(LookupError):
            codecs.lookup(name)
    _isolate()
    _become_nobody()
    os.nice(5)
    gc.freeze()
    door = socket.socket(fileno=int(sys.argv[1]))
    for order, file_fd, pipe_fd in _orders(door):
        if os.fork() == 0:
            status = 1
            try:
                door.close()
                ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
                _serve(order, file_fd, pipe_fd)
                status = 0
            finally:
                os._exit(status)
        os.close(file_fd)
        os.close(pipe_fd)


if __name__ == "__main__":
    main()
