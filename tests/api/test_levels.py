"""Quotas, throttles and options by the API: set on a level, inherited below, reset with null or DELETE."""

from __future__ import annotations

import pytest

from accounts.models import OptionValue
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_quota_is_inherited_until_it_is_set(cast: world.World) -> None:
    user, domain = f"/users/{cast.own.person.pk}/quota", f"/domains/{cast.own.domain.pk}/quota"
    assert cast.delegate.get(user).json()["size"] == {
        "server": None, "domain": None, "user": None, "computed": -1, "source": None, "used": 0, "ratio": None,
    }  # fmt: skip
    assert cast.administrator.patch("/server/quota", {"size": 5_000, "sieve": 100}).status_code == 204
    assert cast.delegate.patch(domain, {"count": 7}).status_code == 204
    assert cast.delegate.patch(user, {"size": 0, "count": -1}).status_code == 204
    found = cast.delegate.get(user).json()
    assert (found["size"]["server"], found["size"]["user"], found["size"]["source"]) == (5_000, 0, "user")
    assert (found["count"]["domain"], found["count"]["computed"], found["sieve"]["computed"]) == (7, -1, 100)
    assert cast.delegate.patch(user, {"count": None}).status_code == 204
    found = cast.user.get(user).json()
    assert (found["count"]["computed"], found["count"]["source"], found["size"]["user"]) == (7, "domain", 0)
    is_problem(cast.user.patch(user, {"size": -1}), 403)


@pytest.mark.parametrize("body", [{"size": -2}, {"size": 2**62}, {"size": 1.5}, {"count": "7"}, {"bytes": 1}])
def test_a_wrong_quota_is_named(cast: world.World, body: dict[str, object]) -> None:
    found = is_problem(cast.delegate.patch(f"/users/{cast.own.person.pk}/quota", body), 422)
    assert found["errors"][0]["field"] in body


def test_a_throttle_counts_below_until_another_is_set(cast: world.World) -> None:
    domain, user = f"/domains/{cast.own.domain.pk}/throttles", f"/users/{cast.own.person.pk}/throttles"
    hour = {"period": 3600, "maxMessages": 200}
    assert cast.administrator.put("/server/throttles/outbound", hour).json()["scope"] == "server"
    assert [each["scope"] for each in cast.delegate.get(user).json()] == ["server"]
    assert cast.delegate.put(f"{domain}/outbound", {"period": 60, "maxBytes": 10}).json() == {
        "direction": "outbound", "scope": "domain", "period": 60, "maxMessages": None, "maxBytes": 10,
        "maxMessageBytes": None,
    }  # fmt: skip
    assert cast.user.get(user).json()[0]["scope"] == "domain"
    assert cast.delegate.delete(f"{domain}/outbound").status_code == 204
    is_problem(cast.delegate.delete(f"{domain}/outbound"), 404)
    is_problem(cast.delegate.put(f"{domain}/sideways", hour), 404)
    assert is_problem(cast.delegate.put(f"{domain}/inbound", {"period": 5}), 422)["errors"][0]["field"] == "maxMessages"


def test_an_option_is_set_on_a_level_and_inherited_below(cast: world.World) -> None:
    customer = f"/customers/{cast.own.customer.pk}/options"
    domain = f"/domains/{cast.own.domain.pk}/options"
    made = cast.administrator.post(customer, {"name": "SUPPORT_EMAIL", "value": "help@customer.example"})
    assert (made.status_code, made.json()["value"]) == (201, "help@customer.example")
    found = {each["option"]["name"]: each for each in cast.delegate.get(domain).json()}["SUPPORT_EMAIL"]
    assert (found["value"], found["parentValue"], found["source"]) == (None, "help@customer.example", "customer")
    assert found["option"]["type"] == "EMAIL" and found["option"]["domainScope"] and not found["option"]["userScope"]
    assert cast.delegate.post(domain, {"name": "SUPPORT_EMAIL", "value": "help@own.example"}).status_code == 201
    assert cast.delegate.delete(f"{domain}/SUPPORT_EMAIL").status_code == 204
    is_problem(cast.delegate.delete(f"{domain}/SUPPORT_EMAIL"), 404)
    is_problem(cast.delegate.delete(f"{domain}/NONSENSE"), 404)
    assert OptionValue.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "NONSENSE", "value": "x"}, "name"),
        ({"name": "SUPPORT_EMAIL", "value": "x"}, "value"),
        ({"name": "PAGE_SIZE", "value": "9"}, "value"),
        ({"name": "PAGE_SIZE", "value": 50}, "value"),
        ({"name": "SIGN_IN_TEXT", "value": "only on the server"}, "value"),
    ],
)
def test_a_wrong_option_is_named(cast: world.World, body: dict[str, object], field: str) -> None:
    found = is_problem(cast.delegate.post(f"/domains/{cast.own.domain.pk}/options", body), 422)
    assert found["errors"][0]["field"] == field


def test_people_set_their_own_personal_options_and_no_others(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/options"
    assert cast.user.post(path, {"name": "TIME_ZONE", "value": "Europe/Oslo"}).status_code == 201
    is_problem(cast.user.post(path, {"name": "SESSION_HOURS", "value": "5"}), 403)
    is_problem(cast.user.get(f"/users/{cast.foreign.person.pk}/options"), 404)


def test_the_catalogue_says_what_there_is(cast: world.World) -> None:
    found = {each["name"]: each for each in cast.user.get("/options").json()}
    assert found["PAGE_SIZE"]["minimum"] == 10 and found["PAGE_SIZE"]["default"] == "50"
    assert found["SIGN_IN_TEXT"]["ptfScope"] and not found["SIGN_IN_TEXT"]["domainScope"]
