"""Administrators, permissions, roles and signatures by the API: nobody gives beyond what they hold."""

from __future__ import annotations

import base64

import pytest

from accounts.models import Grant, User
from accounts.permissions import Right
from tests import factories
from tests.api import world
from tests.api.callers import Caller, caller_for, is_problem
from tests.domains.factories import make_delegate

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_an_administrator_is_made_and_their_id_is_the_person_s(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/admins"
    body = {"email": "tyrion@casterly.example", "displayName": "Tyrion", "permissions": ["view_domains", "view_users"]}
    made = cast.delegate.post(path, body | {"language": "DE", "password": "I-drink-and-know"})
    assert made.status_code == 201, made.content
    person = User.objects.get(email="tyrion@casterly.example")
    assert (made.json()["id"], made["Location"]) == (person.pk, f"/api/v1{path}/{person.pk}")
    assert (made.json()["login"], made.json()["displayName"], made.json()["language"]) == (person.email, "Tyrion", "DE")
    (authority,) = made.json()["authorities"]
    assert (authority["objectType"], authority["objectId"], authority["permissions"]) == (
        "DOMAIN", cast.own.domain.pk, ["view_domains", "view_users"],
    )  # fmt: skip
    assert cast.delegate.get(made["Location"]).json() == made.json()
    assert b"I-drink" not in made.content and person.check_password("I-drink-and-know")
    assert caller_for(person).get(f"/domains/{cast.own.domain.pk}").status_code == 200
    is_problem(caller_for(person).get(f"/domains/{cast.foreign.domain.pk}"), 404)


def test_authorities_are_replaced_and_revoked(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/admins"
    made = cast.delegate.post(path, {"email": "t@casterly.example", "permissions": ["view_domains"]}).json()
    one = f"{path}/{made['id']}"
    changed = cast.delegate.put(f"{one}/authorities", ["view_domains", "edit_domains"])
    assert changed.json()["authorities"][0]["permissions"] == ["edit_domains", "view_domains"]
    assert [each["id"] for each in cast.delegate.get(f"{path}?search=caster").json()] == [made["id"]]
    assert cast.delegate.get("/security/admins")["X-Total-Count"] == "2"
    assert cast.delegate.delete(one).status_code == 204
    is_problem(cast.delegate.delete(one), 404)
    assert not User.objects.filter(pk=made["id"]).exists()


def test_a_role_is_given_by_its_name_of_the_list(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/admins"
    roles = {each["value"] for each in cast.delegate.get("/roles/built-in").json()}
    assert "built-in:help_desk" in roles
    made = cast.delegate.post(path, {"email": "h@desk.example", "role": "built-in:help_desk", "permissions": []})
    assert made.status_code == 201
    assert made.json()["authorities"][0]["role"] == "Help desk"
    assert "set_passwords" in made.json()["authorities"][0]["permissions"]
    wrong = {"email": "x@desk.example", "role": "built-in:system_administrator", "permissions": []}
    assert is_problem(cast.delegate.post(path, wrong), 422)["errors"][0]["field"] == "role"


@pytest.mark.parametrize("right", [Right.DELETE_DOMAINS, Right.MANAGE_SERVER, Right.READ_OTHERS_MAIL])
def test_nobody_gives_what_they_don_t_hold(cast: world.World, right: Right) -> None:
    path = f"/domains/{cast.own.domain.pk}/admins"
    before = Grant.objects.count()
    response = cast.delegate.post(path, {"email": "x@desk.example", "permissions": [right]})
    assert response.status_code in (403, 422)
    assert Grant.objects.count() == before


def test_nobody_gives_to_themselves_nor_takes_over_who_holds_more(cast: world.World) -> None:
    own = cast.delegate.get("/me").json()["id"]
    path = f"/domains/{cast.own.domain.pk}/admins/{own}/authorities"
    is_problem(cast.delegate.put(path, ["view_domains"]), 403)
    above = make_delegate(cast.own.customer)
    is_problem(cast.delegate.patch(f"/security/admins/{above.pk}", {"password": "taken-over-1234"}), 404)
    root = User.objects.get(is_administrator=True)
    is_problem(cast.delegate.patch(f"/security/admins/{root.pk}", {"password": "taken-over-1234"}), 404)
    is_problem(cast.delegate.delete(f"/security/admins/{root.pk}"), 404)
    is_problem(cast.administrator.delete(f"/security/admins/{root.pk}"), 403)


def test_an_account_is_changed_as_far_as_one_may(cast: world.World) -> None:
    made = cast.delegate.post(
        f"/domains/{cast.own.domain.pk}/admins", {"email": "t@casterly.example", "permissions": ["view_domains"]}
    ).json()
    path = f"/security/admins/{made['id']}"
    assert (
        cast.delegate.patch(path, {"displayName": "T", "enabled": False, "language": "fr", "totp": False}).status_code
        == 204
    )
    found = cast.delegate.get(path).json()
    assert (found["displayName"], found["enabled"], found["language"]) == ("T", False, "FR")
    assert is_problem(cast.delegate.patch(path, {"totp": True}), 422)["errors"][0]["field"] == "totp"
    assert is_problem(cast.delegate.patch(path, {"password": "x"}), 422)["errors"][0]["field"] == "password"
    assert is_problem(cast.delegate.patch(path, {"email": "no"}), 422)["errors"][0]["field"] == "email"
    assert cast.delegate.delete(path).status_code == 204
    is_problem(cast.delegate.get(path), 404)


def test_permissions_are_those_the_caller_could_grant_there(cast: world.World) -> None:
    found = cast.delegate.get(f"/security/permissions?scope=domain&id={cast.own.domain.pk}").json()
    names = {each["name"] for each in found}
    assert "edit_domains" in names and "delete_domains" not in names and all(each["editable"] for each in found)
    is_problem(cast.delegate.get(f"/security/permissions?scope=domain&id={cast.foreign.domain.pk}"), 404)
    is_problem(cast.delegate.get("/security/permissions?scope=server"), 403)
    assert len(cast.administrator.get("/security/permissions?scope=server").json()) > len(found)
    assert cast.delegate.get(f"/security/permissions?scope=user&id={cast.own.person.pk}").status_code == 200
    for query in ("", "?scope=domain", "?scope=planet&id=1", "?scope=domain&id=x"):
        is_problem(cast.administrator.get(f"/security/permissions{query}"), 422)


def test_a_role_is_made_changed_and_stays_while_it_is_held(cast: world.World) -> None:
    body = {"name": "Keeper", "scope": "domain", "objectId": cast.own.domain.pk, "permissions": ["view_users"]}
    made = cast.delegate.post("/roles", body)
    assert made.status_code == 201, made.content
    assert (
        cast.delegate.patch(
            made["Location"], {"description": "Looks", "permissions": ["view_users", "view_domains"]}
        ).status_code
        == 204
    )
    found = cast.delegate.get(made["Location"]).json()
    assert (found["description"], found["permissions"]) == ("Looks", ["view_domains", "view_users"])
    assert is_problem(cast.delegate.post("/roles", body), 409)["errors"][0]["field"] == "name"
    foreign = body | {"objectId": cast.foreign.domain.pk}
    assert is_problem(cast.delegate.post("/roles", foreign), 422)["errors"][0]["field"] == "objectId"
    is_problem(
        cast.delegate.post(
            "/roles", body | {"name": "More", "permissions": ["manage_dkim", "act_as", "delete_domains"]}
        ),
        403,
    )
    given = {"email": "k@keepers.example", "role": found["value"], "permissions": []}
    assert cast.delegate.post(f"/domains/{cast.own.domain.pk}/admins", given).status_code == 201
    is_problem(cast.delegate.delete(made["Location"]), 409)
    assert cast.delegate.get("/roles?scope=domain")["X-Total-Count"] == "1"


def test_customers_have_administrators_likewise(cast: world.World) -> None:
    chief: Caller = caller_for(make_delegate(cast.own.customer))
    path = f"/customers/{cast.own.customer.pk}/admins"
    made = chief.post(path, {"email": "c@desk.example", "permissions": ["view_customers", "create_domains"]})
    assert made.json()["authorities"][0]["objectType"] == "CUSTOMER"
    is_problem(cast.delegate.post(path, b"{"), 404)
    is_problem(caller_for(factories.make_user()).get(path), 404)


def test_a_signature_is_html_in_base64_without_code(cast: world.World) -> None:
    path = f"/users/{cast.own.person.pk}/sign"
    is_problem(cast.user.get(path), 404)
    html = "Robert Stark<br/>King of the north<script>alert(1)</script>"
    kept = cast.user.put(path, {"sign": base64.b64encode(html.encode()).decode()})
    assert kept.status_code == 200
    assert base64.b64decode(cast.user.get(path).json()["sign"]) == b"Robert Stark<br>King of the north"
    for wrong in ("no base64!", base64.b64encode(b"\xff").decode()):
        assert is_problem(cast.delegate.put(path, {"sign": wrong}), 422)["errors"][0]["field"] == "sign"
    assert cast.delegate.delete(path).status_code == 204
    is_problem(cast.delegate.delete(path), 404)
