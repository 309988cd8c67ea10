"""The process that loads everything once and becomes, by forking, each Python child of the house.

What is loaded lies in memory once, and a child is at work at once. Started by `config.supervisor.nursery`, which says
over a socket what the next child shall run. Before it forks nothing has been begun that a fork would tear: one thread,
no connection, no event loop, no open file; `serve` looks. What may not be the same in two children is made new in each
(`separate`). A child is handed over to the supervisor: the process in between ends, and the kernel gives its child to
the nearest one above that adopts.

Not for what a child does: it runs as `python -m …` or `python manage.py …` would run it.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import setproctitle
from django.conf import settings
from django.db import connections
from django.urls import get_resolver
from django.utils.translation.reloader import translation_file_changed

from config import pooled
from config.kit.process import die_with_parent, keep_memory_together, look_for_garbage_less_often
from config.supervisor.nursery import GO
from jobs import shutdown

LONGEST_ORDER = 1 << 16
DESCRIPTORS = 4  # of an order: stdin, stdout, stderr, and the socket that answers it
ADOPTED_WITHIN_S = 5.0
# What the children load beside the apps and the pages. One that is forgotten here is loaded by each that needs it.
MODULES = (
    "config.celery",
    "config.clock",
    "config.preparing",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "granian.cli",
    "granian.server.mp",
    "django.contrib.staticfiles.storage",
    "django.core.management.commands.migrate",
    "django.template.backends.django",
    "psycopg_pool",
    "uvloop",
    "api.management.commands.dialect_port",
    "api.management.commands.pwd",
    "archive.management.commands.indexer",
    "gateway.management.commands.deliver",
    "gateway.management.commands.gateway",
    "gateway.management.commands.keeper",
)


class NotAlone(Exception):
    """Something was begun that a fork would tear; the text says what."""


def load() -> None:
    """Everything that the children need; without looking for garbage meanwhile, and never again in what is here."""
    gc.disable()
    django.setup()
    for name in MODULES:
        import_module(name)
    get_resolver().url_patterns  # noqa: B018 - imports every view
    gc.collect()
    gc.freeze()
    gc.enable()


def serve(door: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Fork at each order until the door is shut: None then. In a child: its order, and its descriptors.

    Raises: NotAlone.
    """
    look_alone(door)
    door.send(b"ready")
    while True:
        order, descriptors, _flags, _address = socket.recv_fds(door, LONGEST_ORDER, DESCRIPTORS)
        if not order:
            return None
        between = os.fork()
        if between == 0:
            if _fork_again():
                return json.loads(order), descriptors
            os._exit(0)
        os.waitpid(between, 0)
        for descriptor in descriptors:
            os.close(descriptor)


def _fork_again() -> bool:
    """Whether we are the child; it has to wait until the one in between has gone. Never raises."""
    try:
        return os.fork() == 0
    except OSError as error:
        print(f"the nursery can't fork: {error}", file=sys.stderr)
        os._exit(1)


def look_alone(door: socket.socket) -> None:
    """Raises: NotAlone, where a library began something when it was loaded."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    files = {int(each.name) for each in Path("/proc/self/fd").iterdir() if each.exists()} - {0, 1, 2, door.fileno()}
    if threads > 1 or threading.active_count() > 1:
        raise NotAlone(f"{threads} threads")
    if files:
        raise NotAlone(f"open files: {sorted(files)}")
    if connections["default"].connection is not None:
        raise NotAlone("a connection to the database")


def become(order: dict[str, Any], descriptors: Sequence[int]) -> None:
    """In the child: be the supervisor's, take our descriptors and our part, and wait for its word. May not return."""
    os.setpgid(0, 0)
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    _be_adopted(order["parent"])
    die_with_parent(signal.Signals(order["death_signal"]), parent=order["parent"])
    with socket.socket(fileno=descriptors[3]) as answer:
        answer.send(str(os.getpid()).encode())
        if answer.recv(len(GO)) != GO:
            os._exit(0)  # it waited too long for us, and started another
    setproctitle.setproctitle(" ".join([sys.executable, *order["argv"]]))
    os.environ["POSTKEEP_PART"] = order["part"]
    separate(order["part"])


def _be_adopted(parent: int) -> None:
    until = time.monotonic() + ADOPTED_WITHIN_S
    while os.getppid() != parent and time.monotonic() < until:
        time.sleep(0.0005)


def separate(part: str) -> None:
    """Undo what loading left behind that is this child's own or may have changed since."""
    pooled.arrange(settings.DATABASES["default"], part)
    del connections["default"]
    translation_file_changed(None, Path("compiled.mo"))  # English was read with the models; all may be compiled anew
    shutdown.separate()


def run(argv: Sequence[str]) -> None:
    """As Python would with these arguments: `-m module …` or a file."""
    if argv[0] == "-m":
        sys.argv = ["-m", *argv[2:]]
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(argv)
        runpy.run_path(argv[0], run_name="__main__")


def main() -> None:
    keep_memory_together()
    look_for_garbage_less_often()
    door = socket.socket(fileno=int(sys.argv[1]))
    load()
    found = serve(door)
    door.close()
    if found is not None:
        order, descriptors = found
        become(order, descriptors)
        run(order["argv"])


if __name__ == "__main__":
    main()
