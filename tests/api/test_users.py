"""Users, their aliases and forwards, and groups by the API, as the manual has them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from domains.models import Address, Mailbox, Relay
from domains.services.policies import create_policy
from domains.services.relays import create_relay
from tests.api import world
from tests.api.callers import is_problem
from tests.domains.factories import make_domain, make_mailbox_in

pytestmark = pytest.mark.django_db

# the manual's sample, with our ids and a password of ours
TYWIN = {
    "email": "tywin@own.example",
    "firstname": "Tywin",
    "lastname": "Lannister",
    "status": "ENABLED",
    "language": "EN",
    "password": "HearMeRoar-1234",
    "sendNotification": False,
}


@pytest.fixture
def cast() -> world.World:
    return world.build()


# --- users ---


def test_a_user_is_made_read_and_can_sign_in(cast: world.World) -> None:
    response = cast.delegate.post("/users", TYWIN | {"domainId": cast.own.domain.pk})
    assert response.status_code == 201, response.content
    found = cast.delegate.get(response["Location"])
    assert found.json() == response.json()
    assert {name: found.json()[name] for name in ("email", "firstname", "lastname", "status", "language")} == {
        name: TYWIN[name] for name in ("email", "firstname", "lastname", "status", "language")
    }
    assert found.json()["domainId"] == cast.own.domain.pk
    assert dt.datetime.fromisoformat(found.json()["creationDate"]).tzinfo is not None
    assert b"HearMeRoar" not in found.content
    person = User.objects.get(email="tywin@own.example")
    assert person.check_password("HearMeRoar-1234")
    assert AuditEvent.objects.filter(action="mailbox.create", object_label="tywin@own.example", via="api").exists()


def test_address_and_state_are_enough(cast: world.World) -> None:
    response = cast.delegate.post("/users", {"email": "Sansa@OWN.example", "status": "PENDING"})
    assert response.status_code == 201
    assert (response.json()["email"], response.json()["status"]) == ("sansa@own.example", "PENDING")
    for name in ("email", "status"):
        body = {key: value for key, value in TYWIN.items() if key != name}
        assert is_problem(cast.delegate.post("/users", body), 422)["errors"][0]["field"] == name


def test_whoever_may_not_make_users_is_told_before_the_body(cast: world.World) -> None:
    is_problem(cast.user.post("/users", b"{"), 403)


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"email": "ada@own.example"}, 409, "email"),
        ({"email": "nobody"}, 422, "email"),
        ({"email": "a..b@own.example"}, 422, "email"),
        ({"email": "x@unknown.example"}, 422, "email"),
        ({"email": "x@foreign.example"}, 422, "email"),
        ({"domainId": 999_999}, 422, "domainId"),
        ({"password": "short"}, 422, "password"),
        ({"status": "enabled"}, 422, "status"),
        ({"status": "DELETED"}, 422, "status"),
        ({"language": "XX"}, 422, "language"),
        ({"policyId": 999_999}, 422, "policyId"),
        ({"platformId": 999_999}, 422, "platformId"),
        ({"authId": 5}, 422, "authId"),
        ({"firstname": "x" * 101}, 422, "firstname"),
        ({"isAdmin": True}, 422, "isAdmin"),
    ],
)
def test_a_user_that_can_t_be_made_leaves_nothing(
    cast: world.World, change: dict[str, Any], status: int, field: str
) -> None:
    before = (Mailbox.objects.count(), User.objects.count(), AuditEvent.objects.count())
    found = is_problem(cast.delegate.post("/users", TYWIN | change), status)
    assert [each["field"] for each in found["errors"]] == [field]
    assert (Mailbox.objects.count(), User.objects.count(), AuditEvent.objects.count()) == before


def test_patch_changes_only_what_is_sent(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}"
    before = cast.delegate.get(path).json()
    assert cast.delegate.patch(path, {"lastname": "Stark", "language": "de"}).status_code == 204
    assert cast.delegate.get(path).json() == before | {"lastname": "Stark", "language": "DE", "name": "Ada Stark"}
    assert cast.delegate.patch(path, {"senderVerifyOn": False}).status_code == 204
    assert cast.delegate.get(path).json()["senderVerifyOn"] is False
    assert cast.delegate.patch(path, {"senderVerifyOn": None, "lastname": None}).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["senderVerifyOn"], found["lastname"]) == (before["senderVerifyOn"], "")
    assert cast.delegate.patch(path, {}).status_code == 204
    assert is_problem(cast.delegate.patch(path, {"email": None}), 422)["errors"][0]["field"] == "email"


def test_a_user_gets_another_address_state_and_password_at_once_or_not_at_all(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}"
    make_mailbox_in(cast.own.domain, "taken")
    change = {"firstname": "Arya", "password": "needle-needle-1", "status": "DISABLED"}
    is_problem(cast.delegate.patch(path, change | {"email": "taken@own.example"}), 409)
    assert cast.delegate.get(path).json()["firstname"] == "Ada"
    assert cast.delegate.patch(path, change | {"email": "arya@own.example"}).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["email"], found["firstname"], found["status"]) == ("arya@own.example", "Arya", "DISABLED")
    person = User.objects.get(pk=cast.own.person.pk)
    assert (person.email, person.check_password("needle-needle-1"), person.is_active) == (
        "arya@own.example",
        True,
        False,
    )


def test_a_user_has_a_policy_and_a_platform_of_their_own_or_the_domain_s(cast: world.World) -> None:
    system, domain = Actor.system(), cast.own.domain
    policy = create_policy(system, domain, {"name": "Strict"})
    relay = create_relay(
        system,
        domain,
        {"name": "R", "transport_dest": "mx.own.example", "transport_type": "SMTP", "transport_port": 25},
    )
    path = f"/users/{cast.own.person.pk}"
    assert cast.delegate.patch(path, {"policyId": policy.pk, "platformId": relay.pk}).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["policyId"], found["policy"]["name"], found["platformId"]) == (policy.pk, "Strict", relay.pk)
    assert cast.delegate.patch(path, {"policyId": None, "platformId": None}).status_code == 204
    found = cast.delegate.get(path).json()
    assert (found["policyId"], found["platformId"]) == (None, None)
    assert (found["domainPlatformId"], found["platform"]["id"]) == (relay.pk, relay.pk)
    foreign = create_policy(system, cast.foreign.domain, {"name": "Theirs"})
    assert is_problem(cast.delegate.patch(path, {"policyId": foreign.pk}), 422)["errors"][0]["field"] == "policyId"
    assert Relay.objects.count() == 1


def test_a_deleted_user_waits_for_the_purge_and_comes_back(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}"
    assert cast.delegate.delete(path).status_code == 204
    found = cast.delegate.get(path).json()
    assert found["status"] == "DELETED" and found["purgeDate"] > found["deletionDate"]
    is_problem(cast.delegate.delete(path), 404)
    is_problem(cast.user.get("/me"), 401)
    is_problem(cast.delegate.patch(path, {"status": "ENABLED"}), 409)
    assert cast.delegate.post(f"{path}/restoration").json()["status"] == "ENABLED"
    assert cast.user.get(path).json()["email"] == "ada@own.example"


def test_lists_show_a_delegate_their_domain_alone(cast: world.World) -> None:
    for number in range(3):
        make_mailbox_in(cast.own.domain, f"u{number}", first_name="Number", last_name=str(number))
    response = cast.delegate.get("/users")
    assert response["X-Total-Count"] == "4"
    assert response.json()[0]["email"] == "ada@own.example"
    assert cast.administrator.get("/users?pageSize=1")["X-Total-Count"] == "5"
    assert cast.delegate.get(f"/domains/{cast.own.domain.pk}/users?sort=-email&pageSize=1").json()[0]["email"] == (
        "u2@own.example"
    )
    for query, count in {
        "email=U*": 3, "name=*number*": 3, "name=Number 1": 1, "status=ENABLED": 4, "status=DELETED": 0,
        f"domainId={cast.foreign.domain.pk}": 0, "minOccupationRatio=0.5": 0, "maxOccupationRatio=1": 4,
        "email=u*&name=*2": 1,
    }.items():  # fmt: skip
        assert cast.delegate.get(f"/users?{query}")["X-Total-Count"] == str(count), query
    is_problem(cast.user.get("/users"), 403)


def test_a_list_of_users_takes_the_same_queries_at_any_size(cast: world.World, django_assert_num_queries: Any) -> None:
    domains = [make_domain(f"d{number}.example", cast.own.customer) for number in range(3)]
    cast.administrator.get("/users")
    for count in (2, 20):
        for number in range(count):
            make_mailbox_in(domains[number % 3])
        with django_assert_num_queries(6):  # token, rows, total, options, policies, relays
            cast.administrator.get("/users?pageSize=1000")


# --- aliases, forwards, groups ---


def test_aliases_are_added_replaced_and_removed(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/aliases"
    added = cast.delegate.post(path, ["a.okafor@own.example", "countess@own.example"])
    assert (added.status_code, [each["email"] for each in added.json()]) == (
        201,
        ["a.okafor@own.example", "countess@own.example"],
    )
    is_problem(cast.delegate.post(path, ["new@own.example", "ada@own.example"]), 409)
    assert cast.delegate.get(path)["X-Total-Count"] == "2"
    replaced = cast.delegate.put(path, ["countess@own.example", "byron@own.example"])
    assert [each["email"] for each in replaced.json()] == ["byron@own.example", "countess@own.example"]
    assert cast.delegate.delete(f"{path}/{replaced.json()[0]['id']}").status_code == 204
    is_problem(cast.delegate.delete(f"{path}/{replaced.json()[0]['id']}"), 404)
    assert is_problem(cast.delegate.post(path, ["x@foreign.example"]), 422)["errors"][0]["field"] == "email"


def test_people_forward_their_own_mail_as_far_as_their_domain_lets_them(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/forwarding"
    body = {"recipients": ["ada@elsewhere.example"], "keepCopy": False}
    assert cast.user.put(path, body).json() == body
    assert cast.delegate.get(path).json() == body
    cast.own.domain.end_user_rights = ["sign_in", "create_tokens"]
    cast.own.domain.save()
    is_problem(cast.user.put(path, b"{"), 403)
    assert cast.delegate.put(path, {"recipients": []}).json() == {"recipients": [], "keepCopy": True}


def test_a_forward_goes_somewhere(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/forwards"
    made = cast.delegate.post(
        path, {"email": "sales@own.example", "recipients": ["ada@own.example", "x@elsewhere.example"]}
    )
    assert [each["type"] for each in made.json()["recipients"]] == ["USER", "EXTERNAL_ADDRESS"]
    assert (
        is_problem(cast.delegate.patch(made["Location"], {"recipients": []}), 422)["errors"][0]["field"] == "recipients"
    )
    assert cast.delegate.patch(made["Location"], {"email": "shop@own.example", "enabled": False}).status_code == 204
    assert cast.delegate.get(f"{path}?recipient=x@*").json()[0]["email"] == "shop@own.example"
    assert cast.delegate.delete(made["Location"]).status_code == 204


def test_a_group_is_as_the_manual_has_it(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/groups"
    made = cast.delegate.post(path, {"email": "badguys@own.example"})
    assert made.status_code == 201 and made.json()["recipients"] == []
    added = cast.delegate.post(
        f"{made['Location'].removeprefix('/api/v1')}/addresses", ["ada@own.example", "x@foreign.example"]
    )
    assert added.status_code == 201
    assert [(each["email"], each["type"], each["firstname"]) for each in added.json()["recipients"]] == [
        ("ada@own.example", "USER", "Ada"),
        ("x@foreign.example", "EXTERNAL_ADDRESS", None),
    ]
    again = cast.delegate.post(f"{path}/{made.json()['id']}/addresses", ["ada@own.example", "y@elsewhere.example"])
    assert [each["email"] for each in again.json()["recipients"]] == ["y@elsewhere.example"]
    assert again.json()["recipientsCount"] == 3
    first = added.json()["recipients"][0]["id"]
    assert cast.delegate.delete(f"{path}/{made.json()['id']}/addresses/{first}").status_code == 204
    is_problem(cast.delegate.delete(f"{path}/{made.json()['id']}/addresses/{first}"), 404)
    change = {
        "email": "deadguys@own.example",
        "recipients": ["ada@own.example"],
        "senders": "LISTED",
        "allowedSenders": ["@own.example"],
    }
    assert cast.delegate.patch(made["Location"], change).status_code == 204
    found = cast.delegate.get(made["Location"]).json()
    assert (found["email"], found["senders"], found["allowedSenders"]) == (
        "deadguys@own.example",
        "LISTED",
        ["@own.example"],
    )
    assert [each["email"] for each in found["recipients"]] == ["ada@own.example"]
    for query in ("email=dead*", "recipient=ada@own.example", "address=ada*"):
        assert cast.delegate.get(f"{path}?{query}")["X-Total-Count"] == "1", query
    assert cast.delegate.delete(f"/groups/{made.json()['id']}").status_code == 204
    assert not Address.objects.filter(kind=Address.Kind.GROUP).exists()


def test_a_group_says_nothing_of_other_tenants_users(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/groups"
    cast.delegate.post(
        path, {"email": "all@own.example", "recipients": ["ada@foreign.example", "nobody@foreign.example"]}
    )
    told = {
        each["email"]: (each["type"], each["firstname"]) for each in cast.delegate.get(path).json()[0]["recipients"]
    }
    assert set(told.values()) == {("EXTERNAL_ADDRESS", None)}
    shown = cast.administrator.get(path).json()[0]["recipients"]
    assert {each["type"] for each in shown} == {"USER", "EXTERNAL_ADDRESS"}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"email": "ada@own.example"}, 409, "email"),
        ({"email": "x@foreign.example"}, 422, "email"),
        ({"email": "g", "recipients": ["x@y.example", "nonsense"]}, 422, "recipients[1]"),
        ({"email": "g", "recipients": ["g@own.example"]}, 422, "recipients"),
        ({"email": "g", "recipients": "a@b.example"}, 422, "recipients"),
        ({"email": "g", "senders": "LISTED", "allowedSenders": ["@"]}, 422, "allowedSenders"),
        ({}, 422, "email"),
    ],
)
def test_a_group_that_can_t_be_made_names_the_field(
    cast: world.World, body: dict[str, Any], status: int, field: str
) -> None:
    found = is_problem(cast.delegate.post(f"/domains/{cast.own.domain.pk}/groups", body), status)
    assert found["errors"][0]["field"] == field
    assert not Address.objects.filter(kind=Address.Kind.GROUP).exists()


def test_ten_thousand_recipients_are_pasted_and_paged(cast: world.World) -> None:
    everybody = [f"u{number:05}@elsewhere.example" for number in range(10_000)]
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/groups", {"email": "all", "recipients": everybody})
    assert made.json()["recipientsCount"] == 10_000
    addresses = f"/domains/{cast.own.domain.pk}/groups/{made.json()['id']}/addresses"
    assert cast.delegate.get(f"{addresses}?email=u0999*")["X-Total-Count"] == "10"
    found = is_problem(cast.delegate.post(addresses, ["x@y.example", "nonsense", "more nonsense"]), 422)
    assert [each["field"] for each in found["errors"]] == ["[1]", "[2]"]
    assert cast.delegate.get(f"/domains/{cast.own.domain.pk}/groups").json()[0]["recipientsCount"] == 10_000
