"""What programs ask: is this the password, may they send so, what is in a domain, how is one part of the server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import translation

from accounts.actors import Actor
from accounts.models import AuditEvent
from accounts.services import set_password
from config.kit import health
from domains.models import DomainName
from domains.services.aliases import add_alias
from domains.services.forwards import create_forward
from domains.services.groups import create_group
from domains.services.lists.settings import create_list
from tests.api import world
from tests.api.callers import is_problem
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_password_is_checked_as_an_event_and_not_guessed(cast: world.World) -> None:
    set_password(SYSTEM, cast.own.person, password=PASSWORD)
    path = f"/users/{cast.own.person.pk}/password/verification"
    assert cast.delegate.post(path, {"password": PASSWORD}).json() == {"correct": True, "changeDue": False}
    assert cast.delegate.post(path, {"password": "another"}).json() == {"correct": False, "changeDue": False}
    told = AuditEvent.objects.filter(action="user.verify_password").order_by("pk").values_list("details", flat=True)
    assert [each["right"] for each in told] == [True, False] and PASSWORD not in str(list(told))
    is_problem(cast.user.post(path, {"password": PASSWORD}), 403)
    is_problem(cast.reader.post(path, {"password": PASSWORD}), 403)
    statuses = {cast.delegate.post(path, {"password": f"guess {number}"}).status_code for number in range(30)}
    assert 429 in statuses


@pytest.mark.parametrize(
    ("sender", "identity"),
    [
        ("ada@own.example", "OWN"),
        ("Ada, of Own <ADA@own.example>", "NONE"),  # a comma outside quotes: two addresses, one of them broken
        ('"Ada, of Own" <ADA@own.example>', "OWN"),
        ("ada@other-name.example", "OWN"),
        ("Office <office@own.example>", "ALIAS"),
        ("office@other-name.example", "ALIAS"),
        ("team@own.example", "NONE"),
        ("ada@own.example, chief@own.example", "NONE"),
        ("ada@foreign.example", "NONE"),
        ("nonsense", "NONE"),
    ],
)
def test_a_user_sends_as_their_own_addresses(cast: world.World, sender: str, identity: str) -> None:
    DomainName.objects.create(name="other-name.example", domain=cast.own.domain)
    add_alias(SYSTEM, cast.own.mailbox, email="office")
    create_group(SYSTEM, cast.own.domain, email="team", members=["ada@own.example"])
    for caller in (cast.user, cast.reader):
        found = ask(caller, f"/users/{cast.own.person.pk}/identity", sender=sender)
        assert found.json() == {"allowed": identity != "NONE", "identity": identity}
    is_problem(ask(cast.delegate, f"/users/{cast.foreign.person.pk}/identity", sender=sender), 404)


def test_everything_in_a_domain_is_one_list(cast: world.World) -> None:
    domain = cast.own.domain
    alias = add_alias(SYSTEM, cast.own.mailbox, email="office")
    group = create_group(SYSTEM, domain, email="team", members=["ada@own.example", "x@elsewhere.example"])
    forward = create_forward(SYSTEM, domain, email="old", targets=["x@elsewhere.example"])
    news = create_list(SYSTEM, domain, email="news", owner=cast.own.mailbox)
    path = f"/domains/{domain.pk}/objects"
    answer = cast.delegate.get(path)
    found = [(each["email"].partition("@")[0], each["kind"], each["id"]) for each in answer.json()]
    assert found == [
        ("ada", "USER", cast.own.person.pk), ("news", "LIST", news.pk), ("office", "ALIAS", alias.pk),
        ("old", "FORWARD", forward.pk), ("team", "GROUP", group.pk),
    ]  # fmt: skip
    assert answer["X-Total-Count"] == "5"
    assert [each["target"] for each in answer.json()] == [None, None, "ada@own.example", None, None]
    assert [each["email"] for each in cast.delegate.get(f"{path}?kind=GROUP").json()] == ["team@own.example"]
    assert [each["kind"] for each in cast.delegate.get(f"{path}?email=o*").json()] == ["ALIAS", "FORWARD"]
    first = cast.delegate.get(f"{path}?pageSize=3")
    rest = cast.delegate.get(first["Link"].partition(">")[0].lstrip("<")).json()
    assert [each["kind"] for each in rest] == ["FORWARD", "GROUP"]
    forwards = cast.delegate.get(f"/domains/{domain.pk}/forwards?recipient=x@elsewhere.example").json()
    assert [each["email"] for each in forwards] == ["old@own.example"]


def test_one_part_of_the_server_is_looked_at_by_itself(cast: world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def part(name: str) -> Any:
        def check() -> health.Report:
            looked.append(name)
            return health.Report("warning", f"{name} is so")

        return check

    monkeypatch.setattr(health, "_checks", [])
    health.register("Database", part("Database"), needed=True)
    health.register("Post office", part("Post office"))
    health.register("Stores", lambda: [health.Report("ok", "fine", name="Main store")])
    found = cast.administrator.get("/server/health/post%20office").json()
    assert (found["name"], found["state"], found["needed"]) == ("Post office", "WARNING", False)
    assert looked == ["Post office"]
    assert cast.administrator.get("/server/health/Main%20store").json()["state"] == "OK"
    is_problem(cast.administrator.get("/server/health/Kitchen"), 404)
    is_problem(cast.delegate.get("/server/health/Database"), 403)


def test_a_part_is_found_by_its_name_in_any_language_of_the_reader() -> None:
    with translation.override("de"):
        (report,) = health.run_named("database")
        assert health.run_named(str(report.name))


def ask(caller: Any, path: str, **query: str) -> Any:
    return caller.get(f"{path}?{urlencode(query)}")
