"""Rules against leaks of a sender's domain."""

from __future__ import annotations

import pytest

from tests.api.james.conftest import James, refused

ONE = {
    "id": "1", "expression": "secret.*plan", "explanation": "plans", "targetsSender": False,
    "targetsRecipients": False, "targetsContent": True,
}  # fmt: skip
IDLE = {**ONE, "id": "2", "explanation": None, "targetsContent": False}


@pytest.fixture(autouse=True)
def a_domain(james: James) -> None:
    james("PUT", "/domains/example.org")


def test_rules_are_stored_as_a_whole_and_read_one_by_one(james: James) -> None:
    assert james("GET", "/dlp/rules/example.org").json() == {"rules": []}
    assert james("PUT", "/dlp/rules/example.org", {"rules": [ONE, IDLE]}).status_code == 204
    assert james("GET", "/dlp/rules/example.org").json() == {"rules": [ONE, IDLE]}
    assert james("GET", "/dlp/rules/example.org/rules/2").json() == IDLE
    assert james("GET", "/dlp/rules/example.org/rules/3").status_code == 404
    bare = {"id": "3", "expression": "x", "targetsSender": True}
    assert james("PUT", "/dlp/rules/example.org", {"rules": [bare]}).status_code == 204
    assert james("GET", "/dlp/rules/example.org").json()["rules"] == [
        {**bare, "explanation": None, "targetsRecipients": False, "targetsContent": False}
    ]
    assert james("DELETE", "/dlp/rules/example.org").status_code == 204
    assert james("GET", "/dlp/rules/example.org").json() == {"rules": []}


def test_what_is_no_rule_changes_nothing(james: James) -> None:
    james("PUT", "/dlp/rules/example.org", {"rules": [ONE]})
    for rule in ({"id": "1"}, {"expression": "x"}, {"id": 1, "expression": "x"}, {**ONE, "targetsSender": "yes"}):
        wrong = james("PUT", "/dlp/rules/example.org", {"rules": [rule]})
        refused(wrong, 400, "JSON payload of the request is not valid")
    wrong = james("PUT", "/dlp/rules/example.org", {"rules": [{**ONE, "expression": "("}]})
    refused(wrong, 400, "JSON payload of the request is not valid")
    twice = james("PUT", "/dlp/rules/example.org", {"rules": [ONE, ONE]})
    refused(twice, 400, "'id' duplicates are not allowed in DLP rules")
    refused(james("GET", "/dlp/rules/other.org"), 404, "'other.org' is not managed by this James server")
    found = refused(james("GET", "/dlp/rules/a@b.c"), 400, "Invalid arguments supplied in the user request")
    assert found["details"] == "Domain parts ASCII chars must be a-z A-Z 0-9 - or _ in a@b.c"
    assert james("GET", "/dlp/rules/example.org").json() == {"rules": [ONE]}
