"""Sender rules, ordered rules and mailing lists by the API."""

from __future__ import annotations

from typing import Any

import pytest

from domains.models import SenderRule
from tests.api import world
from tests.api.callers import is_problem
from tests.domains.factories import make_mailbox_in

pytestmark = pytest.mark.django_db

# the manual's sample, with its dates in ISO 8601
TWO: list[dict[str, Any]] = [
    {"value": "daenerys@goodguys.example", "type": "ALLOW", "spfOn": True},
    {
        "value": "baelish@badguys.example",
        "type": "BLOCK",
        "expireAt": "2096-05-25T15:52:17Z",
        "description": "he's a traitor",
    },
]


@pytest.fixture
def cast() -> world.World:
    return world.build()


@pytest.mark.parametrize("whose", ["domains", "users"])
def test_sender_rules_are_as_the_manual_has_them(cast: world.World, whose: str) -> None:
    key = cast.own.domain.pk if whose == "domains" else cast.own.person.pk
    owner = "own.example" if whose == "domains" else "ada@own.example"
    path = f"/{whose}/{key}/wblist"
    added = cast.delegate.post(path, TWO)
    assert (added.status_code, added["Location"]) == (201, f"/api/v1{path}")
    allow, block = added.json()
    assert (allow["owner"], allow["spfOn"], allow["expireAt"], allow["description"]) == (owner, True, None, None)
    assert (block["spfOn"], block["expireAt"], block["description"]) == (None, "2096-05-25T15:52:17Z", "he's a traitor")
    assert cast.delegate.get(path)["X-Total-Count"] == "2"
    assert [each["id"] for each in cast.delegate.get(f"{path}?type=BLOCK").json()] == [block["id"]]
    replaced = cast.delegate.put(f"{path}/{allow['id']}", {"value": "rickon@stark.example", "type": "BLOCK"})
    assert replaced.json() | {"createdDate": ""} == {
        "id": allow["id"], "value": "rickon@stark.example", "owner": owner, "type": "BLOCK", "createdDate": "",
        "expireAt": None, "description": None, "spfOn": None, "displayName": None, "enabled": True,
    }  # fmt: skip
    assert cast.delegate.delete(f"{path}/{allow['id']}").status_code == 204
    is_problem(cast.delegate.delete(f"{path}/{allow['id']}"), 404)
    new = cast.delegate.put(path, [TWO[1], {"value": "tywin.example", "type": "BLOCK"}])
    assert new.status_code == 200 and new.json()[0]["id"] == block["id"]
    assert is_problem(cast.delegate.post(path, [TWO[0], TWO[1]]), 409)["errors"][0]["field"] == "[1].value"
    assert cast.delegate.get(path)["X-Total-Count"] == "2"


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"value": "a b", "type": "ALLOW"}, "[1].value"),
        ({"value": "a@b.example", "type": "allow"}, "[1].type"),
        ({"value": "a@b.example", "type": "BLOCK", "expireAt": 1779724337267}, "[1].expireAt"),
        ({"value": "a@b.example", "type": "BLOCK", "spf": True}, "[1].spf"),
        ({"value": "a@b.example"}, "[1].type"),
    ],
)
def test_a_wrong_entry_is_named_and_none_is_added(cast: world.World, entry: dict[str, Any], field: str) -> None:
    found = is_problem(cast.delegate.post(f"/domains/{cast.own.domain.pk}/wblist", [TWO[0], entry]), 422)
    assert found["errors"][0]["field"] == field
    assert not SenderRule.objects.exists()


def test_sender_rules_of_many_owners_are_added_at_once(cast: world.World) -> None:
    entries = [TWO[0] | {"owner": "own.example"}, TWO[1] | {"owner": "ada@own.example"}]
    added = cast.delegate.post("/wblist", entries)
    assert added.status_code == 201
    assert [each["owner"] for each in added.json()] == ["own.example", "ada@own.example"]
    foreign = is_problem(cast.delegate.post("/wblist", [TWO[0] | {"owner": "foreign.example"}]), 404)
    unknown = is_problem(cast.delegate.post("/wblist", [TWO[0] | {"owner": "nowhere.example"}]), 404)
    assert foreign["detail"].replace("foreign", "nowhere") == unknown["detail"]


