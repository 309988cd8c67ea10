"""Platforms and DKIM keys by the API: secrets stay inside, faults name the manual's fields."""

from __future__ import annotations

import json

import pytest

from domains.models import DkimKey, Relay
from tests.api import world
from tests.api.callers import is_problem

pytestmark = pytest.mark.django_db

FULL = {
    "name": "Main server",
    "transportDest": "smtp.example.org",
    "transportType": "SMTPS_ENCRYPT",
    "transportPort": 465,
    "fallbackTransportDest": "192.0.2.7",
    "fallbackTransportType": "SMTP",
    "fallbackTransportPort": 25,
    "username": "relay",
    "password": "s3cret-smtp",
    "authType": "ldap",
    "authData": {"host": "ldap.example.org", "bind_user": "cn=reader", "bind_password": "s3cret-ldap", "use_ssl": True},
    "apiType": "O365",
    "apiData": {"clientId": "abc", "tenantId": "def", "clientSecret": "s3cret-graph"},
    "default": True,
}


@pytest.fixture
def cast() -> world.World:
    return world.build()


def test_a_platform_is_written_and_read_without_its_secrets(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/platforms"
    response = cast.delegate.post(path, FULL)
    assert response.status_code == 201, response.content
    found = cast.delegate.get(response["Location"])
    assert found.json() == response.json() == cast.delegate.get(path).json()[0]
    assert b"s3cret" not in found.content
    kept = {"transportDest", "fallbackTransportPort", "authType", "apiType", "username", "default"}
    assert {name: found.json()[name] for name in kept} == {name: FULL[name] for name in kept}
    assert found.json()["authData"] == {"host": "ldap.example.org", "bind_user": "cn=reader", "use_ssl": True}
    assert found.json()["hasPassword"] is True
    relay = Relay.objects.get()
    assert relay.password.reveal() == "s3cret-smtp"
    assert json.loads(relay.api_secret.reveal()) == {"clientSecret": "s3cret-graph"}


def test_only_name_server_protocol_and_port_are_needed(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/platforms"
    least = {name: FULL[name] for name in ("name", "transportDest", "transportType", "transportPort")}
    assert cast.delegate.post(path, least).status_code == 201
    for name in least:
        found = is_problem(cast.delegate.post(path, {key: each for key, each in least.items() if key != name}), 422)
        assert [each["field"] for each in found["errors"]] == [name]
    assert cast.delegate.post(path, least | {"authData": "", "authType": "local"}).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"transportDest": "not a host", "password": ""}, "transportDest"),
        ({"fallbackTransportDest": "a b", "password": ""}, "fallbackTransportDest"),
        ({"transportPort": 0}, "transportPort"),
        ({"transportPort": "25"}, "transportPort"),
        ({"transportType": "smtp"}, "transportType"),
        ({"name": None}, "name"),
        ({"authData": {"bindUser": "x"}}, "authData.bindUser"),
        ({"authData": {"host": "a b", "bind_password": ""}}, "authData.host"),
        ({"apiData": {"host": 5}}, "apiData.host"),
        ({"default": False}, "default"),
        ({"transportDest": "elsewhere.example"}, "password"),
    ],
)
def test_faults_name_the_field_of_the_manual(cast: world.World, change: dict[str, object], field: str) -> None:
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/platforms", FULL).json()
    found = is_problem(cast.delegate.patch(f"/platforms/{made['id']}", change), 422)
    assert [each["field"] for each in found["errors"]] == [field]


def test_patch_changes_only_what_is_sent(cast: world.World) -> None:
    made = cast.delegate.post(f"/domains/{cast.own.domain.pk}/platforms", FULL).json()
    path = f"/platforms/{made['id']}"
    assert cast.delegate.patch(path, {"name": "Renamed", "apiType": None}).status_code == 204
    expected = made | {"name": "Renamed", "apiType": None}
    assert cast.delegate.get(path).json() == expected
    assert Relay.objects.get().password.reveal() == "s3cret-smtp"


def test_the_default_of_several_platforms_can_t_be_removed(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/platforms"
    first = cast.delegate.post(path, FULL).json()
    second = cast.delegate.post(path, FULL | {"default": False}).json()
    is_problem(cast.delegate.delete(f"/platforms/{first['id']}"), 409)
    assert cast.delegate.delete(f"/platforms/{second['id']}").status_code == 204
    assert cast.delegate.delete(f"/platforms/{first['id']}").status_code == 204
    is_problem(cast.delegate.get(f"/platforms/{first['id']}"), 404)


def test_a_dkim_key_is_made_published_and_rotated(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/dkim"
    is_problem(cast.delegate.get(path), 404)
    made = cast.delegate.post(path)
    assert made.status_code == 201
    assert [line.split(" TXT ")[0] for line in made.json()] == [
        f"{DkimKey.objects.get().selector}._domainkey.own.example"
    ]
    assert cast.delegate.get(path).json() == made.json()
    rotated = cast.delegate.post(f"{path}/rotation").json()
    assert (rotated["state"], rotated["algorithm"]) == ("pending", "rsa2048")
    assert cast.delegate.post(f"{path}/keys/{rotated['id']}/activation").json()["state"] == "active"
    keys = cast.delegate.get(f"{path}/keys")
    assert sorted(key["state"] for key in keys.json()) == ["active", "retired"]
    assert b"PRIVATE" not in keys.content
    is_problem(cast.delegate.delete(f"{path}/keys/{rotated['id']}"), 409)
    replaced = cast.delegate.put(path, {"kind": "ed25519", "selector": "own"})
    assert (replaced.status_code, len(replaced.json())) == (200, 1)
    assert cast.delegate.delete(path).status_code == 204
    is_problem(cast.delegate.delete(path), 404)


def test_a_bad_key_is_refused_by_its_field(cast: world.World) -> None:
    path = f"/domains/{cast.own.domain.pk}/dkim"
    assert is_problem(cast.delegate.post(path, {"privateKey": "x"}), 422)["errors"][0]["field"] == "privateKey"
    assert is_problem(cast.delegate.post(path, {"selector": "a..b"}), 422)["errors"][0]["field"] == "selector"
    assert cast.delegate.post(path, {"selector": "once"}).status_code == 201
    assert is_problem(cast.delegate.post(path, {"selector": "once"}), 409)["errors"][0]["field"] == "selector"
