"""Asking DNS while mail waits, where the name servers don't answer."""

from __future__ import annotations

import pytest

from domains.diagnosis.lookups import Resolver
from gateway.judging.authentication import names
from gateway.judging.authentication.names import NameCache, NoAnswer, Questions
from tests.dns_server import DnsServer


@pytest.fixture
def cache(dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> NameCache:
    monkeypatch.setattr(names, "SLOW_S", 0.1)
    monkeypatch.setattr(names, "LOOKUP_S", 1.0)
    monkeypatch.setattr(names, "PROBE_S", 2.0)
    monkeypatch.setattr(names, "UNANSWERED_S", 0.0)
    for zone in ("com", "friends.example", "others.example"):
        dns_server.add_zone(zone, "@ MX 10 mail")
    return NameCache(Resolver([dns_server.endpoint], attempt_s=0.5))


def asked_for(cache: NameCache, domain: str) -> bool:
    try:
        return bool(Questions(cache, timeout_s=5).ask(domain, "MX").records)
    except NoAnswer:
        return False


def test_name_servers_that_say_nothing_are_not_waited_for_by_every_message(
    cache: NameCache, dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "SILENT_S", 3600.0)
    dns_server.silence(".")
    assert not asked_for(cache, "friends.example")
    so_far = len(dns_server.asked)
    assert not asked_for(cache, "others.example") and len(dns_server.asked) == so_far
    dns_server.speak()
    assert not asked_for(cache, "others.example")  # not looked at again yet
    cache._look_again_at = 0.0
    assert asked_for(cache, "others.example") and asked_for(cache, "friends.example")


def test_the_silent_servers_of_one_sender_stop_no_question_about_others(
    cache: NameCache, dns_server: DnsServer
) -> None:
    dns_server.silence("friends.example")
    assert not asked_for(cache, "friends.example")
    assert asked_for(cache, "others.example")
