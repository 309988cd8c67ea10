"""The gateway under load while its parts are killed, emptied, filled up and cut off: every 250 is accounted for.

What senders got a 250 for = delivered + kept + come back + in the queue + in a repository, exactly and for each
recipient, counted at both ends. What the sink gets twice is at most what the passports count as possible duplicates. A
full disk is what PostgreSQL says then (53100), said by a trigger.
"""

from __future__ import annotations

import os
import random
import re
import signal
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psutil
import pytest
from django.db import DatabaseError, InterfaceError, connection, connections

from accounts.actors import Actor
from config.kit import heartbeat
from domains.models import SenderRule
from domains.services import policies, relays
from gateway.delivery import loop
from gateway.models import Kept, Message, QueueItem, QueueSettings, Recipient, RepositoryItem, Step
from gateway.queue import adding
from gateway.queue.settings import forget
from gateway.queue.storing import REFUSED
from tests.config.houses import wait_until
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.queue.conftest import reacher
from tests.gateway.reception.gateways import Gateway, running_gateway
from tests.smtp_server import Behaviour, SmtpServer

pytestmark = pytest.mark.torture

EVENTS = 100 if os.environ.get("POSTKEEP_TORTURE") else 10
SENDERS, PAUSE_S, SETTLED_S, PATIENCE_S = 4, (0.1, 0.5), 60.0, 20.0
PICKY = "cleo@picky.example"  # a policy that refuses all that is sent here
TAKING = Behaviour(extensions=("8BITMIME", "PIPELINING"), replies={"RCPT TO:<GONE@": "550 5.1.1 no such user"})
_FULL = """
    CREATE OR REPLACE FUNCTION pg_temp_full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON gateway_content EXECUTE FUNCTION pg_temp_full();
"""


