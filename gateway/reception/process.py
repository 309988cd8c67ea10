"""The parent of the gateway's processes: it opens the ports, forks, starts again what ends, and ends all in order.

It does nothing else, has no threads and no connection to the database, so a fork copies a quiet process. A child that
shows no sign of life for `SILENT_S` is killed and started again.
"""

from __future__ import annotations

import gc
import logging
import mmap
import os
import signal
import struct
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connections

from config.kit.process import die_with_parent
from gateway.naming import own_name
from gateway.reception import selfsigned, worker
from gateway.reception.ports import Port, open_ports

logger = logging.getLogger("postkeep.gateway")

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
SILENT_S = 30.0
AGAIN_AFTER_S = (0.2, 1.0, 5.0, 15.0)
LOOK_EVERY_S = 1.0
STOP_WITHIN_S = 9.0
STABLE_AFTER_S = 60.0


class Pulse:
    """When each child last was at work: a little memory that all share. Times of the monotonic clock."""

    def __init__(self, count: int) -> None:
        self._memory = mmap.mmap(-1, 8 * count)

    def beat(self, number: int) -> None:
        struct.pack_into("d", self._memory, 8 * number, time.monotonic())

    def silent_s(self, number: int) -> float:
        last: float = struct.unpack_from("d", self._memory, 8 * number)[0]
        return time.monotonic() - last


@dataclass(slots=True)
class Child:
    number: int
    pid: int = 0
    started_at: float = 0.0
    due_at: float = 0.0
    failures: int = 0


class Parent:
    """The children, and what they listen on."""

    def __init__(self, ports: list[Port]) -> None:
        self.ports = ports
        self.children = [Child(number) for number in range(settings.GATEWAY.processes)]
        self.pulse = Pulse(len(self.children))
        self.fallback = selfsigned.make(own_name())

    def watch(self) -> None:
        """Until a signal says that it's over."""
        while True:
            for child in self.children:
                if not child.pid and time.monotonic() >= child.due_at:
                    self._start(child)
            got = signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, LOOK_EVERY_S)
            if got is not None and got.si_signo in STOP_SIGNALS:
                return
            self._note_ends()
            self._kill_silent()

    def _start(self, child: Child) -> None:
        connections.close_all()
        self.pulse.beat(child.number)
        child.started_at = time.monotonic()
        child.pid = os.fork() or self._be_child(child.number)

    def _be_child(self, number: int) -> int:
        """Never returns."""
        code = 1
        try:
            die_with_parent(signal.SIGTERM, parent=os.getppid())
            signal.pthread_sigmask(signal.SIG_SETMASK, set())
            worker.run(number, self.ports, self.fallback, lambda: self.pulse.beat(number))
            code = 0
        except BaseException:
            logger.exception("a process of the gateway broke")
        finally:
            logging.shutdown()
            os._exit(code)

    def _note_ends(self) -> None:
        for child in self.children:
            if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                if time.monotonic() - child.started_at > STABLE_AFTER_S:
                    child.failures = 0
                wait_s = AGAIN_AFTER_S[min(child.failures, len(AGAIN_AFTER_S) - 1)]
                logger.error("process %s of the gateway ended; starting it again in %s s", child.pid, wait_s)
                child.pid, child.failures, child.due_at = 0, child.failures + 1, time.monotonic() + wait_s

    def _kill_silent(self) -> None:
        for child in self.children:
            if child.pid and self.pulse.silent_s(child.number) > SILENT_S:
                logger.error("process %s of the gateway shows no sign of life; killed", child.pid)
                os.kill(child.pid, signal.SIGKILL)
                self.pulse.beat(child.number)

    def stop(self) -> None:
        """End all: no new connections, messages in progress are finished, what doesn't end by then is killed."""
        for port in self.ports:
            for listening in port.sockets:
                listening.close()
        for child in self.children:
            if child.pid:
                os.kill(child.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_WITHIN_S
        while any(child.pid for child in self.children):
            for child in self.children:
                if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                    child.pid = 0
                elif child.pid and time.monotonic() > until:
                    logger.error("process %s of the gateway does not end by itself; killed", child.pid)
                    os.kill(child.pid, signal.SIGKILL)
            signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, 0.05)


def run() -> None:
    """The whole life of `manage.py gateway`. Raises: PortTaken."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {signal.SIGCHLD})
    parent = Parent(open_ports())
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the processes: no collection writes into it
    try:
        parent.watch()
    finally:
        parent.stop()
