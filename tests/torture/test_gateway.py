"""The gateway under load while its parts are killed, emptied, filled up and cut off: every 250 is accounted for.

What senders got a 250 for = delivered + kept + come back + in the queue + in a repository, exactly and for each
recipient, counted at both ends, and what is kept is in a store. What the sink gets twice is at most what the passports
count as possible duplicates. A full disk is what PostgreSQL says then (53100), said by a trigger.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest
from django.db import DatabaseError, InterfaceError, connection, connections

from config.kit import heartbeat
from gateway.delivery import loop
from gateway.keeping.loop import KeeperLoop
from tests.archive.django.conftest import stores
from tests.config.houses import wait_until
from tests.gateway.queue.conftest import reacher
from tests.gateway.reception.gateways import Gateway, running_gateway
from tests.torture import books
from tests.torture.mail_load import SETTLED_S, TAKING, Senders, Sink, arrived_at

__all__ = ["stores"]
pytestmark = pytest.mark.torture

EVENTS = 100 if os.environ.get("POSTKEEP_TORTURE") else 10
PAUSE_S = (0.0, 0.4)
_FULL = """
    CREATE OR REPLACE FUNCTION pg_temp_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON gateway_content EXECUTE FUNCTION pg_temp_full();
"""


class World:
    """What is broken, and put up again."""

    def __init__(self, gateway: Gateway, chance: random.Random) -> None:
        self.gateway, self.chance = gateway, chance
        self.sink = Sink(TAKING, "127.0.0.1", 0)
        self.port = self.sink.port
        self.sinks = [self.sink]
        self.parts: dict[str, int] = {}  # the number of each process

    def start(self, part: str) -> None:
        """A process of its own, without the seconds that starting Python takes."""
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            try:
                if part == "keeper":
                    KeeperLoop(lambda: False, lambda: None).run()
                else:
                    loop.run(lambda: False, reacher=reacher(self.port), beat=lambda: None)
            finally:
                os._exit(1)
        self.parts[part] = pid

    def kill(self, part: str) -> None:
        pid = self.parts.pop(part)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def restart_delivery(self) -> None:
        self.kill("delivery")
        self.start("delivery")

    def restart_keeper(self) -> None:
        self.kill("keeper")
        self.start("keeper")

    def kill_reception(self) -> None:
        """One of its processes; their parent starts another."""
        children = self.gateway.children()
        if children:
            with suppress(psutil.NoSuchProcess):
                self.chance.choice(children).kill()

    def crash_database(self) -> None:
        """One of its processes ends in the middle of its work: PostgreSQL ends all and recovers."""
        pids = self._database_processes()
        if not pids:  # nobody has come back since the last crash
            return
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(pids), signal.SIGKILL)
        connections.close_all()

    def _database_processes(self) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return [row[0] for row in cursor.fetchall()]

    def empty_broker(self) -> None:
        heartbeat.broker().flushdb()

    def kill_relay(self) -> None:
        self.sink.die()
        time.sleep(self.chance.random() * 0.3)
        self.sink = Sink(TAKING, "127.0.0.1", self.port)
        self.sinks.append(self.sink)

    def fill_disk(self) -> None:
        _until_database(lambda: _run(_FULL))
        time.sleep(self.chance.random() * 0.3)
        _until_database(empty_disk)


def empty_disk() -> None:
    _run("DROP TRIGGER IF EXISTS full_disk ON gateway_content")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _until_database(work: Callable[[], None]) -> None:
    """As often as it takes a database that recovers to do it."""
    until = time.monotonic() + SETTLED_S
    while True:
        try:
            return work()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.django_db(transaction=True)
def test_every_message_with_a_250_is_delivered_kept_or_come_back_whatever_breaks(
    process_environment: dict[str, str],
) -> None:
    seed = int(os.environ.get("POSTKEEP_TORTURE_SEED") or random.randrange(1 << 30))
    print(f"seed {seed}, {EVENTS} events")
    environment = process_environment | {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8"}
    # this session's PostgreSQL forgets the last moment when it crashes; no other does
    _run(f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = on")
    connections.close_all()
    with running_gateway(environment) as gateway:
        world = World(gateway, random.Random(seed))
        books.serve(world.port)
        world.start("delivery")
        world.start("keeper")
        senders = Senders(gateway.port)
        happened = Counter[str]()
        try:
            events = [
                world.restart_delivery, world.kill_reception, world.crash_database, world.empty_broker,
                world.kill_relay, world.fill_disk, world.restart_keeper,
            ]  # fmt: skip
            for number in range(EVENTS):
                senders.wait_for_more()  # however slow the machine is: something is under way then
                time.sleep(world.chance.uniform(*PAUSE_S))
                # each kind at least once, then by chance
                event = events[number] if number < len(events) else world.chance.choice(events)
                happened[event.__name__] += 1
                _until_database(event)
            senders.stop()
            world.restart_keeper()  # one that just failed would wait before it tries again
            wait_until(books.is_settled, patience_s=SETTLED_S)
        finally:
            senders.end()
            for part in list(world.parts):
                world.kill(part)
            world.sink.die()
            _until_database(lambda: _run(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET synchronous_commit"))
    arrived, found = arrived_at(world.sinks), books.read()
    said = {"accepted": len(senders.accepted), "unheard": senders.unheard, "arrived": arrived.total()}
    print(said | {"messages": found.messages, "kept": len(found.kept)} | happened)
    assert len(senders.accepted) >= EVENTS
    books.account(senders.accepted, senders.unheard, arrived, found)
