"""What counts over all processes: an address's connections, and messages against throttles."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from config.kit import heartbeat
from gateway import intake
from gateway.ip_table import IpTable
from gateway.reception import throttles
from gateway.reception.crowd import SEVERAL, Crowd
from gateway.reception.host import PER_ADDRESS, Reception
from gateway.reception.throttles import Count, Limit
from tests.gateway.flows import CLIENT

pytestmark = pytest.mark.usefixtures("servers_running")
BUSY = "postkeep:gateway:busy"
KEY = "postkeep:throttle:inbound:d0"


def counting(messages: int, *, most: int | None = 3, most_bytes: int | None = None) -> Count:
    """What a message of 100 bytes to so many counts."""
    return Count(KEY, Limit(600, most, most_bytes, None), messages, messages * 100)


def test_processes_hear_of_addresses_that_have_several_connections() -> None:
    one, two = Crowd("one"), Crowd("two")
    for _each in range(SEVERAL):
        one.come("192.0.2.7")
    one.come("192.0.2.8")
    for each in (one, two, one):
        each.exchange(each.busy())
    assert (one.count("192.0.2.7"), two.count("192.0.2.7"), two.count("192.0.2.8")) == (SEVERAL, SEVERAL, 0)
    two.come("192.0.2.7")
    assert two.count("192.0.2.7") == SEVERAL + 1
    for _each in range(SEVERAL):
        one.gone("192.0.2.7")
    one.exchange(one.busy())
    two.exchange(two.busy())
    assert (one.count("192.0.2.7"), two.count("192.0.2.7")) == (0, 1)
    heartbeat.broker().flushdb()
    one.exchange(one.busy())
    assert one.count("192.0.2.8") == 1


def is_let_in(count: Count, *, add: bool = True) -> bool:
    reached, added = throttles.ask([count], add=add)
    assert added == ([count] if add and reached is None else [])
    return reached is None


def test_a_message_to_more_than_a_throttle_allows_gets_in_first_and_uses_the_period_up() -> None:
    heartbeat.broker().delete(KEY)
    assert is_let_in(counting(1)) and not is_let_in(counting(5))
    heartbeat.broker().delete(KEY)  # the next period
    assert is_let_in(counting(5, most_bytes=200)) and not is_let_in(counting(1), add=False)


@pytest.mark.parametrize(("most", "most_bytes"), [(0, None), (None, 0), (0, 500), (9, 0)])
def test_a_throttle_of_nothing_lets_nothing_in(most: int | None, most_bytes: int | None) -> None:
    heartbeat.broker().delete(KEY)
    assert not is_let_in(counting(1, most=most, most_bytes=most_bytes))


def test_what_was_not_taken_is_given_back_and_never_more_than_there_is() -> None:
    broker = heartbeat.broker()
    broker.delete(KEY)
    throttles.give_back([counting(2)])
    assert not broker.exists(KEY)  # the period is over: a counter without an end would count for ever
    assert is_let_in(counting(3)) and not is_let_in(counting(1))
    throttles.give_back([counting(1)])
    assert is_let_in(counting(1)) and broker.hgetall(KEY) == {b"m": b"3", b"b": b"300"}
    throttles.give_back([counting(9)])
    assert broker.hgetall(KEY) == {b"m": b"0", b"b": b"0"} and is_let_in(counting(3))
    assert throttles.ask([counting(1, most=None)], add=True) == (None, [])  # nothing is counted, nothing to give back


def test_a_process_that_ended_is_forgotten() -> None:
    broker = heartbeat.broker()
    broker.zadd(BUSY, {f"{BUSY}:long gone": time.time() - 1_000, f"{BUSY}:just gone": time.time() - 20})
    one = Crowd("one")
    one.exchange({"192.0.2.7": SEVERAL})
    assert broker.zrange(BUSY, 0, -1) == [f"{BUSY}:just gone".encode(), f"{BUSY}:one".encode()]
    one.exchange({})
    assert broker.zrange(BUSY, 0, -1) == [f"{BUSY}:just gone".encode()]


def test_one_address_elsewhere_keeps_to_its_share_and_this_machine_brings_mail_of_many() -> None:
    async def refused(address: str) -> int:
        reception = Reception(intake)

        async def rows() -> tuple[IpTable, tuple[()]]:
            return IpTable([]), ()

        reception._rows = rows  # type: ignore[method-assign]
        try:
            answers = [await reception.connect(replace(CLIENT, address=address)) for _ in range(PER_ADDRESS + 10)]
        finally:
            reception.stop()
        return sum(answer is not None and answer.code == 421 for answer in answers)

    assert [asyncio.run(refused(each)) for each in ("192.0.2.7", "127.0.0.1", "::1")] == [10, 0, 0]
