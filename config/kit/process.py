"""What a process asks of the kernel and of the C library about itself. Linux only, like the rest."""

from __future__ import annotations

import ctypes
import gc
import os
import signal

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(death_signal: signal.Signals, *, parent: int | None = None) -> None:
    """Have the kernel send us this signal when the thread that started us ends; call it after any change of user.

    parent: its process id, if known from before the fork: a parent that is gone already ends us here.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Be the parent of all below us whose own parent ends, as process 1 is of everybody's; we have to wait for them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def keep_memory_together() -> None:
    """Have glibc use one heap for all threads and give large blocks back at once; call it before threads start.

    Each thread's own heap keeps what it once needed: an import with six threads held 70 MiB more that way.
    Another C library (musl) has no such setting, and needs none.
    """
    mallopt = getattr(_libc, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)


def look_for_garbage_less_often() -> None:
    """Have Python look after 20,000 new objects instead of 700; call it before the product is loaded.

    Loading makes hundreds of thousands of objects and throws few away: looking took an eighth of a start.
    """
    gc.set_threshold(20_000, 10, 10)
