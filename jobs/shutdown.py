"""One shared byte that says "this process and its children shall stop", settable from a signal handler.

It lives in memory shared over fork, so the worker's main process (which gets the SIGTERM) tells the pool processes
(which run the tasks) without a lock, a database or a broker. Not for cancelling one task: that is in the task's row.
"""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def request() -> None:
    """Ask all runs of this process family to end in good order."""
    _flag[0] = 1


def requested() -> bool:
    return bool(_flag[0])


def separate() -> None:
    """From now on a byte of our own: for who was forked from a process that is no part of its family."""
    global _flag
    _flag = mmap.mmap(-1, 1)


def reset() -> None:
    """Take the request back (a new worker in the same process, tests)."""
    _flag[0] = 0
