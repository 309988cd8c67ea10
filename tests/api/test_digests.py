"""Digest mails by the API: when they come, and one at once."""

from __future__ import annotations

import pytest

from domains.models import Relay
from tests.api import world
from tests.api.callers import is_problem
from tests.gateway.digests.mails import queued
from tests.gateway.factories import held_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_schedule_is_set_on_a_level_and_inherited_below(cast: world.World) -> None:
    domain, user = f"/domains/{cast.own.domain.pk}/digest", f"/users/{cast.own.person.pk}/digest"
    assert cast.delegate.get(domain).json() == {
        "schedule": "daily", "hour": 7, "secondHour": 15, "weekday": "Monday", "linkDays": 14, "timeZone": "UTC",
        "inherited": ["schedule", "hour", "second_hour", "weekday", "link_days"],
    }  # fmt: skip
    chosen = cast.delegate.put(domain, {"schedule": "twice", "hour": 0, "linkDays": 3})
    assert chosen.status_code == 200 and chosen.json()["inherited"] == ["second_hour", "weekday"]
    mine = cast.user.get(user).json()
    assert (mine["schedule"], mine["hour"], mine["linkDays"], mine["inherited"][:2]) == (
        "twice", 0, None, ["schedule", "hour"],
    )  # fmt: skip
    assert cast.user.put(user, {"schedule": "off"}).json()["schedule"] == "off"
    is_problem(cast.delegate.put(domain, {"hour": 24}), 422)
    is_problem(cast.delegate.put(f"/domains/{cast.foreign.domain.pk}/digest", {}), 404)
    is_problem(cast.user.put(domain, {}), 404)
    is_problem(cast.reader.put(domain, {}), 403)
    is_problem(cast.delegate.get("/server/digest"), 403)
    assert cast.administrator.put("/server/digest", {"schedule": "weekly"}).json()["schedule"] == "weekly"


def test_people_get_one_at_once_and_nobody_sends_it_for_them(cast: world.World) -> None:
    Relay.objects.create(domain=cast.own.domain, name="in", transport_dest="mail.own.example", is_default=True)
    url = f"/users/{cast.own.person.pk}/digest/send"
    is_problem(cast.user.post(url), 422)
    held_for(cast.own.mailbox)
    is_problem(cast.delegate.post(url), 403)
    assert cast.user.post(url).json() == {"messages": 1}
    assert len(queued()) == 1
