"""Cleanmail's operations: version 1's, with ids as strings and moments as epoch milliseconds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import AuditEvent
from api.cleanmail.words import inward, outward
from tests.api import world
from tests.api.dialects.calling import call, switch_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> world.World:
    switch_on("cleanmail")
    return world.build()


def ask(token: str, method: str, path: str, body: Any = None) -> Any:
    text = "" if body is None else json.dumps(body)
    return call(method, f"/cleanmail/api/v3{path}", text, Authorization=f"Bearer {token}")


def test_ids_are_strings_and_moments_epoch_milliseconds_both_ways() -> None:
    ours = {"id": 7, "domainIds": [1, 2], "count": 3, "createdAt": "2026-03-25T16:52:47.139Z", "performedAt":
            "2026-03-25T16:52:47Z", "name": "7"}  # fmt: skip
    theirs = {"id": "7", "domainIds": ["1", "2"], "count": 3, "createdAt": 1774457567139, "performedAt": 1774457567,
              "name": "7"}  # fmt: skip
    assert outward(ours) == theirs
    sent = inward({"policyId": "7", "expiration": 1774457567139, "name": "7", "pageSize": 5})
    assert sent == {"policyId": 7, "expiration": "2026-03-25T16:52:47.139000Z", "name": "7", "pageSize": 5}


def test_a_domain_is_made_read_listed_and_deleted(cast: world.World) -> None:
    token = cast.administrator.token
    made = ask(token, "POST", "/domains", {"name": "new.example", "status": "ENABLED"})
    assert made.status_code == 201, made.content
    key = made.json()["id"]
    assert isinstance(key, str) and made["Location"].startswith("/cleanmail/api/v3/domains/")
    assert ask(token, "GET", f"/domains/{key}").json()["name"] == "new.example"
    listed = ask(token, "GET", "/domains?offset=0&pageSize=1&sort=-name")
    assert listed["X-Total-Count"] == "3" and len(listed.json()) == 1
    assert ask(token, "DELETE", f"/domains/{key}").status_code in (202, 204)
    assert AuditEvent.objects.filter(action="domain.create", object_label="new.example").get().via == "cleanmail"


def test_a_person_is_named_by_id_or_address_and_only_to_who_may_see_them(cast: world.World) -> None:
    address = cast.own.person.email
    by_address = ask(cast.delegate.token, "GET", f"/users/{address}")
    assert by_address.status_code == 200, by_address.content
    assert by_address.json() == ask(cast.delegate.token, "GET", f"/users/{cast.own.person.pk}").json()
    for token, person in ((cast.delegate.token, cast.foreign.person.email), (cast.user.token, "nobody@own.example")):
        refused = ask(token, "GET", f"/users/{person}")
        assert refused.status_code == 404 and refused.json()["message"]


def test_errors_have_a_message_and_no_caller_is_unknown(cast: world.World) -> None:
    assert ask("", "GET", "/domains").status_code == 401
    assert ask(cast.administrator.token, "GET", "/nothing").json()["status"] == 404
    wrong = ask(cast.administrator.token, "POST", "/domains", {"name": "not a name"})
    assert wrong.status_code == 422 and wrong.json()["errors"]
    for body in (b"[" * 9000, b"\xff", b'{"a":1e999}'):
        broken = call("POST", "/cleanmail/domains", body, Authorization=f"Bearer {cast.administrator.token}")
        assert broken.status_code in (400, 422) and broken.json()["message"]
