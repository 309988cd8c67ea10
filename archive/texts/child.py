"""The process that reads attached files: takes one as an open file, says in JSON what it holds.

Started by `reader` with a socket. It loads the parsers and then forks once per file; each fork has bounds on memory,
processor time and wall-clock time that the kernel keeps, no network where the system allows that, writes nothing, and
as root becomes nobody. Not for deciding which files are read.
"""

from __future__ import annotations

import codecs
import gc
import json
import os
import resource
import signal
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from archive.forks import serve
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


def _prepare() -> None:
    for name in CODECS:
        with suppress(LookupError):
            codecs.lookup(name)
    _become_nobody()
    os.nice(5)
    gc.freeze()


if __name__ == "__main__":
    serve(_serve, _prepare)
