"""What a process asks of the kernel about its parent. Linux only, like the rest."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(death_signal: signal.Signals, *, parent: int | None = None) -> None:
    """Have the kernel send us this signal when the thread that started us ends; call it after any change of user.

    parent: its process id, if known from before the fork: a parent that is gone already ends us here.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
