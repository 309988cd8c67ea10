"""`manage.py up`: the whole system in the foreground, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from config import environment, servers
from config.kit import paths
from config.kit.process import adopt_orphans, die_with_parent
from config.supervisor import house
from config.supervisor.child import Process
from config.supervisor.loop import PROBE_S, Loop, StartFailed, StopAsked
from config.supervisor.nursery import Nursery

LOAD_S = 180.0  # a machine busy with much else
PREPARE_S = 600.0
RESTORE_S = 7 * 86_400.0  # a whole archive is fetched, where a restore was ordered
WEB_S = 180.0  # if they must all be loaded one by one, a dozen Pythons on a busy machine
OLD_WEB_S = 12.0
OLD_SUPERVISOR_S = 25.0
# 20 s in all: what serves and works first, then what they stand on.
DIALECTS = {f"dialect-{name}" for name in environment.DIALECT_NAMES}
STOP_PHASES = [
    ({"web", "beat", "delivery", "gateway", "indexer", "keeper", "nursery", "worker"} | DIALECTS, 10.0),
    ({"valkey"}, 4.0),
    ({"postgres"}, 5.0),
]
ADMINISTRATOR_VARIABLES = ("POSTKEEP_ADMIN_EMAIL", "POSTKEEP_ADMIN_PASSWORD")
_STOPPING = b"stopping"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `up`."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout once it answers")


def main(argv: Sequence[str]) -> int:
    """Run until somebody ends it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    add_arguments(parser)
    return run(as_json=parser.parse_args(argv).json)


def run(*, as_json: bool) -> int:
    """The house's whole life. Exit codes: 0 ended as asked, 1 could not start, 3 runs already."""
    reporter = Reporter(as_json)
    try:
        environment.public_url()
        environment.dialects()
        paths.home().mkdir(mode=0o711, parents=True, exist_ok=True)
        with _only_one() as lock:
            return _live(reporter, lock)
    except AlreadyRunning as error:
        reporter.say(str(error))
        return 3
    except (servers.ServerRefused, environment.EnvironmentRefused, StartFailed, OSError) as error:
        reporter.say(f"cannot start: {error}")
        return 1


class AlreadyRunning(Exception):
    """Another supervisor works on this HOME; the text says which."""


class Reporter:
    """What people read; with --json it all goes to stderr and stdout gets one document."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        with suppress(OSError):  # where it goes may be full, or gone: nothing ends for that
            print(f"postkeep: {text}", file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def show_recovery_key(self, text: str) -> None:
        """As soon as there is one: what comes after might fail, and it can't be shown again."""
        self.say("the recovery key opens the archive if this machine's keys are lost. It is shown only now:")
        self.say(f"    {text}")
        self.say("write it down, keep it elsewhere, and confirm that on the health page.")

    def show_address(self, prepared: dict[str, Any], seconds: float) -> None:
        url = environment.public_url()
        if self.as_json:
            print(json.dumps({"url": url, "pid": os.getpid(), **prepared}), flush=True)
        if prepared.get("invitation"):
            self.say("the first administrator sets their password here (works once):")
            self.say(f"    {prepared['invitation']}")
        self.say(f"ready at {url} after {seconds:.1f} s (Ctrl-C ends it)")


def _live(reporter: Reporter, lock: IO[bytes]) -> int:
    began = time.monotonic()
    administrator = {name: os.environ.pop(name, "") for name in ADMINISTRATOR_VARIABLES}
    loop, nursery = Loop(reporter.say), Nursery()
    adopt_orphans()
    if os.environ.get("MAKELEVEL"):
        die_with_parent(signal.SIGTERM)  # `make run` killed means: end in good order
    try:
        prepared = _prepare_all(loop, nursery, administrator)
        if prepared.get("recovery_key"):
            reporter.show_recovery_key(prepared["recovery_key"])
            paths.recovery_shown_mark().touch(mode=0o600)
        if prepared.get("keys_lost"):
            reporter.say("the keys of this archive are lost: it opens again after `manage.py recover_keys` with the")
            reporter.say("recovery key that was shown at the very first start, and a restart.")
        _start_all(loop, nursery)
        reporter.show_address(prepared, time.monotonic() - began)
        loop.watch()
        reporter.say("ending")
    except StopAsked:
        reporter.say("ending before the start was done")
    finally:
        with suppress(OSError):  # on a full disk whoever starts the next one waits without knowing why
            _write(lock, _STOPPING)
        loop.stop(STOP_PHASES)
    return 0


