"""Access tokens by the API: made once, shown once, never wider than what asks; and tokens for name and password."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import factors
from accounts.actors import Actor
from accounts.models import ApiToken, AuditEvent, User
from accounts.services.options import set_option
from domains.services.domain_settings import update_domain
from tests.api import world
from tests.api.callers import Caller, caller_for, is_problem

pytestmark = pytest.mark.django_db

PASSWORD = "tell nobody of this 17"


@pytest.fixture
def cast() -> world.World:
    return world.build()


@pytest.fixture
def person(cast: world.World) -> User:
    found = cast.own.person
    found.set_password(PASSWORD)
    found.save()
    return found


@pytest.fixture
def with_factor(person: User) -> Iterator[User]:
    """Somebody who has a second factor, until it is switched off."""
    held = {person.pk}

    def check(user: User) -> bool:
        return user.pk in held

    factors.register(check, lambda user: held.discard(user.pk))
    yield person
    held.clear()


def ask(person: User, **more: object) -> dict[str, object]:
    return {"username": person.email, "password": PASSWORD, **more}


def test_a_token_is_shown_once_and_works_until_it_is_revoked(cast: world.World) -> None:
    made = cast.user.post("/me/tokens", {"name": "phone", "readOnly": True})
    assert made.status_code == 201, made.content
    program = Caller(made.json()["value"])
    assert program.get("/me").json()["token"]["readOnly"]
    listed = cast.user.get("/me/tokens").json()
    assert [each["value"] for each in listed] == [None, None] and "phone" in {each["name"] for each in listed}
    assert is_problem(cast.user.post("/me/tokens", {"name": "phone"}), 409)["errors"][0]["field"] == "name"
    past = (timezone.now() - timedelta(days=1)).isoformat()
    wrong = cast.user.post("/me/tokens", {"name": "old", "expiration": past})
    assert is_problem(wrong, 422)["errors"][0]["field"] == "expiration"
    assert cast.user.delete(f"/me/tokens/{made.json()['id']}").status_code == 204
    is_problem(program.get("/me"), 401)
    is_problem(cast.user.delete(f"/me/tokens/{made.json()['id']}"), 404)


def test_a_token_makes_none_that_is_wider_or_lives_longer(cast: world.World) -> None:
    end = timezone.now() + timedelta(days=2)
    body = {"name": "narrow", "permissions": ["view_users"], "expiration": end.isoformat()}
    narrow = Caller(cast.delegate.post("/me/tokens", body).json()["value"])
    is_problem(narrow.post("/me/tokens", {"name": "wide"}), 403)
    is_problem(narrow.post("/me/tokens", body | {"name": "wide", "permissions": ["manage_users"]}), 403)
    later = (end + timedelta(days=1)).isoformat()
    is_problem(narrow.post("/me/tokens", body | {"name": "long", "expiration": later}), 403)
    assert narrow.post("/me/tokens", body | {"name": "same"}).status_code == 201


def test_an_administrator_s_tokens_are_listed_and_revoked_by_who_manages_them(cast: world.World) -> None:
    body = {"email": "tyrion@casterly.example", "permissions": ["view_domains", "view_users"]}
    admin = User.objects.get(pk=cast.delegate.post(f"/domains/{cast.own.domain.pk}/admins", body).json()["id"])
    program = caller_for(admin)
    path = f"/admins/{admin.pk}/tokens"
    assert program.get(path).json() == program.get("/me/tokens").json()
    is_problem(cast.delegate.post(path, {"name": "mine"}), 403)
    made = cast.administrator.post(path, {"name": "Provisioning"})
    assert made.status_code == 201 and Caller(made.json()["value"]).get("/me").json()["id"] == admin.pk
    (key,) = [each["id"] for each in cast.delegate.get(path).json() if each["name"] == "Provisioning"]
    assert cast.delegate.delete(f"{path}/{key}").status_code == 204
    assert cast.delegate.delete(path).status_code == 204
    is_problem(cast.delegate.delete(path), 404)
    is_problem(program.get("/me"), 401)
    is_problem(cast.delegate.get(f"/admins/{cast.foreign.person.pk}/tokens"), 404)
    root = User.objects.get(is_administrator=True)
    is_problem(cast.delegate.get(f"/admins/{root.pk}/tokens"), 404)


def test_name_and_password_give_a_token_of_some_hours(person: User) -> None:
    made = Caller().post("/token", ask(person, validity=2))
    assert made.status_code == 201, made.content
    assert Caller(made.json()["token"]).get("/me").json()["id"] == person.pk
    token = ApiToken.objects.filter(user=person).exclude(expires_at=None).get()
    assert token.expires_at is not None and token.expires_at < timezone.now() + timedelta(hours=2, minutes=1)
    assert AuditEvent.objects.filter(action="user.sign_in", via="api", about_user_id=person.pk).exists()
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    is_problem(Caller(made.json()["token"]).get("/me"), 401)
    Caller().post("/token", ask(person))
    assert ApiToken.objects.filter(user=person, name__startswith="signed in").count() == 1
    assert is_problem(Caller().post("/token", ask(person, validity=5)), 422)["errors"][0]["field"] == "validity"


def test_a_wrong_password_is_refused_like_an_unknown_name_noted_and_slowed_down(person: User) -> None:
    nobody = Caller()
    unknown = is_problem(nobody.post("/token", {"username": "x@nowhere.example", "password": "x"}), 401)
    guess = ask(person) | {"password": "guess"}
    wrong = [nobody.post("/token", guess), *(nobody.post("/token", guess, If_Match="*") for _ in range(4))]
    assert is_problem(wrong[0], 401)["detail"] == unknown["detail"]
    late = nobody.post("/token", ask(person))
    assert is_problem(late, 429) and int(late["Retry-After"]) >= 1
    assert AuditEvent.objects.filter(action="user.sign_in_failed", via="api").count() == 6


def test_no_token_for_a_password_where_more_is_needed_or_the_door_is_shut(with_factor: User, cast: world.World) -> None:
    is_problem(Caller().post("/token", ask(with_factor)), 401)
    assert cast.delegate.patch(f"/users/{with_factor.pk}", {"mfaType": "NONE"}).status_code == 204
    assert Caller().post("/token", ask(with_factor)).status_code == 201
    User.objects.filter(pk=with_factor.pk).update(login_privileges=["web"])
    is_problem(Caller().post("/token", ask(with_factor)), 401)
    User.objects.filter(pk=with_factor.pk).update(login_privileges=None)
    update_domain(Actor.system(), cast.own.domain, {"end_user_rights": ["sign_in"]})
    is_problem(Caller().post("/token", ask(with_factor)), 403)


def test_second_factors_are_told_and_switched_off_by_somebody_else(with_factor: User, cast: world.World) -> None:
    path = f"/users/{with_factor.pk}"
    assert cast.delegate.get(path).json()["mfaType"] == "TOTP"
    is_problem(cast.user.patch(path, {"mfaType": "NONE"}), 403)
    given = {"id": with_factor.pk, "permissions": ["view_domains"]}
    assert cast.administrator.post(f"/domains/{cast.own.domain.pk}/admins", given).json()["totp"]
    assert cast.administrator.patch(f"/security/admins/{with_factor.pk}", {"totp": False}).status_code == 204
    assert cast.delegate.get(path).json()["mfaType"] == "NONE"
    assert AuditEvent.objects.filter(action="user.remove_second_factors").count() == 1


def test_without_a_password_a_link_signs_its_person_in_once(cast: world.World, person: User) -> None:
    made = cast.delegate.post("/token", {"username": person.email, "validity": 1})
    assert made.status_code == 201, made.content
    assert made.json()["url"].endswith(f"/{made.json()['token']}/") and not made.json()["mailed"]
    assert cast.user.post("/token", {"username": person.email}).status_code == 201
    is_problem(cast.user.post("/token", {"username": "root@server.example"}), 404)
    is_problem(cast.delegate.post("/token", {"username": cast.foreign.person.email}), 404)
    is_problem(cast.administrator.post("/token", {"username": "root@server.example"}), 403)
    is_problem(Caller().post("/token", {"username": person.email}), 401)


def test_a_person_has_a_hundred_tokens_at_most(cast: world.World) -> None:
    person = cast.own.person
    ApiToken.objects.bulk_create(ApiToken(user=person, name=f"t{n}", token_hash=f"{n}") for n in range(100))
    assert is_problem(cast.user.post("/me/tokens", {"name": "more"}), 422)["errors"][0]["field"] == "name"


def test_the_domain_bounds_how_long_a_token_lives(cast: world.World) -> None:
    set_option(Actor.system(), cast.own.domain, "TOKEN_DAYS", "3")
    made = cast.user.post("/me/tokens", {"name": "short"}).json()
    assert made["expiration"] < (timezone.now() + timedelta(days=4)).isoformat()
