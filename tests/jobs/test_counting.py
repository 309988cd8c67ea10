"""What happens to accounts and domains is counted once, written down once, and set back by who may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from django.http import Http404
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from accounts.permissions import Level
from config.kit import counters, heartbeat
from jobs import counting
from jobs.commands import get_command
from jobs.models import Counters, Task
from jobs.services import run_here
from tests.factories import PASSWORD
from tests.stage import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("servers_running")]
SYSTEM = Actor.system()


@pytest.fixture(autouse=True)
def nothing_counted(servers_running: None) -> Iterator[None]:
    client = heartbeat.broker()
    client.delete("postkeep:counted", *list(client.scan_iter(match="postkeep:counted:batch:*")))
    yield
    client.delete("postkeep:counted", *list(client.scan_iter(match="postkeep:counted:batch:*")))


def amounts(level: Level, object_id: int) -> dict[str, int]:
    return {name: value for name, value in counting.get_statistics(SYSTEM, level, object_id).amounts.items() if value}


def invoke(actor: Actor, name: str, **given: object) -> Task:
    return run_here(actor, name, get_command(name).arguments_from_json(given))


def test_what_is_counted_is_seen_at_once_and_stays_when_it_is_written_down(cast: Cast) -> None:
    for _message in range(3):
        counters.count(user=cast.user.pk, domain=cast.domain.pk, messages_received=1, bytes_received=1_000)
    counters.count(domain=cast.domain.pk, messages_sent=2)
    told = {"messages_received": 3, "bytes_received": 3_000}
    for _look in range(2):
        assert amounts(Level.USER, cast.user.pk) == told
        assert amounts(Level.DOMAIN, cast.domain.pk) == told | {"messages_sent": 2}
        counting.write_down()
    row = Counters.objects.get(level="server")
    assert (row.messages_received, row.messages_sent) == (3, 2)
    assert counting.write_down() == 0


def test_a_clock_that_dies_before_it_is_done_counts_nothing_twice(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    counters.count(user=cast.user.pk, logins=5)

    def dies(batch: counters.Batch) -> None:
        raise redis.ConnectionError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(counters, "done", dies)
        assert counting.write_down() == 0
    counters.count(user=cast.user.pk, logins=1)
    assert counting.write_down() == 2
    assert amounts(Level.USER, cast.user.pk) == {"logins": 6}


def test_many_at_once_lose_nothing(cast: Cast) -> None:
    def count() -> None:
        for _time in range(200):
            counters.count(user=cast.user.pk, messages_sent=1)

    threads = [threading.Thread(target=count) for _thread in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counting.write_down()
    counting.write_down()
    assert amounts(Level.USER, cast.user.pk) == {"messages_sent": 800}


def test_a_broker_that_is_away_stops_nobody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = redis.Redis(unix_socket_path="/nowhere/at/all.sock")
    monkeypatch.setattr(heartbeat, "broker", lambda: nowhere)
    counters.count(user=cast.user.pk, logins=1)
    assert counting.get_statistics(SYSTEM, Level.USER, cast.user.pk).amounts["logins"] == 0
    assert counting.write_down() == 0
    with pytest.raises(ValueError, match="no counters"):
        counters.count(user=cast.user.pk, calls=1)


def test_signing_in_is_counted_for_the_person_and_their_domain(cast: Cast) -> None:
    client = Client()
    client.post(reverse("accounts:sign-in"), {"email": cast.stranger.email, "password": "wrong"})
    User.objects.get(pk=cast.administrator.pk)
    client.post(reverse("accounts:sign-in"), {"email": cast.administrator.email, "password": PASSWORD})
    assert amounts(Level.USER, cast.administrator.pk) == {"logins": 1}
    assert amounts(Level.USER, cast.stranger.pk) == {}
    counting.write_down()
    assert Counters.objects.get(level="server").logins == 1


def test_setting_back_begins_anew_and_is_an_event(cast: Cast) -> None:
    actor = Actor.for_user(cast.domain_administrator)
    counters.count(user=cast.user.pk, domain=cast.domain.pk, messages_received=4, logins=2)
    counting.reset_statistics(actor, Level.USER, cast.user.pk, name="logins")
    found = counting.get_statistics(actor, Level.USER, cast.user.pk)
    assert (found.amounts["logins"], found.amounts["messages_received"], found.reset_at) == (0, 4, None)
    counting.reset_statistics(actor, Level.USER, cast.user.pk)
    found = counting.get_statistics(actor, Level.USER, cast.user.pk)
    assert set(found.amounts.values()) == {0} and found.reset_at is not None
    counting.write_down()
    assert amounts(Level.USER, cast.user.pk) == {} and amounts(Level.DOMAIN, cast.domain.pk)["logins"] == 2
    event = AuditEvent.objects.filter(action="counters.reset").latest("pk")
    assert event.details["messages_received"] == 4 and event.domain_id == cast.domain.pk


def test_who_sees_and_who_sets_back(cast: Cast) -> None:
    own, help_desk = Actor.for_user(cast.user), Actor.for_user(cast.help_desk)
    assert counting.get_statistics(own, Level.USER, cast.user.pk)
    assert counting.get_statistics(help_desk, Level.USER, cast.user.pk)
    with pytest.raises(Forbidden):
        counting.reset_statistics(help_desk, Level.USER, cast.user.pk)
    for stranger in (Actor.for_user(cast.stranger), Actor.for_user(cast.elsewhere_administrator)):
        with pytest.raises(Http404):
            counting.get_statistics(stranger, Level.USER, cast.user.pk)
        with pytest.raises(Http404):
            counting.reset_statistics(stranger, Level.DOMAIN, cast.domain.pk)
    with pytest.raises((Http404, Forbidden)):
        counting.reset_statistics(own, Level.USER, cast.user.pk)


def test_the_commands_have_the_manual_s_names(cast: Cast) -> None:
    counters.count(user=cast.user.pk, domain=cast.domain.pk, messages_received=4, bytes_received=99, logins=2)
    actor = Actor.for_user(cast.domain_administrator)
    told = invoke(actor, "GetAccountStat", accountName=cast.user.email).result
    assert told == {
        "StatReset": None, "MessagesReceived": 4, "BytesReceived": 99, "MessagesSent": 0, "BytesSent": 0, "Logins": 2,
    }  # fmt: skip
    own = invoke(Actor.for_user(cast.user), "GetAccountStat", accountName="*", keyName="Logins")
    assert own.result == {"Logins": 2}
    assert invoke(actor, "GetDomainStat", domainName="example.org", keyName="BytesReceived").result == {
        "BytesReceived": 99
    }
    for _run in range(2):
        reset = invoke(actor, "ResetDomainStat", domainName="example.org", keyName="Logins")
        assert reset.state == Task.State.COMPLETED and reset.result == {"Logins": 0}
        again = invoke(actor, "ResetAccountStat", accountName=cast.user.email).result
        assert again is not None and again["StatReset"] and again["MessagesReceived"] == 0
    for name, given in (
        ("GetAccountStat", {"accountName": cast.stranger.email}),
        ("GetDomainStat", {"domainName": "example.net"}),
        ("GetDomainStat", {"domainName": "no.such.example"}),
        ("ResetDomainStat", {"domainName": "example.net"}),
        ("GetDomainStat", {"domainName": "*"}),
    ):
        assert invoke(actor, name, **given).state == Task.State.FAILED, name


def test_a_page_shows_and_resets_them(cast: Cast, client_for: Callable[[User | None], Client]) -> None:
    counters.count(user=cast.user.pk, domain=cast.domain.pk, messages_received=1_204)
    client = client_for(cast.domain_administrator)
    for level, object_id in (("user", cast.user.pk), ("domain", cast.domain.pk)):
        url = reverse("jobs:counters", args=[level, object_id])
        assert "1,204" in client.get(url).content.decode()
        assert client.post(reverse("jobs:counters-reset", args=[level, object_id])).status_code == 303
        assert "1,204" not in client.get(url).content.decode()
    assert client.get(reverse("jobs:counters", args=["customer", 1])).status_code == 404
