"""The watch over all children: ordered start with readiness, restart with back-off, ordered stop.

One thread; signals are blocked and taken with sigtimedwait, so nothing happens between two lines unexpectedly.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable

from config.supervisor import status
from config.supervisor.child import UNSTAMPED, Child, Process, Spec, describe_end
from config.supervisor.nursery import reap_strangers

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WATCHED = STOP_SIGNALS | {signal.SIGCHLD}
RETRY_START_S = 30.0
PROBE_S = 0.05
LOOK_S = 2.0  # so often it is seen whether a child's settings changed


class StopAsked(Exception):
    """Somebody wants the house to end."""


class StartFailed(Exception):
    """A child that the others need doesn't come up; the text says which and how it ended."""


class Loop:
    """All children, in the order in which they were started."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.children: list[Child] = []
        self.stop_asked = False
        self._is_told = True  # whether the others could be told how the children are
        self._running_to_end: set[int] = set()
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)

    def start(self, spec: Spec) -> Child:
        """Start a child; it is watched from now on."""
        child = Child(spec)
        child.start()
        self.children.append(child)
        self._tell()
        return child

    def wait_ready(self, children: Iterable[Child], *, timeout_s: float = RETRY_START_S) -> None:
        """Wait until all answer, starting again meanwhile what ends: an old server may still be on its way out.

        Raises: StopAsked, StartFailed.
        """
        until = time.monotonic() + timeout_s
        waiting = list(children)
        while waiting := [child for child in waiting if not (child.is_running() and child.spec.is_ready())]:
            self.pause(PROBE_S)
            self.mend(quietly=True)
            if time.monotonic() > until:
                names = ", ".join(f"{child.name} ({child.last_end or 'silent'})" for child in waiting)
                raise StartFailed(f"does not come up within {timeout_s:.0f} s: {names}")

    def run_to_end(self, process: Process, name: str, *, timeout_s: float) -> None:
        """Wait for a child that ends by itself. Raises: StopAsked, StartFailed when it fails or takes too long."""
        until = time.monotonic() + timeout_s
        self._running_to_end.add(process.pid)
        try:
            while process.poll() is None:
                self.pause(PROBE_S)
                self.mend(quietly=True)
                if time.monotonic() > until:
                    raise StartFailed(f"{name} takes longer than {timeout_s:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            self._running_to_end.discard(process.pid)
        if process.returncode != 0:
            raise StartFailed(f"{name} {describe_end(process.wait())}")

    def watch(self) -> None:
        """Start again what ends, until somebody wants the house to end."""
        try:
            while True:
                self.pause(self._seconds_until_due())
                for child in self.children:
                    if child.renew():
                        self.say(f"{child.name} is started again, for its settings changed")
                self.mend()
                if not self._is_told:
                    self._tell()
        except StopAsked:
            return

    def mend(self, *, quietly: bool = False) -> None:
        """Note which children ended, and start those whose time has come."""
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                delay_s = child.note_end()
                if not quietly:
                    self.say(f"{child.name} {child.last_end}; starting it again in {delay_s:g} s")
                self._tell()
            elif child.due_at is not None and time.monotonic() >= child.due_at:
                problem = child.restart()
                if not quietly:
                    self.say(f"{child.name} {problem or 'started again'}")
                self._tell()
        ours = {child.process.pid for child in self.children if child.process is not None}
        reap_strangers(ours | self._running_to_end)

    def stop(self, phases: Iterable[tuple[set[str], float]]) -> None:
        """End the children phase by phase (names, seconds until SIGKILL); a repeated signal changes nothing."""
        for names, patience_s in phases:
            ending = [child for child in self.children if child.name in names and child.process is not None]
            for child in ending:
                child.ask_to_end()
            until = time.monotonic() + patience_s
            while any(child.is_running() for child in ending) and time.monotonic() < until:
                signal.sigtimedwait(WATCHED, PROBE_S)
            for child in ending:
                if child.is_running():
                    self.say(f"{child.name} does not end by itself; killed")
                child.kill()
                assert child.process is not None
                child.process.wait()
        status.remove()

    def pause(self, seconds: float | None) -> None:
        """Sleep until a child ends or the time is over. Raises: StopAsked."""
        if self.stop_asked:
            raise StopAsked
        got = signal.sigwaitinfo(WATCHED) if seconds is None else signal.sigtimedwait(WATCHED, max(0.0, seconds))
        if got is not None and got.si_signo in STOP_SIGNALS:
            self.stop_asked = True
            raise StopAsked

    def _seconds_until_due(self) -> float | None:
        due = [child.due_at for child in self.children if child.due_at is not None]
        until = [max(0.0, at - time.monotonic()) for at in due]
        is_looking = not self._is_told or any(child.spec.stamp is not UNSTAMPED for child in self.children)
        looks = [LOOK_S] if is_looking else []
        return min([*until, *looks], default=None)

    def _tell(self) -> None:
        """On a full disk the others hear it later; the house goes on."""
        try:
            status.write(child.status() for child in self.children)
        except OSError:
            self._is_told = False
        else:
            self._is_told = True
