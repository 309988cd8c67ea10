"""Connections of an address count over all processes, and a broker that fails holds up nobody."""

from __future__ import annotations

from config.kit import heartbeat
from gateway.reception.crowd import SEVERAL, Crowd


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
