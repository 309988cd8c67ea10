"""Users: made with whatever password their old system had, seen, renamed, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from domains.models import Mailbox, Status
from jobs import services
from jobs.models import Task
from tests.api.callers import caller_for
from tests.api.dialects.calling import switch_on
from tests.api.james.conftest import James, refused
from tests.domains.factories import make_customer, make_delegate, make_domain, make_mailbox_in


@pytest.fixture(autouse=True)
def a_domain(james: James) -> None:
    james("PUT", "/domains/example.org")


def test_a_user_is_made_once_and_a_password_set_only_by_force(james: James) -> None:
    assert james("PUT", "/users/ada@example.org", {"password": "123456"}).status_code == 204
    again = james("PUT", "/users/ada@example.org", {"password": "other"})
    refused(again, 409, "'ada@example.org' user already exist", "WrongState")
    assert User.objects.get(email="ada@example.org").check_password("123456")
    assert james("PUT", "/users/ada@example.org?force", {"password": "other"}).status_code == 400  # too weak
    assert james("PUT", "/users/ada@example.org?force", {"password": "123456"}).status_code == 204  # the one they have
    assert james("PUT", "/users/ada@example.org?force", {"password": "four words are fine"}).status_code == 204
    assert User.objects.get(email="ada@example.org").check_password("four words are fine")
    assert james("GET", "/users").json() == [{"username": "ada@example.org"}]
    events = AuditEvent.objects.filter(action="user.set_password").order_by("pk")
    assert [each.details.get("brought") for each in events] == [True, None] and events[0].via == "james"


def test_passwords_are_held_to_the_rules_where_the_dialect_says_so(james: James) -> None:
    switch_on("james", passwordRules="yes")
    refused(james("PUT", "/users/ada@example.org", {"password": "123456"}), 400, "Password supplied is invalid")


def test_whether_a_user_exists(james: James) -> None:
    assert james("HEAD", "/users/ada@example.org").status_code == 404
    james("PUT", "/users/ada@example.org", '{"password":"x"}', content_type="text/plain")
    assert james("HEAD", "/users/ada%40example.org").status_code == 200
    assert james("HEAD", "/users/@@").status_code == 400


def test_bodies_and_names_that_are_none_are_refused(james: James) -> None:
    for body in ("", "{}", "[]", "nonsense", {"password": 1}, {"password": ""}):
        refused(james("PUT", "/users/ada@example.org", body), 400, "JSON payload of the request is not valid")
    without = refused(james("PUT", "/users/ada", {"password": "x"}), 400, "Username supplied is invalid")
    assert without["details"] == "Given Username needs to contain a @domainpart"
    long = refused(james("DELETE", f"/users/a@{'b.' * 130}c"), 400, "Invalid arguments supplied in the user request")
    assert long["details"] == "username length should not be longer than 255 characters"
    refused(james("PUT", "/users/ada@other.org", {"password": "x"}), 400, "Username supplied is invalid")
    for name, details in (
        ("@example.org", "username local part should not be empty"),
        ("a@b@example.org", "Domain parts ASCII chars must be a-z A-Z 0-9 - or _ in b@example.org"),
    ):
        found = james("PUT", f"/users/{name}", {"password": "x"})
        assert refused(found, 400, "Invalid arguments supplied in the user request")["details"] == details


def test_names_without_a_domain_belong_to_the_default_one(james: James) -> None:
    switch_on("james", defaultDomain="example.org")
    assert james("PUT", "/users/ada", {"password": "x"}).status_code == 204
    assert james("GET", "/users").json() == [{"username": "ada"}]
    assert Mailbox.objects.get().address == "ada@example.org"
    whole = refused(james("PUT", "/users/bea@example.org", {"password": "x"}), 400, "Username supplied is invalid")
    assert whole["details"] == "Given Username contains a @domainpart but virtualhosting support is disabled"


def test_a_deleted_user_is_kept_and_comes_back(james: James) -> None:
    james("PUT", "/users/ada@example.org", {"password": "x"})
    for _ in range(2):
        assert james("DELETE", "/users/ada@example.org").status_code == 204
    assert james("GET", "/users").json() == [] and Mailbox.objects.get().status == Status.DELETED
    assert james("PUT", "/users/ada@example.org", {"password": "y"}).status_code == 204
    assert Mailbox.objects.get().status == Status.ENABLED


def test_a_password_is_verified(james: James) -> None:
    james("PUT", "/users/ada@example.org", {"password": "right"})
    assert james("POST", "/users/ada@example.org/verify", {"password": "right"}).status_code == 204
    assert james("POST", "/users/ada@example.org/verify", {"password": "wrong"}).status_code == 401
    assert james("POST", "/users/nobody@example.org/verify", {"password": "right"}).status_code == 401
    assert james("POST", "/users/ada@example.org/verify", {"password": ""}).status_code == 401
    for body in ("", "{}", "nonsense"):
        answer = james("POST", "/users/ada@example.org/verify", body)
        refused(answer, 400, "Error while deserializing verifyUser request")


def test_a_user_is_renamed_by_a_task(james: James) -> None:
    james("PUT", "/users/ada@example.org", {"password": "x"})
    missing = james("POST", "/users/nobody@example.org/rename/bea@example.org?action=rename")
    found = refused(missing, 400, "Invalid arguments supplied in the user request")
    assert found["details"] == "'oldUser' parameter should be an existing user"
    begun = james("POST", "/users/ada@example.org/rename/bea@example.org?action=rename")
    assert begun.status_code == 201 and begun["Location"] == f"/james/tasks/{begun.json()['taskId']}"
    services.run_waiting(Task.objects.get().pk)
    found = james("GET", begun["Location"]).json()
    assert (found["type"], found["status"]) == ("UsernameChangeTask", "completed")
    assert found["additionalInformation"]["newUser"] == "bea@example.org"
    assert Mailbox.objects.get().address == "bea@example.org"


def test_a_rename_tells_nothing_of_who_is_elsewhere(james: James) -> None:
    own = make_domain("own.example", make_customer("Own"))
    make_mailbox_in(own, "ada")
    make_mailbox_in(make_domain("foreign.example", make_customer("Foreign")), "eve")
    token = caller_for(make_delegate(own)).token
    said = set()
    for name in ("eve", "nobody"):
        path = f"/users/ada@own.example/rename/{name}@foreign.example?action=rename"
        answer = james("POST", path, Password=token)
        refused(answer, 400, "Username supplied is invalid")
        said.add(answer.content)
    assert len(said) == 1 and not Task.objects.exists()


def test_somebody_is_let_into_a_mailbox_and_out_again(james: James) -> None:
    for name in ("ada", "bea"):
        james("PUT", f"/users/{name}@example.org", {"password": "x"})
    missing = james("GET", "/users/nobody@example.org/authorizedUsers")
    refused(missing, 404, "User 'nobody@example.org' does not exist", "notFound")
    assert james("PUT", "/users/ada@example.org/authorizedUsers/bea@example.org").status_code == 200
    assert james("GET", "/users/ada@example.org/authorizedUsers").json() == ["bea@example.org"]
    assert james("DELETE", "/users/ada@example.org/authorizedUsers/bea@example.org").status_code == 200
    assert james("DELETE", "/users/ada@example.org/authorizedUsers/nobody@example.org").status_code == 200
    assert james("DELETE", "/users/ada@example.org/authorizedUsers").status_code == 200
    assert james("GET", "/users/ada@example.org/authorizedUsers").json() == []
    assert james("GET", "/users/ada@example.org/allowedFromHeaders").json() == ["ada@example.org"]
    james("PUT", "/address/aliases/ada@example.org/sources/al@example.org")
    james("PUT", "/domains/other.org")
    james("PUT", "/domains/example.org/aliases/other.org")
    allowed = james("GET", "/users/ada@example.org/allowedFromHeaders").json()
    assert allowed == ["ada@example.org", "al@example.org", "ada@other.org"]


def test_an_identity_is_the_name_and_the_signature(james: James) -> None:
    james("PUT", "/users/ada@example.org", {"password": "x"})
    place = "/users/ada@example.org/identities"
    (one,) = james("GET", place).json()
    path = f"{place}/{one['id']}"
    assert james("GET", path).json() == one
    new = {"name": "Ada Okafor", "email": "ada@example.org", "htmlSignature": "<p>Ada</p>", "textSignature": "-- Ada"}
    assert james("PUT", path, new).status_code == 204
    assert new.items() <= james("GET", path).json().items()
    assert james("PUT", path, {"textSignature": "1 < 2", "htmlSignature": ""}).status_code == 204
    assert "1 &lt; 2" in james("GET", path).json()["htmlSignature"]
    assert james("PUT", path, {"htmlSignature": ""}).status_code == 204
    assert james("GET", path).json()["htmlSignature"] == ""
    wrongs: list[Any] = [{"name": 1}, [], {"email": "other@example.org"}, {"bcc": [{"email": "spy@there.example"}]}]
    for wrong in wrongs:
        assert james("PUT", path, wrong).status_code == 400
    refused(james("PUT", f"{place}/0", new), 404, "The identity does not exist", "notFound")


def test_an_address_that_leads_elsewhere_becomes_no_user_and_says_where_it_leads(james: James) -> None:
    james("PUT", "/domains/example.org")
    james("PUT", "/users/ada@example.org", {"password": "right"})
    james("PUT", "/address/aliases/ada@example.org/sources/alias@example.org")
    james("PUT", "/address/groups/group@example.org/ada@example.org")
    for name in ("alias", "group"):
        answer = james("PUT", f"/users/{name}@example.org", {"password": "right"})
        told = f"'{name}@example.org' already have associated mappings: {name}:ada@example.org"
        refused(answer, 409, told, "WrongState")
    refused(
        james("GET", "/users/nobody@example.org/allowedFromHeaders"), 404, "user 'nobody@example.org' does not exist"
    )