def _prepare_all(loop: Loop, nursery: Nursery, administrator: dict[str, str]) -> dict[str, Any]:
    """The servers, and what prepares the data on them; returns what `prepare` found to tell.

    The nursery loads beside them: that takes as long as they do. Where a restore was ordered it is left for later, as a
    restore brings keys that are read when it loads.
    """
    if not paths.restore_order().exists():
        loop.start(house.nursery_spec(nursery))
    if not (paths.home() / "static.fingerprint").exists():
        loop.say("the first start makes the database and its tables: a minute, more on a busy machine")
    own = [loop.start(house.server_spec(server)) for server in house.lock_servers()]
    loop.wait_ready(own)
    if environment.has_own_database() and not servers.has_database():
        servers.create_database()
        servers.mark_database()
    _wait_for_port(loop)
    _wait_for_nursery(loop)
    with tempfile.TemporaryFile() as result:
        return _result_of(loop, house.prepare(nursery, result.fileno())(json.dumps(administrator).encode()), result)


def _wait_for_nursery(loop: Loop) -> None:
    """Until it is loaded, or can't be: then each child loads for itself, and says why that fails. Raises: StopAsked."""
    until = time.monotonic() + LOAD_S
    for child in loop.children:
        while child.name == "nursery" and child.is_running() and not child.spec.is_ready():
            if time.monotonic() > until:
                return
            loop.pause(PROBE_S)


def _start_all(loop: Loop, nursery: Nursery) -> None:
    """Everything that works on the prepared data, until the pages answer."""
    if not any(child.name == "nursery" for child in loop.children):
        loop.start(house.nursery_spec(nursery))
        _wait_for_nursery(loop)
    web = loop.start(house.web(nursery))
    for spec in (house.worker(nursery), house.beat(nursery)):
        loop.start(spec)
    if house.has_program("archive", "indexer"):
        loop.start(house.indexer(nursery))
    if house.has_program("gateway", "deliver"):
        loop.start(house.delivery(nursery))
    if house.has_program("gateway", "keeper"):
        loop.start(house.keeper(nursery))
    if environment.gateway().processes:
        loop.start(house.gateway(nursery))
    for name in environment.dialects().ports:
        if name != "communigate" or house.has_program("api", "pwd"):
            loop.start(house.dialect(nursery, name))
    loop.wait_ready([web], timeout_s=WEB_S)


def _result_of(loop: Loop, process: Process, result: IO[bytes]) -> dict[str, Any]:
    timeout_s = RESTORE_S if paths.restore_order().exists() else PREPARE_S
    loop.run_to_end(process, "prepare", timeout_s=timeout_s)
    result.seek(0)
    found: dict[str, Any] = json.loads(result.read())
    return found


def _wait_for_port(loop: Loop) -> None:
    """The web server of a killed supervisor needs a moment to go. Raises: StartFailed, StopAsked."""
    until = time.monotonic() + OLD_WEB_S
    while not house.port_is_free():
        if time.monotonic() > until:
            raise StartFailed(f"{environment.bind()} port {environment.port()} is taken by another program")
        loop.pause(0.1)


@contextmanager
def _only_one() -> Iterator[IO[bytes]]:
    """Holds HOME/up.lock; waits for one that is ending, refuses beside one that runs. Raises: AlreadyRunning."""
    path = paths.home() / "up.lock"
    until = time.monotonic() + OLD_SUPERVISOR_S
    with path.open("ab", buffering=0) as lock:  # so that what could not be written isn't tried again at its end
        while not servers.try_lock(lock):
            told = path.read_bytes()
            if told != _STOPPING or time.monotonic() > until:
                raise AlreadyRunning(f"already running for {paths.home()} (process {told.decode(errors='replace')})")
            time.sleep(0.1)
        _write(lock, str(os.getpid()).encode())
        yield lock


def _write(lock: IO[bytes], text: bytes) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(text)
