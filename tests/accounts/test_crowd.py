"""Where many try to sign in at once, whoever tried least of late comes first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from django.utils import timezone

from accounts import crowd, hash_gate, throttle
from accounts.actors import Actor
from accounts.crowd import Arrivals
from accounts.errors import TooManyAttempts
from accounts.hash_gate import OFTEN, Gate
from accounts.models import SignInThrottle, User
from accounts.services.app_passwords import create_app_password
from tests.factories import PASSWORD


@pytest.fixture(autouse=True)
def nobody_came() -> None:
    crowd.ARRIVALS.clear()


class Crowd:
    """Threads that want a place; what became of each, in order."""

    def __init__(self, gate: Gate) -> None:
        self.gate, self.said = gate, list[str]()
        self.leave = threading.Event()
        self._threads: list[threading.Thread] = []

    def come(self, rank: int, name: str) -> None:
        before = len(self.gate._queue) + len(self.said) + len(self.gate._inside)
        self._threads.append(threading.Thread(target=self._try, args=(rank, name)))
        self._threads[-1].start()
        _until(lambda: len(self.gate._queue) + len(self.said) + len(self.gate._inside) > before)

    def end(self) -> list[str]:
        self.leave.set()
        for thread in self._threads:
            thread.join(5)
        return self.said

    def _try(self, rank: int, name: str) -> None:
        try:
            with self.gate.place(rank):
                self.leave.wait(5)
                self.said.append(name)
        except TooManyAttempts:
            self.said.append(f"{name} sent away")


def _until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.001)


def test_who_came_least_is_first_and_takes_the_waiting_place_of_who_came_most() -> None:
    people = Crowd(Gate(1, waiting=(1, 2, 1)))
    people.come(1, "first")
    people.come(OFTEN + 5, "bot")
    people.come(OFTEN + 6, "other bot")  # only one of those who came often waits
    people.come(OFTEN + 1, "mistyped often")  # and that is who came least of them
    people.come(2, "mistyped")
    people.come(1, "newcomer")  # no third place to wait at: the last in order goes
    people.come(0, "known")
    assert people.end() == [
        "other bot sent away", "bot sent away", "mistyped often sent away", "first", "known", "newcomer", "mistyped",
    ]  # fmt: skip


def test_who_came_often_never_has_all_places_and_rests_as_long_as_it_took() -> None:
    gate = Gate(3)
    with gate.place(OFTEN):
        assert not gate._may_enter(OFTEN) and gate._may_enter(OFTEN - 1)
        time.sleep(0.05)
    assert not gate._may_enter(OFTEN) and gate._may_enter(OFTEN - 1)
    began = time.monotonic()
    with gate.place(OFTEN):
        assert time.monotonic() - began > 0.04


def test_ranks_rise_with_each_attempt_of_a_network_and_fall_when_one_was_right() -> None:
    assert [crowd.arrive("198.51.100.1") for _each in range(3)] == [1, 2, 3]
    assert crowd.rank_of("198.51.100.1") == 3 and crowd.arrive("198.51.100.2") == 1
    crowd.went_well("198.51.100.1")
    assert crowd.arrive("198.51.100.1") == 3
    for number in range(32):
        crowd.arrive(f"2001:db8:1:{number:x}::1")
    assert crowd.arrive("2001:db8:1:ffff::1") == 3  # 32 out of the site weigh like two out of one network of it
    assert crowd.arrive("2001:db8:2::1") == 1


def test_a_known_browser_has_a_rank_of_its_own(user: User) -> None:
    for _each in range(20):
        crowd.arrive("198.51.100.1")
    cookie = throttle.device_cookie(user)
    assert [crowd.arrive("198.51.100.1", cookie) for _each in range(11)] == [0] * 10 + [1]  # and no bot wins by one
    assert crowd.arrive("198.51.100.1", "invented") == 21


def test_what_is_remembered_is_bounded_and_forgotten_in_time() -> None:
    now = [0.0]
    arrivals = Arrivals(kept=3, clock=lambda: now[0])
    for name in ("a", "b", "c", "d"):
        arrivals.came(name)
    assert [arrivals.of(name) for name in ("a", "b", "c", "d")] == [0, 1, 1, 1]
    now[0] = crowd.LATE_S
    assert arrivals.of("b") == 0 and arrivals.came("b") == 0


def test_a_crowd_that_fills_the_entrance_is_answered_without_the_database_and_a_newcomer_waits_for_a_place(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_assert_num_queries: Callable[[int], object],
) -> None:
    gate = Gate(1, waiting=(1, 1, 1))
    monkeypatch.setattr("accounts.crowd.ENTRANCE", gate)
    bot, form = Client(REMOTE_ADDR="203.0.113.1"), {"email": user.email, "password": "a guess"}
    for _each in range(OFTEN):
        bot.post("/sign-in/", form)
    people = Crowd(gate)
    people.come(1, "somebody")
    people.come(2, "another")
    caplog.clear()
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        answer = bot.post("/sign-in/", form, headers={"accept-language": "de"})
    assert answer.status_code == 429 and answer["Retry-After"] == str(hash_gate.AGAIN_S)
    assert int(answer["Content-Length"]) == len(answer.content)  # else a kept connection waits for more
    said = {"username": user.email, "password": "a guess"}
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        answer = bot.post("/api/v1/token", said, content_type="application/json")
    assert answer.status_code == 429 and answer.json()["type"].endswith("too-many-requests")
    assert [each.name for each in caplog.records] == ["postkeep.accounts"]  # of both one line
    leaving = threading.Timer(0.2, people.leave.set)
    leaving.start()
    newcomer = Client(REMOTE_ADDR="198.51.100.1").post("/sign-in/", {"email": user.email, "password": PASSWORD})
    assert newcomer.status_code == 303
    assert people.end() == ["another sent away", "somebody"]
    assert not SignInThrottle.objects.filter(key="network:198.51.100.1", failures__gt=0).exists()


def test_a_token_by_an_app_password_and_a_right_password_count_for_nothing(user: User) -> None:
    """Programs that come by all day stay where newcomers are."""
    app = create_app_password(
        replace(Actor.for_user(user), proved_at=timezone.now()), user, name="x", protocols=["api"]
    )
    for password in (PASSWORD, app.value) * 3:
        body = {"username": user.email, "password": password}
        assert Client().post("/api/v1/token", body, content_type="application/json").status_code == 201
    assert crowd.arrive("127.0.0.1") == 1
