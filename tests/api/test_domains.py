"""Domains, customers and brokers by the API, as the manual and the issue have them."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import Broker, Customer, Domain
from domains.services.brokers import create_broker
from domains.services.providers import create_provider
from jobs.services import run_waiting
from tests.api import world
from tests.api.callers import Caller, caller_for, is_problem
from tests.domains.factories import make_delegate

pytestmark = pytest.mark.django_db

PLATFORM: dict[str, Any] = {
    "name": "platform",
    "transportDest": "1.2.3.4",
    "transportType": "SMTP",
    "transportPort": 25,
    "authType": "local",
    "authData": "",
    "default": True,
}
# the manual's sample
GOT: dict[str, Any] = {
    "name": "got.example",
    "status": "ENABLED",
    "incoming": True,
    "outgoing": False,
    "quarantine": True,
    "retention": True,
    "archive": True,
    "defaultLanguage": "DE",
    "autoProvisioningOn": True,
    "senderVerifyOn": True,
    "externalId": "HBO-2019",
    "outgoingSubnets": ["92.123.51.204/31", "92.23.81.244/31"],
    "platforms": [PLATFORM],
}


@pytest.fixture
def cast() -> world.World:
    return world.build()


@pytest.fixture
def customer_admin(cast: world.World) -> Caller:
    return caller_for(make_delegate(cast.own.customer))


def test_the_manual_s_sample_makes_a_domain(cast: world.World) -> None:
    made = cast.administrator.post("/domains", GOT | {"customerId": cast.own.customer.pk})
    assert made.status_code == 201, made.content
    found = cast.administrator.get(made["Location"]).json()
    assert found == made.json()
    plain = {name: value for name, value in GOT.items() if name not in ("platforms", "outgoing")}
    assert {name: found[name] for name in plain} == plain
    assert (found["policy"]["quarantine"], found["policy"]["outgoing"], found["policiesCount"]) == (True, False, 1)
    assert found["customer"]["name"] == "Customer of own.example"
    (platform,) = found["platforms"]
    assert (platform["transportDest"], platform["default"], platform["authData"]) == ("1.2.3.4", True, None)
    assert (found["wblistPriority"], found["activeUsersCount"], found["deletionDate"]) == ("USER", 0, None)


def test_name_and_state_are_enough(cast: world.World) -> None:
    made = cast.administrator.post("/domains", {"name": "Bücher.example", "status": "PENDING"})
    assert made.status_code == 201
    found = made.json()
    assert (found["name"], found["displayName"], found["status"]) == (
        "xn--bcher-kva.example",
        "bücher.example",
        "PENDING",
    )
    assert [found[name] for name in ("incoming", "quarantine", "retention", "archive")] == [True, False, False, False]
    assert "defaultLanguage" in found["inherited"] and found["defaultLanguage"] == "EN"
    for name in ("name", "status"):
        body = {key: value for key, value in GOT.items() if key != name}
        assert is_problem(cast.administrator.post("/domains", body), 422)["errors"][0]["field"] == name


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"name": "own.example"}, 409, "name"),
        ({"name": "no domain"}, 422, "name"),
        ({"status": "DELETED"}, 422, "status"),
        ({"customerId": 999_999}, 422, "customerId"),
        ({"outgoingSubnets": ["nonsense"]}, 422, "outgoingSubnets"),
        ({"outgoingProvidersIds": [999_999]}, 422, "outgoingProvidersIds"),
        ({"defaultLanguage": "XX"}, 422, "defaultLanguage"),
        ({"limits": {"users": -5}}, 422, "limits.users"),
        ({"platforms": [{"transportDest": "x"}]}, 422, "platforms[0].name"),
        ({"platforms": [PLATFORM, PLATFORM | {"transportDest": "a b"}]}, 422, "platforms[1].transportDest"),
        ({"platforms": [{"id": 999_999}]}, 422, "platforms[0].id"),
        ({"policyId": 999_999}, 422, "policyId"),
    ],
)  # fmt: skip
def test_a_domain_that_can_t_be_made_leaves_nothing(
    cast: world.World, change: dict[str, Any], status: int, field: str
) -> None:
    before = Domain.objects.count()
    found = is_problem(cast.administrator.post("/domains", GOT | change), status)
    assert [each["field"] for each in found["errors"]] == [field]
    assert Domain.objects.count() == before


def test_a_customer_s_administrator_adds_domains_to_it_within_its_limits(
    cast: world.World, customer_admin: Caller
) -> None:
    body = {"name": "new.example", "status": "ENABLED"}
    assert is_problem(customer_admin.post("/domains", body), 422)["errors"][0]["field"] == "customerId"
    foreign = is_problem(customer_admin.post("/domains", body | {"customerId": cast.foreign.customer.pk}), 422)
    assert foreign["errors"][0]["field"] == "customerId"
    assert customer_admin.post("/domains", body | {"customerId": cast.own.customer.pk}).status_code == 201
    path = f"/customers/{cast.own.customer.pk}"
    assert cast.administrator.patch(path, {"limits": {"domains": 2}}).status_code == 204
    more = {"name": "more.example", "status": "ENABLED", "customerId": cast.own.customer.pk}
    found = is_problem(customer_admin.post("/domains", more), 403)
    assert found["type"].endswith("limit-reached")
    is_problem(cast.delegate.post("/domains", b"{"), 403)


def test_patch_changes_only_what_is_sent(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    before = cast.delegate.get(path).json()
    assert cast.delegate.patch(path, {"defaultLanguage": "ES", "description": "Ours"}).status_code == 204
    found = cast.delegate.get(path).json()
    inherited = [name for name in before["inherited"] if name != "defaultLanguage"]
    assert found == before | {"defaultLanguage": "ES", "description": "Ours", "inherited": inherited}
    assert cast.delegate.patch(path, {"defaultLanguage": None, "description": None}).status_code == 204
    assert cast.delegate.get(path).json() == before
    assert (
        cast.delegate.patch(path, {"quarantine": True, "wblistPriority": "DOMAIN"}, X_Ignore_MX="true").status_code
        == 204
    )
    found = cast.delegate.get(path).json()
    assert (found["quarantine"], found["policy"]["quarantine"], found["wblistPriority"]) == (True, True, "DOMAIN")
    assert found["unknownRecipients"] == "REFUSE"
    assert cast.delegate.patch(path, {"unknownRecipients": "ASK_OR_WAIT"}).status_code == 204
    assert cast.delegate.get(path).json()["unknownRecipients"] == "ASK_OR_WAIT"
    is_problem(cast.delegate.patch(path, {"unknownRecipients": "SOMETIMES"}), 422)
    assert cast.delegate.patch(path, {"unknownRecipients": None}).status_code == 204
    assert cast.delegate.get(path).json()["unknownRecipients"] == "REFUSE"
    assert cast.delegate.patch(path, {"catchAll": "ada@own.example"}).status_code == 204
    assert (
        is_problem(cast.delegate.patch(path, {"catchAll": "no@own.example"}), 422)["errors"][0]["field"] == "catchAll"
    )


def test_platforms_are_replaced_as_a_whole(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    first = PLATFORM
    assert (
        cast.delegate.patch(path, {"platforms": [first, first | {"name": "second", "default": False}]}).status_code
        == 204
    )
    one, two = cast.delegate.get(path).json()["platforms"]
    assert cast.delegate.patch(path, {"platforms": [{"id": one["id"], "name": "renamed"}]}).status_code == 204
    assert cast.delegate.get(path).json()["platforms"] == [one | {"name": "renamed"}]
    assert two["id"] != one["id"]


def test_a_delegate_changes_no_limits_and_no_customer(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    is_problem(cast.delegate.patch(path, {"limits": {"users": 5}}), 403)
    is_problem(cast.delegate.patch(path, {"customerId": None}), 403)
    is_problem(cast.delegate.patch(path, {"name": "other.example"}), 403)
    assert cast.administrator.patch(path, {"limits": {"users": 1}}).status_code == 204
    found = is_problem(cast.delegate.post("/users", {"email": "x@own.example", "status": "ENABLED"}), 403)
    assert found["type"].endswith("limit-reached")


def test_a_domain_is_renamed_and_moved(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    assert cast.administrator.patch(path, {"name": "renamed.example"}).status_code == 204
    found = cast.administrator.get(path).json()
    assert found["name"] == "renamed.example" and [each["name"] for each in found["domainAliases"]] == ["own.example"]
    assert cast.administrator.get(f"/users/{cast.own.person.pk}").json()["email"] == "ada@renamed.example"
    assert cast.user.get("/me").json()["email"] == "ada@renamed.example"
    assert cast.administrator.patch(path, {"customerId": cast.foreign.customer.pk}).status_code == 204
    assert cast.administrator.get(path).json()["customerId"] == cast.foreign.customer.pk


def test_a_domain_is_deleted_restored_and_purged(cast: world.World, customer_admin: Caller) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    assert customer_admin.delete(path).status_code == 204
    found = customer_admin.get(path).json()
    assert found["status"] == "DELETED" and found["purgeDate"] > found["deletionDate"]
    is_problem(customer_admin.delete(path), 404)
    assert customer_admin.patch(path, {"status": "ENABLED"}).status_code == 204
    assert customer_admin.get(path).json()["status"] == "ENABLED"
    is_problem(customer_admin.post(f"{path}/purge"), 409)
    assert customer_admin.delete(path).status_code == 204
    assert customer_admin.post(f"{path}/restoration").json()["status"] == "ENABLED"
    assert customer_admin.delete(path).status_code == 204
    plan = customer_admin.get(f"{path}/purge").json()
    assert (plan["users"], plan["names"]) == (1, ["own.example"])
    assert "POST /approvals" in is_problem(customer_admin.post(f"{path}/purge"), 409)["detail"]
    body = {"command": "PurgeDeletedDomains", "params": {"domains": ["own.example"]}, "reason": "They left"}
    asked = customer_admin.post("/approvals", body)
    numbers = {each["what"]: each["count"] for each in asked.json()["numbers"]}
    assert numbers["mailbox with its addresses"] == 1
    run_waiting(cast.administrator.post(f"{asked['Location']}/approve", {}).json()["taskId"])
    is_problem(customer_admin.get(path), 404)


def test_end_users_may_what_their_domain_lets_them(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/access"
    told = cast.delegate.get(path).json()
    assert {"name": "sign_in", "enabled": True} in told
    changed = cast.delegate.put(path, ["sign_in", "create_tokens"]).json()
    assert [each["name"] for each in changed if each["enabled"]] == ["sign_in", "create_tokens"]
    assert is_problem(cast.delegate.put(path, ["fly"]), 422)["errors"][0]["field"] == "[0]"


def test_lists_of_domains_are_filtered_and_stay_within_one_s_part(cast: world.World) -> None:
    assert [each["name"] for each in cast.delegate.get("/domains").json()] == ["own.example"]
    cast.delegate.post(f"/domains/{cast.own.domain.pk}/platforms", PLATFORM | {"name": "Winterfell"})
    for query, count in {
        "name=*example": 2, "name=OWN.example": 1, "status=DISABLED": 0, "platformName=winter*": 1,
        f"customerId={cast.own.customer.pk}": 1, "externalId=HBO*": 0, "sort=-usersCount": 2, "sort=creationDate": 2,
    }.items():  # fmt: skip
        assert cast.administrator.get(f"/domains?{query}")["X-Total-Count"] == str(count), query


def test_a_list_of_domains_takes_the_same_queries_at_any_size(
    cast: world.World, django_assert_num_queries: Any
) -> None:
    cast.administrator.get("/domains")
    for count in (2, 12):
        for _ in range(count):
            world.make_place(f"d{Domain.objects.count()}.example")
        with django_assert_num_queries(8):  # token, total, rows, aliases, policies, providers, platforms, settings
            cast.administrator.get("/domains?pageSize=1000")


# --- customers ---


def test_a_customer_is_made_changed_suspended_and_deleted(cast: world.World) -> None:
    broker = create_broker(Actor.system(), name="Resale")
    made = cast.administrator.post("/customers", {"name": "Wayne", "brokerId": broker.pk, "limits": {"domains": 3}})
    assert made.status_code == 201
    found = cast.administrator.get(made["Location"]).json()
    assert (found["brokerId"], found["limits"]["domains"], found["limits"]["users"]) == (broker.pk, 3, None)
    change = {"description": "Bats", "brokerId": None, "limits": {"domains": None}, "enabled": False}
    assert cast.administrator.patch(made["Location"], change).status_code == 204
    found = cast.administrator.get(made["Location"]).json()
    assert (found["description"], found["brokerId"], found["limits"]["domains"], found["enabled"]) == (
        "Bats",
        None,
        None,
        False,
    )
    assert cast.administrator.get("/customers?name=way*&enabled=false")["X-Total-Count"] == "1"
    assert is_problem(cast.administrator.post("/customers", {"name": "Wayne"}), 409)["errors"][0]["field"] == "name"
    is_problem(cast.administrator.delete(f"/customers/{cast.own.customer.pk}"), 409)
    assert cast.administrator.delete(made["Location"]).status_code == 204
    is_problem(cast.administrator.delete(made["Location"]), 404)
    assert Customer.objects.count() == 2


def test_a_customer_s_administrator_sees_it_and_changes_neither_it_nor_its_limits(
    cast: world.World, customer_admin: Caller
) -> None:
    path = f"/customers/{cast.own.customer.pk}"
    assert [each["id"] for each in customer_admin.get("/customers").json()] == [cast.own.customer.pk]
    is_problem(customer_admin.patch(path, {"limits": {"domains": -1}}), 403)
    is_problem(customer_admin.get(f"/customers/{cast.foreign.customer.pk}"), 404)


def test_brokers_and_providers_are_the_server_s(cast: world.World) -> None:
    made = cast.administrator.post("/brokers", {"name": "Resale", "externalId": "R1"})
    assert cast.administrator.get(made["Location"]).json() == made.json()
    assert cast.administrator.patch(made["Location"], {"name": "Resale Ltd", "externalId": None}).status_code == 204
    assert cast.administrator.get("/brokers").json()[0]["externalId"] is None
    limits = {"limits": {"customers": 2, "users": 10}}
    assert cast.administrator.patch(made["Location"], limits).status_code == 204
    found = cast.administrator.get(made["Location"]).json()["limits"]
    assert (found["customers"], found["users"], found["domains"]) == (2, 10, None)
    wrong = cast.administrator.patch(made["Location"], {"name": "Never", "limits": {"bytes": -5}})
    assert is_problem(wrong, 422)["errors"][0]["field"] == "limits.bytes"
    assert cast.administrator.get(made["Location"]).json()["name"] != "Never"
    assert cast.administrator.delete(made["Location"]).status_code == 204 and not Broker.objects.exists()
    provider = cast.administrator.post("/outgoing-providers", {"name": "test1", "spfProvider": "spf.example.net"})
    assert provider.status_code == 201
    path = f"/domains/{cast.own.domain.pk}"
    assert cast.delegate.patch(path, {"outgoingProvidersIds": [provider.json()["id"]]}).status_code == 204
    assert cast.delegate.get(path).json()["outgoingProviders"] == [provider.json()]
    is_problem(cast.administrator.delete(provider["Location"]), 409)
    create_provider(Actor.system(), name="other", spf_provider="spf.example.com")
    assert len(cast.user.get("/outgoing-providers").json()) == 2


def test_that_mx_records_are_ignored_may_be_said_and_not_the_contrary(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}"
    assert cast.delegate.patch(path, {"description": "Ours"}, X_Ignore_MX="true").status_code == 204
    found = is_problem(cast.delegate.patch(path, {"description": "Mine"}, X_Ignore_MX="false"), 422)
    assert found["errors"][0]["field"] == "X-Ignore-MX"
    assert cast.delegate.get(path).json()["description"] == "Ours"
