"""What the supervisor and the nursery rely on, each by itself; with a whole house: test_supervisor."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from config import nursery
from config.kit import paths
from config.supervisor.nursery import Forked, Nursery
from jobs import shutdown

ORPHANS = """
import os, time
from config.kit.process import adopt_orphans
from config.supervisor.nursery import reap_strangers
adopt_orphans()
between = os.fork()
if between == 0:
    if os.fork() == 0:
        time.sleep(0.2)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(between, 0)[1]) == 7
ours = os.fork() or os._exit(5)
time.sleep(0.4)
reap_strangers({ours})
assert os.waitstatus_to_exitcode(os.waitpid(ours, 0)[1]) == 5, "ours is left for whoever waits for it"
reap_strangers(set())
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("none left")
"""


def test_orphans_are_adopted_and_reaped_and_ours_are_left() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHANS], cwd=paths.BASE_DIR, capture_output=True, check=True)
    assert done.stdout == b"none left\n"


def test_a_forked_child_tells_how_it_ended() -> None:
    ended = Forked(os.fork() or os._exit(3))
    assert ended.wait(timeout=10) == 3
    assert (ended.poll(), ended.returncode) == (3, 3)
    killed = Forked(os.fork() or os.execvp("sleep", ["sleep", "60"]))
    assert killed.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(timeout=0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    killed.send_signal(signal.SIGTERM)  # to nobody: the number may be somebody else's by now


def test_a_nursery_that_was_not_started_forks_nothing() -> None:
    forked = Nursery().fork(["manage.py"], part="x", death_signal=signal.SIGTERM, stdin=0, stdout=1, stderr=2)
    assert forked is None


def test_it_refuses_to_fork_beside_a_thread() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    ours, theirs = socket.socketpair()
    try:
        with ours, theirs, pytest.raises(nursery.NotAlone, match="threads"):
            nursery.look_alone(theirs)
    finally:
        over.set()
        thread.join()


def test_two_children_are_not_stopped_by_one_byte() -> None:
    shutdown.reset()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        shutdown.separate()
        shutdown.request()
        os.write(writing, b"yes" if shutdown.requested() else b"no")
        os._exit(0)
    assert os.read(reading, 3) == b"yes"
    assert not shutdown.requested()
    os.close(reading)
    os.close(writing)
    os.waitpid(pid, 0)
