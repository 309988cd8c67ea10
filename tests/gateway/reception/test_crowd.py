"""What counts over all processes: an address's connections, and messages against throttles."""

from __future__ import annotations

import pytest

from config.kit import heartbeat
from gateway.flow import Answer
from gateway.reception import throttles
from gateway.reception.crowd import SEVERAL, Crowd
from gateway.reception.throttles import Count, Limit

pytestmark = pytest.mark.usefixtures("servers_running")
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


def test_a_message_to_more_than_a_throttle_allows_gets_in_first_and_uses_the_period_up() -> None:
    heartbeat.broker().delete(KEY)
    assert throttles.ask([counting(1)], add=True) is None
    assert isinstance(throttles.ask([counting(5)], add=True), Answer)
    heartbeat.broker().delete(KEY)  # the next period
    assert throttles.ask([counting(5, most_bytes=200)], add=True) is None
    assert isinstance(throttles.ask([counting(1)], add=False), Answer)


@pytest.mark.parametrize(("most", "most_bytes"), [(0, None), (None, 0), (0, 500), (9, 0)])
def test_a_throttle_of_nothing_lets_nothing_in(most: int | None, most_bytes: int | None) -> None:
    heartbeat.broker().delete(KEY)
    assert isinstance(throttles.ask([counting(1, most=most, most_bytes=most_bytes)], add=True), Answer)
