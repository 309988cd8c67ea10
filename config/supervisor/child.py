"""One child of the supervisor: started, watched, started again with back-off, stopped with its whole process group."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from config.supervisor.status import RECENT_S, ChildStatus

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
STABLE_AFTER_S = 60.0


def UNSTAMPED() -> None:  # noqa: N802  # a constant that is called
    """Of a child whose settings don't change while it runs."""


class Process(Protocol):
    """A process of ours: a `subprocess.Popen`, or one that was forked."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int, /) -> None: ...

    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Spec:
    """How a child is started and asked to end. `spawn` starts it in a process group of its own."""

    name: str
    spawn: Callable[[], Process]
    stop_signal: signal.Signals = signal.SIGTERM
    is_ready: Callable[[], bool] = lambda: True
    stamp: Callable[[], object] = UNSTAMPED  # when it changes, the child is started again


@dataclass(slots=True)
class Child:
    """The state of one child; times are of the monotonic clock unless they say otherwise."""

    spec: Spec
    process: Process | None = None
    started_at: float = 0.0
    since_epoch: float = 0.0
    due_at: float | None = None
    failures: int = 0
    last_end: str = ""
    restarted_at: list[float] = field(default_factory=list)
    stamp: object = None
    is_renewing: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    def start(self) -> None:
        self.stamp = self.spec.stamp()
        self.process = self.spec.spawn()
        self.started_at = time.monotonic()
        self.since_epoch = time.time()
        self.due_at = None

    def restart(self) -> str:
        """Start it again; why that can't be now ("": it runs), and then it is tried again after a while."""
        try:
            self.start()
        except OSError as error:  # no memory, no room
            self._plan_start()
            self.last_end = f"can't be started: {error}"
            return self.last_end
        self.restarted_at.append(time.monotonic())
        return ""

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def renew(self) -> bool:
        """Ask it to end where what it was started with changed; whether that was so."""
        if self.is_renewing or not self.is_running() or self.spec.stamp() == self.stamp:
            return False
        self.is_renewing = True
        self.ask_to_end()
        return True

    def note_end(self) -> float:
        """The child has ended by itself: clear its group, plan the next start; returns seconds until then."""
        assert self.process is not None
        self.kill()  # what it started must not outlive it: a port, a pool
        self.last_end = describe_end(self.process.wait())
        self.process = None
        self.since_epoch = time.time()
        if self.is_renewing:
            self.is_renewing, self.due_at = False, time.monotonic()
            return 0.0
        if time.monotonic() - self.started_at > STABLE_AFTER_S:
            self.failures = 0
        return self._plan_start()

    def _plan_start(self) -> float:
        delay_s: float = min(FIRST_BACKOFF_S * 2**self.failures, LONGEST_BACKOFF_S)
        self.failures += 1
        self.due_at = time.monotonic() + delay_s
        return delay_s

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """SIGKILL to the whole group, which is the child's own."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def status(self) -> ChildStatus:
        recent = [at for at in self.restarted_at if time.monotonic() - at < RECENT_S]
        pid = self.process.pid if self.process is not None else None
        return ChildStatus(
            self.name, pid, self.is_running(), self.since_epoch, len(self.restarted_at), len(recent), self.last_end
        )


def describe_end(returncode: int) -> str:
    """How a process ended, for people."""
    if returncode < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"