def test_people_keep_their_own_sender_rules_and_see_nobody_else_s(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/wblist"
    assert cast.user.post(path, TWO).status_code == 201
    assert cast.user.get(path)["X-Total-Count"] == "2"
    colleague = make_mailbox_in(cast.own.domain, "bela")
    is_problem(cast.user.get(f"/users/{colleague.pk}/wblist"), 404)
    is_problem(cast.user.get(f"/domains/{cast.own.domain.pk}/wblist"), 404)
    cast.own.domain.end_user_rights = ["sign_in", "create_tokens"]
    cast.own.domain.save()
    is_problem(cast.user.post(path, b"{"), 403)


def test_ordered_rules_are_made_moved_and_replaced(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/filters/attachments"
    sample = {"action": "ALLOW", "checkType": "CONTENTTYPE", "filter": ".xlsx", "description": "Allow xslx files"}
    first = cast.delegate.post(path, sample)
    assert first.status_code == 201
    kept = {"scope": "own.example", "priority": 1, "mode": "REGEX", "enabled": True}
    assert first.json() | sample | kept == first.json()
    second = cast.delegate.post(path, sample | {"action": "deny", "filter": ".exe", "priority": 1}).json()
    assert [(each["filter"], each["priority"]) for each in cast.delegate.get(f"{path}?sort=priority").json()] == [
        (".exe", 1),
        (".xlsx", 2),
    ]
    one = f"/filters/attachments/{second['id']}"
    assert cast.delegate.patch(one, {"priority": 2, "filter": ".xls", "enabled": False}).status_code == 204
    found = cast.delegate.get(one).json()
    assert (found["priority"], found["filter"], found["enabled"], found["action"]) == (2, ".xls", False, "DENY")
    replaced = cast.delegate.put(
        path, [{"action": "DENY", "checkType": "archive-filename", "filter": "*.scr", "mode": "WILDCARD"}]
    )
    assert (replaced.status_code, len(replaced.json())) == (200, 1)
    is_problem(cast.delegate.get(one), 404)
    is_problem(
        cast.delegate.post(
            path, {**sample, "action": "DENY", "checkType": "ARCHIVE-FILENAME", "filter": "*.scr", "mode": "WILDCARD"}
        ),
        409,
    )


def test_a_bad_expression_is_refused_with_the_place_of_its_error(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/filters"
    found = is_problem(cast.delegate.post(f"{path}/uris", {"action": "BLACKLIST_URI_HOST", "filter": "shop(a"}), 422)
    assert found["errors"][0]["field"] == "filter" and any(sign.isdigit() for sign in found["errors"][0]["detail"])
    found = is_problem(
        cast.delegate.post(f"{path}/dlp", {"ruleId": "x", "expression": "[z-a]", "targetsContent": True}), 422
    )
    assert found["errors"][0]["field"] == "expression"


def test_uri_and_dlp_rules_have_the_same_doors(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/filters"
    sample = {"action": "URIDNSBL_SKIP_DOMAIN", "filter": r"bulist\.example", "description": "Rule"}
    uri = cast.delegate.post(f"{path}/uris", sample)
    assert cast.delegate.get(uri["Location"]).json() == uri.json()
    assert (
        cast.delegate.patch(uri["Location"], {"action": "WHITELIST_URI_HOST", "description": None}).status_code == 204
    )
    assert cast.delegate.get(f"{path}/uris?action=WHITELIST_URI_HOST").json()[0]["description"] is None
    dlp = cast.delegate.post(f"{path}/dlp", {"ruleId": "iban", "expression": r"\bDE\d{20}\b", "targetsContent": True})
    assert dlp.status_code == 201, dlp.content
    assert cast.delegate.delete(dlp["Location"]).status_code == 204
    is_problem(cast.user.get(f"{path}/dlp"), 404)


# --- mailing lists ---


def test_a_mailing_list_has_an_owner_and_subscribers(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/lists"
    made = cast.delegate.post(path, {"email": "news@own.example", "ownerId": cast.own.person.pk, "posting": "OWNER"})
    assert made.status_code == 201, made.content
    assert (made.json()["ownerEmail"], made.json()["subscribing"]) == ("ada@own.example", "CONFIRMED")
    one = made["Location"]
    subscribers = f"{one.removeprefix('/api/v1')}/subscribers"
    added = cast.user.post(subscribers, ["a@elsewhere.example", "b@elsewhere.example"])
    assert (added.status_code, len(added.json())) == (201, 2)
    assert cast.user.post(subscribers, ["a@elsewhere.example"]).json() == []
    first = f"{subscribers}/{added.json()[0]['id']}"
    assert cast.user.patch(first, {"mode": "DIGEST", "moderateNext": 3}).status_code == 204
    found = cast.user.get(first).json()
    assert (found["mode"], found["moderateNext"], found["posting"]) == ("DIGEST", 3, "NORMAL")
    assert cast.delegate.get(f"{subscribers}?mode=FEED")["X-Total-Count"] == "1"
    assert cast.user.patch(one, {"subjectPrefix": "[news]"}).status_code == 204
    is_problem(cast.user.patch(one, {"email": "other@own.example"}), 403)
    assert cast.delegate.patch(one, {"email": "letters@own.example", "enabled": False}).status_code == 204
    found = cast.delegate.get(f"{path}?email=letters*").json()[0]
    assert (found["subjectPrefix"], found["enabled"], found["subscribersCount"]) == ("[news]", False, 2)
    is_problem(cast.user.post(f"{first}/acceptance"), 409)
    assert cast.user.delete(first).status_code == 204
    is_problem(cast.user.delete(one), 403)
    assert cast.delegate.delete(one).status_code == 204
    foreign = {"email": "x", "ownerId": cast.foreign.person.pk}
    assert is_problem(cast.delegate.post(path, foreign), 422)["errors"][0]["field"] == "ownerId"
