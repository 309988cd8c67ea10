"""Health, expansion and domain aliases by the API."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from domains.services.groups import create_group
from tests.api import world
from tests.api.callers import is_problem
from tests.dns_server import DnsServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_domain_is_checked_and_what_fails_is_listed(cast: world.World, dns_server: DnsServer) -> None:
    dns_server.add_zone("own.example", "@ TXT v=spf1")
    path = f"/domains/{cast.own.domain.pk}/health"
    is_problem(cast.delegate.get(path), 404)
    made = cast.delegate.post(path)
    assert made.status_code == 201
    report = {entry["type"]: entry for entry in made.json()["report"]["entries"]}
    assert made.json()["report"]["status"] is False
    assert report["MX"]["result"] == "ERROR_MX_MISSING_ENTRY"
    assert "Fail: No MX entry found" in report["MX"]["output"]
    assert cast.delegate.get(path).json() == made.json()
    cast.administrator.post(f"/domains/{cast.foreign.domain.pk}/health")
    assert [(each["id"], each["type"]) for each in cast.delegate.get("/health").json()] == [
        (cast.own.domain.pk, "DOMAIN")
    ]
    assert cast.administrator.get("/health")["X-Total-Count"] == "2"


PLATFORM: dict[str, Any] = {"name": "R", "transportDest": "127.0.0.1", "transportType": "SMTP", "transportPort": 25}


def test_a_platform_is_tried_and_details_are_for_who_may_read_them(cast: world.World) -> None:
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/platforms", PLATFORM).json()
    path = f"/platforms/{made['id']}/health"
    tried = cast.delegate.post(path)
    assert tried.status_code == 201
    (entry,) = tried.json()["report"]["entries"]
    assert (entry["type"], entry["ref"], entry["severity"]) == ("SMTP", made["id"], "error")
    assert entry["result"] == "ERROR_REFUSED_BY_GATE"
    assert "127.0.0.1" not in tried.content.decode()
    assert cast.delegate.get(path).json() == tried.json()
    assert "127.0.0.1" in cast.administrator.get(path).content.decode()
    assert cast.delegate.get("/health").json()[0]["type"] == "PLATFORM"


def test_a_platform_is_tried_without_saving_it(cast: world.World) -> None:
    values = {key: value for key, value in PLATFORM.items() if key != "name"}
    tried = cast.delegate.post("/health/try-relay", values | {"domainId": cast.own.domain.pk})
    assert tried.status_code == 200 and tried.json()["report"]["status"] is False
    assert is_problem(cast.delegate.post("/health/try-relay", values), 422)["errors"][0]["field"] == "domainId"
    foreign = values | {"domainId": cast.foreign.domain.pk}
    assert is_problem(cast.delegate.post("/health/try-relay", foreign), 422)["errors"][0]["field"] == "domainId"
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/platforms", PLATFORM).json()
    assert cast.delegate.post("/health/try-relay", {"id": made["id"]}).status_code == 200
    is_problem(cast.user.post("/health/try-relay", b"{"), 403)


def test_who_gets_mail_for_an_address_is_told_step_by_step(cast: world.World) -> None:
    members = ["ada@own.example", "ada@foreign.example", "x@elsewhere.example"]
    create_group(Actor.system(), cast.own.domain, email="all", members=members)
    found = cast.delegate.get("/addresses/All@own.example/expansion").json()
    assert {each["email"]: each["outcome"] for each in found["deliveries"]} == {
        "ada@own.example": "delivered",
        "ada@foreign.example": "beyond",
        "x@elsewhere.example": "external",
    }
    assert found["steps"][0] | {"data": {}} == {
        "number": 0, "parent": None, "level": 0, "email": "all@own.example", "how": "asked", "outcome": "expanded",
        "kind": "group", "data": {},
    }  # fmt: skip
    assert cast.delegate.get("/addresses/ada@foreign.example/expansion").json()["deliveries"] == []
    is_problem(cast.delegate.get("/addresses/nonsense/expansion"), 422)
    is_problem(cast.user.get("/addresses/ada@own.example/expansion"), 403)


def test_aliases_of_a_domain_are_as_the_manual_has_them(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/aliases"
    added = cast.administrator.post(path, ["starks.example", "Wolves.example", "bücher.example"])
    assert (added.status_code, added["Location"]) == (201, f"/api/v1{path}")
    names = ["starks.example", "wolves.example", "xn--bcher-kva.example"]
    assert [each["name"] for each in added.json()] == names
    assert [each["name"] for each in cast.delegate.get(path).json()] == names
    assert is_problem(cast.administrator.post(path, ["foreign.example"]), 409)["errors"][0]["field"] == "name"
    assert is_problem(cast.administrator.post(path, ["a b"]), 422)["errors"][0]["field"] == "name"
    is_problem(cast.delegate.post(path, b"{"), 403)
    assert cast.administrator.put(path, ["starks.example", "lions.example"]).status_code == 204
    assert [each["name"] for each in cast.delegate.get(f"{path}?sort=-name").json()] == [
        "starks.example",
        "lions.example",
    ]
    first = cast.delegate.get(path).json()[0]["id"]
    assert cast.delegate.delete(f"{path}/{first}").status_code == 204
    is_problem(cast.delegate.delete(f"{path}/{first}"), 404)


def test_the_server_s_parts_are_told_to_who_may_see_them(cast: world.World) -> None:
    found = {each["name"]: each for each in cast.administrator.get("/server/health").json()}
    assert found["Database"]["state"] == "OK" and found["Database"]["needed"]
    is_problem(cast.delegate.get("/server/health"), 403)
