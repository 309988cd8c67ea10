"""Delivery killed again and again: nothing is lost, and what arrives twice is what SMTP can't tell, and is counted."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter

import pytest
from django.db import connections

from gateway.delivery import loop
from gateway.models import QueueItem, Recipient, Step
from tests.gateway.making import TEXT, make_queued
from tests.gateway.queue.conftest import reacher
from tests.smtp_server import Behaviour, SmtpServer, running_server

MESSAGES, ROUNDS = 80, 10


@pytest.mark.django_db(transaction=True)
def test_a_delivery_killed_in_the_middle_loses_nothing_and_counts_what_comes_twice() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    with running_server(Behaviour(extensions=("8BITMIME", "PIPELINING"))) as server:
        for number in range(MESSAGES):
            data = TEXT.replace(b"Good", b"n%d." % number)
            make_queued([f"b{number}@example.net"], transport=f"127.0.0.1:{server.port}", data=data)
        for _ in range(ROUNDS):
            pid = _start(server)
            wanted = len(server.mails) + chance.randint(1, MESSAGES // ROUNDS)
            _wait(lambda wanted=wanted: len(server.mails) >= wanted, 5.0)
            time.sleep(chance.random() * 0.02)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        pid = _start(server)
        _wait(lambda: not QueueItem.objects.exists(), 20.0)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    arrived = Counter(re.findall(r"^n(\d+)\. ", "\n".join(server.mails), re.MULTILINE))
    assert len(arrived) == MESSAGES
    twice = sum(arrived.values()) - MESSAGES
    counted = Step.objects.filter(data__possible_duplicate=True).count()
    assert twice <= counted
    assert set(Recipient.objects.values_list("state", flat=True)) == {Recipient.State.DELIVERED}
    assert Step.objects.filter(kind="delivered").count() == MESSAGES


def _start(server: SmtpServer) -> int:
    """A delivery process of its own, without the seconds that starting Python takes."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        try:
            loop.run(lambda: False, reacher=reacher(server.port), beat=lambda: None)
        finally:
            os._exit(1)
    return pid


def _wait(done: object, most_s: float) -> None:
    until = time.monotonic() + most_s
    while not done() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.002)
