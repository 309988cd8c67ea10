"""What a user has beside mail, the tester of rules, and privileges, by the API."""

from __future__ import annotations

import base64

import pytest

from accounts.models import User
from tests.api import world
from tests.api.callers import caller_for, is_problem
from tests.domains.factories import make_mailbox_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_people_say_that_they_are_away(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/absence"
    note = {"enabled": True, "start": "2026-12-24", "end": "2027-01-02", "subject": "Away", "text": "Back in January."}
    assert cast.user.put(path, note).json() == note == cast.delegate.get(path).json()
    wrong = note | {"end": "2026-12-01"}
    assert is_problem(cast.user.put(path, wrong), 422)["errors"][0]["field"] == "end"
    assert is_problem(cast.user.put(path, {"enabled": True}), 422)["errors"][0]["field"] == "text"
    assert is_problem(cast.user.put(path, note | {"end": "tomorrow"}), 422)["errors"][0]["field"] == "end"


def test_facts_are_merged_and_only_preferences_are_one_s_own(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/profile"
    cast.delegate.patch(path, {"accountType": "MultiMailbox", "information": {"City": "London", "Floor": 3}})
    cast.delegate.patch(path, {"information": {"Floor": None}})
    assert cast.user.patch(path, {"preferences": {"Layout": "wide"}}).status_code == 204
    found = cast.user.get(path).json()
    assert found == {
        "accountType": "MultiMailbox", "information": {"City": "London"}, "preferences": {"Layout": "wide"},
    }  # fmt: skip
    is_problem(cast.user.patch(path, {"information": {"City": "Paris"}}), 403)
    wrong = is_problem(cast.user.patch(path, {"preferences": {"1": "x"}}), 422)
    assert wrong["errors"][0]["field"] == "preferences.1"


def test_others_are_let_into_a_mailbox_and_the_sum_is_told(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/rights"
    other = make_mailbox_in(cast.own.domain).address
    given = [{"address": other, "rights": "lrs"}, {"address": "anyone", "rights": "l"}]
    assert cast.user.put(path, given).json() == given
    assert cast.delegate.get(f"{path}/{other}").json()["rights"] == "lrs"
    is_problem(cast.delegate.get(f"{path}/{cast.foreign.mailbox.address}"), 404)
    foreign = [{"address": "anyone", "rights": "l"}, {"address": cast.foreign.mailbox.address, "rights": "l"}]
    assert is_problem(cast.user.put(path, foreign), 422)["errors"][0]["field"] == "[1]"
    assert is_problem(cast.user.put(path, [given[0], given[0]]), 422)["errors"][0]["field"] == "[1].address"
    assert cast.user.get(path).json() == given


def test_mail_is_fetched_from_elsewhere_and_its_password_is_told_to_nobody(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/pulls"
    body = {"name": "Old", "protocol": "IMAP", "host": "imap.example.net", "port": 993}
    body |= {"username": "ada", "password": "told to nobody"}
    made = cast.user.post(path, body)
    assert made.status_code == 201 and "password" not in made.json() and made.json()["tls"]
    one = made["Location"]
    assert cast.user.patch(one, {"everyMinutes": 30, "enabled": False}).status_code == 204
    moved = is_problem(cast.user.patch(one, {"host": "elsewhere.example"}), 422)
    assert moved["errors"][0]["field"] == "password"
    assert is_problem(cast.user.post(path, body), 409)["errors"][0]["field"] == "name"
    assert [each["everyMinutes"] for each in cast.user.get(path).json()] == [30]
    cast.user.patch(one, {"host": "127.0.0.1", "password": "another"})
    assert cast.user.post(f"{one}/trial").json()["works"] is False
    assert cast.user.delete(one).status_code == 204
    is_problem(cast.user.delete(one), 404)
    is_problem(cast.delegate.get(f"/users/{cast.foreign.person.pk}/pulls"), 404)


def test_the_tester_says_what_happens_and_which_rule_decides(cast: world.World) -> None:
    domain = cast.own.domain.pk
    rule = cast.delegate.post(f"/domains/{domain}/wblist", [{"value": "spam@bad.example", "type": "BLOCK"}])
    assert rule.status_code == 201, rule.content
    path = f"/domains/{domain}/filters/trial"
    asked = {"sender": "spam@bad.example", "recipient": cast.own.mailbox.address}
    found = cast.delegate.post(path, asked).json()
    (decides,) = [each for each in found["findings"] if each["decides"]]
    assert found["category"] == "BLOCKED_SENDER" and decides["rule"]["kind"] == "SENDER"
    assert decides["rule"]["id"] == rule.json()[0]["id"] and found["userId"] == cast.own.person.pk
    assert cast.delegate.post(path, asked | {"sender": "ada@good.example"}).json()["category"] == "CLEAN"
    raw = b"From: spam@bad.example\r\nSubject: x\r\n\r\nHello\r\n"
    whole = {"recipient": cast.own.mailbox.address, "messageBase64": base64.b64encode(raw).decode()}
    assert cast.reader.post(path, whole).json()["sender"] == "spam@bad.example"
    assert (
        is_problem(cast.delegate.post(path, {"recipient": "x@elsewhere.example"}), 422)["errors"][0]["field"]
        == "recipient"
    )
    assert is_problem(cast.delegate.post(path, {"messageBase64": "?"}), 422)["errors"][0]["field"] == "messageBase64"


def test_privileges_are_set_by_who_manages_the_person_and_never_one_s_own(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/privileges"
    change = {"privileges": ["login", "changePassword"], "loginPrivileges": ["web"], "distinguishedName": "cn=ada"}
    assert cast.delegate.patch(path, change).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["privileges"], found["loginPrivileges"]) == (["login", "changePassword"], ["web"])
    assert "export_mail" not in found["permissions"] and "sign_in" in found["permissions"]
    is_problem(cast.user.get("/me"), 401)  # the API is one of the doors that are shut now
    assert cast.delegate.patch(path, {"loginPrivileges": None, "privileges": []}).status_code == 204
    wrong = is_problem(cast.delegate.patch(path, {"privileges": ["fly"]}), 422)
    assert wrong["errors"][0]["field"].startswith("privileges")
    is_problem(cast.delegate.patch(path, {"privileges": ["admin"]}), 403)
    root = User.objects.get(is_administrator=True)
    is_problem(caller_for(root).patch(f"/users/{root.pk}/privileges", {"loginPrivileges": ["web"]}), 403)
