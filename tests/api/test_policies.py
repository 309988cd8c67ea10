"""Policies by the API: the manual's sample works as it stands there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db

SAMPLE: dict[str, Any] = {
    "name": "policyA",
    "quarantine": True,
    "retention": False,
    "archive": False,
    "mailSizeLimit": 8,
    "spamScore": 7.2,
    "incoming": True,
    "relayProps": {
        "relaySpam": True,
        "advertPrefix": "[PUB]",
        "prefixSpam": "[SPAM]",
        "relayBadHeaders": True,
        "relayBadAttachments": True,
        "spamScoreLimit": 20.0,
    },
    "quarantineProps": {
        "duration": 31,
        "storeSpam": True,
        "storeVirus": True,
        "storeAdvert": True,
        "storeBlacklisted": True,
        "storeSenderVerify": True,
        "storeBadHeaders": True,
        "storeBadEncoding": True,
        "storeBadAttachments": True,
    },
    "outgoing": False,
}


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_the_manual_s_sample_is_made_and_read(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/policies"
    made = cast.delegate.post(path, SAMPLE | {"domainId": cast.own.domain.pk})
    assert made.status_code == 201, made.content
    found = cast.delegate.get(made["Location"]).json()
    assert found["relayProps"] == SAMPLE["relayProps"] | {"relayAdvert": True, "relayUnreadArchives": True}
    plain = {name: value for name, value in SAMPLE.items() if name != "relayProps"}
    assert {name: found[name] for name in plain} == plain
    assert (found["archiveProps"]["duration"], found["retentionProps"]["duration"]) == (48, 5)
    assert made.json() == found
    listed = cast.delegate.get(f"{path}?sort=-name").json()
    assert "policyA" in [each["name"] for each in listed]


def test_patch_changes_only_what_is_sent_also_inside_the_groups(cast: world.World) -> None:
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/policies", SAMPLE).json()
    path = f"/policies/{made['id']}"
    change = {
        "name": "policyC",
        "quarantineProps": {"duration": 7},
        "relayProps": {"prefixSpam": None},
        "archiveProps": None,
    }
    assert cast.delegate.patch(path, change).status_code == 204
    found = cast.delegate.get(path).json()
    assert found == made | {
        "name": "policyC",
        "quarantineProps": made["quarantineProps"] | {"duration": 7},
        "relayProps": made["relayProps"] | {"prefixSpam": ""},
    }


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": ""}, 422, "name"),
        ({"name": "other"}, 409, "name"),
        ({"spamScore": "7"}, 422, "spamScore"),
        ({"spamScore": 1e9}, 422, "spamScore"),
        ({"mailSizeLimit": 0}, 422, "mailSizeLimit"),
        ({"quarantineProps": {"duration": 0}}, 422, "quarantineProps.duration"),
        ({"quarantineProps": {"days": 1}}, 422, "quarantineProps.days"),
        ({"archiveProps": {"duration": 1.5}}, 422, "archiveProps.duration"),
        ({"relayProps": {"advertPrefix": "x" * 61}}, 422, "relayProps.advertPrefix"),
        ({"relayProps": {"prefixSpam": "a\nb"}}, 422, "relayProps.prefixSpam"),
        ({"domainId": 999_999}, 422, "domainId"),
        ({"id": 999_999}, 422, "id"),
    ],
)
def test_a_wrong_value_names_its_place(cast: world.World, change: dict[str, Any], status: int, field: str) -> None:
    path = f"/domains/{cast.own.domain.pk}/policies"
    cast.delegate.post(path, {"name": "other"})
    made = cast.delegate.post(path, SAMPLE).json()
    found = is_problem(cast.delegate.patch(f"/policies/{made['id']}", change), status)
    assert [each["field"] for each in found["errors"]] == [field]
    assert cast.delegate.get(f"/policies/{made['id']}").json() == made


def test_a_policy_in_use_stays(cast: world.World) -> None:
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/policies", SAMPLE).json()
    user = f"/users/{cast.own.person.pk}"
    assert cast.delegate.patch(user, {"policyId": made["id"]}).status_code == 204
    is_problem(cast.delegate.delete(f"/policies/{made['id']}"), 409)
    assert cast.delegate.patch(user, {"policyId": None}).status_code == 204
    assert cast.delegate.delete(f"/policies/{made['id']}").status_code == 204
    is_problem(cast.delegate.get(f"/policies/{made['id']}"), 404)
