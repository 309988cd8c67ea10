"""Throttles: what is posted is read again, and reaches the gateway's counting."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from config.kit.heartbeat import broker
from domains.models import Domain, Mailbox, Throttle
from gateway.directory import Remembered
from gateway.reception import throttles as counting
from tests.api.iredadmin.client import OK, ask, no
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
MANUAL = {"period": "3600", "msg_size": "10485760", "max_msgs": "20", "max_quota": "1048576000"}
PLACES = ("global", "own.example", "ada@own.example")


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_limits", Remembered(1))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_the_manual_s_sample_reaches_the_gateway(cast: Cast, place: str, direction: str) -> None:
    path = f"/throttle/{place}/{direction}"
    assert ask(cast.administrator, "GET", path)["_data"] == {}
    assert ask(cast.administrator, "POST", path, MANUAL) == OK
    shown = ask(cast.administrator, "GET", f"{path}/")["_data"]  # as a PHP client writes it
    assert {name: str(shown[name]) for name in MANUAL} == MANUAL and shown["kind"] == direction
    mailbox = Mailbox.objects.get(address="ada@own.example")
    counted = counting.effective(direction, mailbox.pk, mailbox.domain_id)
    assert counted is not None and counted[1] == counting.Limit(3600, 20, 1048576000, 10485760)
    assert AuditEvent.objects.get(action="throttle.set").via == "iredadmin"
    assert Throttle.objects.get().direction == direction


def test_what_is_left_out_or_nought_is_no_limit_and_still_counts_before_the_level_above(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", "/throttle/own.example/outbound", MANUAL) == OK
    assert (
        ask(cast.administrator, "POST", "/throttle/ada@own.example/outbound", {"period": "60", "max_msgs": "0"}) == OK
    )
    shown = ask(cast.administrator, "GET", "/throttle/ada@own.example/outbound")["_data"]
    assert (shown["period"], shown["max_msgs"], shown["msg_size"], shown["max_quota"]) == (60, 0, 0, 0)
    domain, ada = Domain.objects.get(name="own.example"), Mailbox.objects.get(address="ada@own.example")
    let_off = counting.effective("outbound", ada.pk, domain.pk)
    others = counting.effective("outbound", 0, domain.pk)
    assert let_off is not None and (let_off[1].max_messages or 0) > 10**15
    assert others is not None and others[1].max_messages == 20


def test_a_throttle_needs_a_period_and_numbers(cast: Cast) -> None:
    path = "/throttle/own.example/inbound"
    assert ask(cast.administrator, "POST", path, {"max_msgs": "20"}) == no("INVALID_VALUE: period is missing.")
    for wrong in ({"period": "0"}, {"period": "x"}, {"period": "60", "max_msgs": "1e3"}, {"period": "9" * 30}):
        assert ask(cast.administrator, "POST", path, wrong | {"msg_size": "1"})["_msg"].startswith("INVALID_VALUE: ")
    assert not Throttle.objects.exists()


def test_throttles_are_seen_and_set_by_who_may(cast: Cast) -> None:
    assert ask(cast.delegate, "GET", "/throttle/global/inbound") == no("PERMISSION_DENIED")
    assert ask(cast.delegate, "POST", "/throttle/global/inbound", MANUAL) == no("PERMISSION_DENIED")
    assert ask(cast.delegate, "GET", "/throttle/foreign.example/inbound") == no("NO_SUCH_DOMAIN")
    assert ask(cast.delegate, "POST", "/throttle/ada@foreign.example/inbound", MANUAL) == no("NO_SUCH_ACCOUNT")
    assert ask(cast.reader, "POST", "/throttle/own.example/inbound", MANUAL) == no("PERMISSION_DENIED")
    assert ask(cast.user, "POST", "/throttle/ada@own.example/inbound", MANUAL) == no("NO_SUCH_ACCOUNT")
    assert not Throttle.objects.exists()


def test_the_gateway_holds_up_what_is_over_and_lets_off_who_has_no_limit(cast: Cast) -> None:
    path = "/throttle/ada@own.example/inbound"
    ada = Mailbox.objects.get(address="ada@own.example")
    key = f"postkeep:throttle:inbound:m{ada.pk}"
    broker().delete(key)

    def taken() -> str:
        found = counting.effective("inbound", ada.pk, ada.domain_id)
        assert found is not None and found[0] == key
        answer, _added = counting.ask([counting.Count(*found, 1, 100)], add=True)
        return "taken" if answer is None else str(answer.code)

    assert ask(cast.administrator, "POST", path, {"period": "3600", "max_msgs": "2"}) == OK
    assert [taken() for _each in range(3)] == ["taken", "taken", "452"]
    counting._limits = Remembered(1)
    assert ask(cast.administrator, "POST", path, {"period": "3600", "max_msgs": "0"}) == OK
    assert taken() == "taken"
    broker().delete(key)