class Senders:
    """Like mail servers: they try again until they hear a 250. Every third is blocked, every fifth comes back."""

    def __init__(self, port: int) -> None:
        self._port, self._stopped = port, threading.Event()
        self._numbers = iter(range(1 << 30))
        self._lock = threading.Lock()
        self.accepted: dict[int, str] = {}  # number -> recipient
        self.unheard = 0  # messages whose answer was lost
        self.heard = Counter[str]()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _each in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """After everyone has heard a 250 for what they are at."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(SETTLED_S)
            assert not thread.is_alive(), self.heard

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._lock:
                number = next(self._numbers)
            while not self._sent(number):
                time.sleep(0.05)

    def _sent(self, number: int) -> bool:
        sender = "eve@evil.example" if number % 3 == 0 else "bob@friends.example"
        to = "gone@example.org" if number % 5 == 0 else "ada@example.org"
        text = (
            f"From: {sender}\r\nTo: {to}\r\nDate: Mon, 30 Nov 2026 04:00:00 +0000\r\n"
            f"Message-ID: <n{number}@friends.example>\r\nSubject: n{number}.\r\n\r\nHello.\r\n"
        )
        try:
            client = smtplib.SMTP("127.0.0.1", self._port, "client.example.net", timeout=PATIENCE_S)
            try:
                is_taken = self._handed_over(client, sender, [to, PICKY] if number % 7 == 0 else [to], text)
            finally:
                client.close()  # a QUIT that fails takes no 250 back
        except (OSError, smtplib.SMTPException) as error:
            is_taken = self._note(repr(error))
        if is_taken:
            with self._lock:
                self.accepted[number] = to
        return is_taken

    def _handed_over(self, client: smtplib.SMTP, sender: str, to: list[str], text: str) -> bool:
        client.ehlo()
        steps: list[Callable[[], tuple[int, bytes]]] = [
            partial(client.mail, sender),
            *(partial(client.rcpt, each) for each in to),
            partial(client.docmd, "DATA"),
        ]
        for code, said in (ask() for ask in steps):
            if code not in (250, 354):
                return self._note(f"{code} {said.decode()}")
        try:
            client.send(f"{text}.\r\n".encode())
            code, said = client.getreply()
        except (OSError, smtplib.SMTPException):
            with self._lock:
                self.unheard += 1
            raise
        return code == 250 or self._note(f"{code} {said.decode()}")

    def _note(self, text: str) -> bool:
        with self._lock:
            self.heard[text] += 1
        return False


class Sink(SmtpServer):
    """Where the relay leads; when it dies its connections are cut, wherever they are."""

    def __init__(self, behaviour: Behaviour, address: str, port: int) -> None:
        self.clients: list[socket.socket] = []
        super().__init__(behaviour, address, port)

    def _serve(self, client: socket.socket) -> None:
        self.clients.append(client)
        super()._serve(client)

    def die(self) -> None:
        for client in self.clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.close()


class World:
    """What is broken, and put up again."""

    def __init__(self, gateway: Gateway, chance: random.Random) -> None:
        self.gateway, self.chance = gateway, chance
        self.sink = Sink(TAKING, "127.0.0.1", 0)
        self.port = self.sink.port
        self.sinks = [self.sink]
        self.delivery = 0

    def start_delivery(self) -> None:
        """A process of its own, without the seconds that starting Python takes."""
        connections.close_all()
        self.delivery = os.fork()
        if self.delivery == 0:
            try:
                loop.run(lambda: False, reacher=reacher(self.port), beat=lambda: None)
            finally:
                os._exit(1)

    def kill_delivery(self) -> None:
        os.kill(self.delivery, signal.SIGKILL)
        os.waitpid(self.delivery, 0)

    def restart_delivery(self) -> None:
        self.kill_delivery()
        self.start_delivery()

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

    def arrived(self) -> Counter[int]:
        """What came to the sink, by its number, over all its lives."""
        text = "\n".join(mail for sink in self.sinks for mail in sink.mails)
        return Counter(int(number) for number in re.findall(r"^Subject: n(\d+)\.", text, re.MULTILINE))

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
    seed = random.randrange(1 << 30)
    print(f"seed {seed}, {EVENTS} events")
    environment = process_environment | {"POSTKEEP_ALLOWED_RELAYS": "127.0.0.0/8"}
    # this session's PostgreSQL forgets the last moment when it crashes; no other does
    _run(f"ALTER DATABASE {connection.settings_dict['NAME']} SET synchronous_commit = on")
    connections.close_all()
    with running_gateway(environment) as gateway:
        world = World(gateway, random.Random(seed))
        _serve(world.port)
        world.start_delivery()
        senders = Senders(gateway.port)
        try:
            events = [
                world.restart_delivery, world.kill_reception, world.crash_database, world.empty_broker,
                world.kill_relay, world.fill_disk,
            ]  # fmt: skip
            for number in range(EVENTS):
                time.sleep(world.chance.uniform(*PAUSE_S))
                # each kind at least once, then by chance
                event = events[number] if number < len(events) else world.chance.choice(events)
                _until_database(event)
            senders.stop()
            _settle()
        finally:
            senders._stopped.set()
            world.kill_delivery()
            world.sink.die()
            _until_database(lambda: _run(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET synchronous_commit"))
    _account(senders, world.arrived())


def _serve(port: int) -> None:
    domain = make_domain("example.org")
    system = Actor.system()
    values = {"name": "in", "transport_dest": "127.0.0.1", "transport_type": "SMTP", "transport_port": port}
    relays.create_relay(system, domain, values)
    assert domain.default_policy is not None
    kept = {
        "quarantine": True,
        "quarantine_props.store_blacklisted": True,
        "spam_score": 1000.0,
        "relay_props.spam_score_limit": 1000.0,
    }
    policies.update_policy(system, domain.default_policy, kept)
    for name in ("ada", "gone"):
        make_mailbox_in(domain, name)
    SenderRule.objects.create(domain=domain, value="evil.example", type=SenderRule.Type.BLOCK)
    picky = make_domain(PICKY.partition("@")[2])
    relays.create_relay(system, picky, values)
    make_mailbox_in(picky, PICKY.partition("@")[0])
    for blocked in ("evil.example", "friends.example"):
        SenderRule.objects.create(domain=picky, value=blocked, type=SenderRule.Type.BLOCK)
    QueueSettings.objects.create(first_retry_s=1, longest_retry_s=1)
    forget()


def _settle() -> None:
    """Everything that waits is tried now."""

    def is_empty() -> bool:
        try:
            QueueItem.objects.filter(claimed_until=None).update(next_at="2020-01-01T00:00:00Z")
            adding.notify()
            return not QueueItem.objects.exists()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            return False

    wait_until(is_empty, patience_s=SETTLED_S)


def _account(senders: Senders, arrived: Counter[int]) -> None:
    states: dict[int, list[str]] = {}
    for message_id, state in Recipient.objects.exclude(address=PICKY).values_list("message__message_id", "state"):
        states.setdefault(int(re.sub(r"\D", "", message_id)), []).append(state)
    print(f"{len(senders.accepted)} accepted, {senders.unheard} unheard, {sum(arrived.values())} arrived")
    assert len(senders.accepted) > EVENTS
    assert states.keys() == senders.accepted.keys()
    for number, to in senders.accepted.items():
        wanted = {"held"} if number % 3 == 0 else {"bounced", "stored"} if to.startswith("gone") else {"delivered"}
        assert set(states[number]) <= wanted, (number, states[number])
    # what is refused for one of two, whose sender nothing proves, lies in a repository, once for each message
    asked = sum(len(found) for number, found in states.items() if number % 7 == 0)
    rows = Recipient.objects.filter(address=PICKY)
    assert list(rows.values_list("state", flat=True)) == ["stored"] * asked and asked
    assert RepositoryItem.objects.filter(recipient__in=rows, repository__name=REFUSED).count() == asked
    # a message is there twice only where its sender didn't hear the answer and came again
    assert Message.objects.count() - len(senders.accepted) <= senders.unheard
    assert Kept.objects.filter(folder="Quarantine").count() == Recipient.objects.filter(state="held").count()
    delivered = Counter({number: each.count("delivered") for number, each in states.items() if "delivered" in each})
    assert arrived.keys() == delivered.keys(), "what isn't there is lost, what is there besides was never delivered"
    twice = arrived.total() - delivered.total()
    assert 0 <= twice <= Step.objects.filter(data__possible_duplicate=True).count()
    assert all(arrived[number] >= count for number, count in delivered.items())
