"""Health, figures and the schema's version; whose tokens open anything; and what must survive."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import RSAKey

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import ApiToken, Grant, Session, User
from accounts.selectors.sessions import list_sessions
from accounts.services.sessions import end_session, end_sessions
from accounts.sessionstore import SessionStore
from api.dialects.settings import set_dialect
from api.james.credentials import clean_key
from api.james.dialect import DIALECT
from jobs import services
from jobs.models import Task
from tests.api.callers import caller_for
from tests.api.dialects.calling import call, switch_on
from tests.api.james.conftest import James, refused
from tests.archive.django.conftest import stores
from tests.domains.factories import make_customer, make_delegate, make_domain
from tests.stage import Cast

__all__ = ["stores"]


def test_health_is_told_without_credentials_and_reasons_only_with_them(james: James) -> None:
    found = call("GET", "/james/healthcheck")
    assert found.status_code in (200, 503)
    names = [each["componentName"] for each in found.json()["checks"]]
    assert "Database" in names and {each["cause"] for each in found.json()["checks"]} == {None}
    one = call("GET", "/james/healthcheck/checks/Free%20disk")
    assert one.json()["escapedComponentName"] == "Free%20disk"
    assert call("GET", "/james/healthcheck?check=Database").json()["status"] == "healthy"
    unknown = call("GET", "/james/healthcheck?check=x&check=y")
    refused(unknown, 404, "Components with name x, y cannot be found", "notFound")
    assert any(each["cause"] for each in james("GET", "/healthcheck").json()["checks"])
    assert call("GET", "/james/metrics").status_code == 403
    assert james("GET", "/metrics").content.startswith(b"# ")


def test_what_can_be_asked_is_told_without_credentials(james: James) -> None:
    found = call("GET", "/james/james-swagger")
    assert found.status_code == 200
    assert found.json()["paths"]["/domains/{domain}"]["put"]["parameters"][0]["name"] == "domain"


def test_the_schema_is_of_this_release_and_an_upgrade_only_looks(james: James) -> None:
    version = james("GET", "/cassandra/version").json()["version"]
    assert version == james("GET", "/cassandra/version/latest").json()["version"] > 0
    begun = james("POST", "/cassandra/version/upgrade/latest")
    services.run_waiting(Task.objects.get().pk)
    assert james("GET", begun["Location"]).json()["status"] == "completed"
    assert james("POST", "/cassandra/version/upgrade", "0").status_code == 400
    assert james("POST", "/cassandra/version/upgrade", "99999").status_code == 410
    assert james("POST", "/cassandra/mailbox/merging", {"mergeOrigin": "1"}).status_code == 400


# --- whose call it is -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> tuple[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def signed(key: rsa.RSAPrivateKey, **claims: Any) -> str:
    private = RSAKey.import_key(pem(key)[0])
    said = {"sub": "root@server.example", "admin": True, "exp": int(time.time()) + 60, **claims}
    return jwt.encode({"alg": "RS256"}, {name: value for name, value in said.items() if value is not None}, private)


def test_only_a_server_administrator_in_person_sets_whose_jwts_count(cast: Cast, key: rsa.RSAPrivateKey) -> None:
    given = {"jwtPublicKey": pem(key)[1]}
    Grant.objects.create(user=cast.user, level="server", object_id=0, rights=["manage_server"])
    boss = Actor.for_user(cast.administrator, via="page")
    for actor in (Actor.for_user(cast.user), boss.restricted(None), replace(boss, proved_at=None)):
        with pytest.raises(Forbidden):
            set_dialect(actor, DIALECT, options=given)
    set_dialect(Actor.for_user(cast.user), DIALECT, is_on=True, options={"jwtPublicKey": ""})  # changes nothing of it
    found = set_dialect(replace(boss, proved_at=timezone.now()), DIALECT, options=given)
    assert found.is_on and found.options["jwtPublicKey"]


def test_a_jwt_of_an_administrator_stands_for_them(james: James, key: rsa.RSAPrivateKey) -> None:
    switch_on("james", jwtPublicKey=pem(key)[1])

    def ask(token: str) -> Any:
        return call("GET", "/james/domains", Authorization=f"Bearer {token}")

    assert ask(signed(key)).status_code == 200
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for token, text in (
        (signed(key, admin=False), b"Non authorized user."),
        (signed(key, admin=False, exp=None), b"Non authorized user."),
        (signed(key, admin="true"), b"Non authorized user."),
        (signed(key, sub="nobody@server.example"), b"Non authorized user."),
        (signed(key, exp=1), b"Invalid token."),
        (signed(key, exp=None), b"Invalid token."),  # would live for ever
        (signed(other), b"Invalid token."),
        (signed(key)[:-8] + "AAAAAAAA", b"Invalid token."),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290QHNlcnZlci5leGFtcGxlIiwiYWRtaW4iOnRydWV9.", b"Invalid token."),
        ("a.b.c", b"Invalid token."),
        ("invalid", b"Invalid token."),
    ):
        answer = ask(token)
        assert (answer.status_code, answer.content) == (401, text), token
    assert call("GET", "/james/domains").content == b"No Bearer header."
    User.objects.filter(email="root@server.example").update(is_active=False)
    assert ask(signed(key)).status_code == 401


def test_the_use_of_a_jwt_is_listed_and_ends_for_good(james: James, key: rsa.RSAPrivateKey) -> None:
    switch_on("james", jwtPublicKey=pem(key)[1])
    root = User.objects.get(email="root@server.example")

    def ask(token: str) -> int:
        return int(call("GET", "/james/domains", Authorization=f"Bearer {token}").status_code)

    now = int(time.time())
    long, other = signed(key, exp=now + 3600), signed(key, exp=now + 3600, iat=now - 60)
    assert [ask(signed(key)), ask(long), ask(other), ask(long)] == [200] * 4
    first, second = list_sessions(Actor.for_user(root)).filter(how="jwt").order_by("pk")  # not of a minute
    assert first.expires_at.timestamp() == now + 3600
    end_session(Actor.system(), first)
    assert [ask(long), ask(other)] == [401, 200] and not list_sessions(Actor.for_user(root)).filter(pk=first.pk)
    end_sessions(Actor.system(), root)
    Session.objects.filter(pk=second.pk).delete()  # also one that was never used here, where it says when it was made
    assert [ask(long), ask(other), ask(signed(key, iat=now + 60))] == [401, 401, 200]
    SessionStore.clear_expired()
    assert ask(long) == 401


def test_a_key_that_is_too_short_or_secret_is_not_taken(key: rsa.RSAPrivateKey) -> None:
    private, public = pem(key)
    assert clean_key(f"\n{public}\n") == public.strip() and clean_key(" ") == ""
    short = pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))[1]
    for text in (private, short, "nonsense"):
        with pytest.raises(ValueError):
            clean_key(text)


def test_a_delegate_sees_and_changes_their_part_and_a_reading_token_changes_nothing(james: James) -> None:
    own = make_domain("own.example", make_customer("Own"))
    make_domain("foreign.example", make_customer("Foreign"))
    token = caller_for(make_delegate(own)).token

    def ask(method: str, path: str, body: str = "") -> Any:
        return call(method, f"/james{path}", body, Password=token)

    assert ask("GET", "/domains").json() == ["own.example"]
    assert ask("GET", "/domains/foreign.example").status_code == 404
    assert ask("PUT", "/users/ada@own.example", '{"password":"x"}').status_code == 204
    assert ask("PUT", "/users/ada@foreign.example", '{"password":"x"}').status_code == 400
    assert ask("PUT", "/domains/new.example").status_code == 403
    assert ask("PUT", "/quota/count", "5").status_code == 403
    assert ask("GET", "/mailQueues").status_code == 403
    ApiToken.objects.update(read_only=True)
    assert ask("GET", "/users").json() == [{"username": "ada@own.example"}]
    assert ask("DELETE", "/users/ada@own.example").status_code == 403


# --- what must survive ------------------------------------------------------------------------------------------

NAMES = ("%00", "%2E%2E", "..%2F..", "%FF%FE", "a%0D%0Ab", "%F0%9F%92%A9", "x" * 3000, "%E2%80%AE", "'\"<>", "%")
BODIES = (
    b"\0\xff\xfe", b"[" * 5000, b'{"a":' * 500, b"1" * 5000, b'{"password":"\\ud800"}', b"NaN", b"1e999", b'"\\u0000"',
)  # fmt: skip
PATHS = (
    ("PUT", "/domains/{}"), ("GET", "/domains/{}/aliases"), ("PUT", "/users/{}"), ("HEAD", "/users/{}"),
    ("PUT", "/users/{}@example.org"), ("PUT", "/quota/users/{}/count"), ("GET", "/quota/users?limit={}"),
    ("PUT", "/dlp/rules/{}"), ("PUT", "/mailRepositories/{}?protocol=file"), ("GET", "/tasks/{}"),
    ("GET", "/tasks?status={}"), ("PUT", "/address/groups/{}/{}"), ("POST", "/messages/{}?task=reIndex"),
    ("GET", "/healthcheck/checks/{}"), ("PUT", "/users/ada@example.org/mailboxes/{}"), ("PUT", "/sieve/quota/default"),
    ("POST", "/cassandra/version/upgrade"), ("{}", "/domains"),
)  # fmt: skip


def test_whatever_is_sent_is_answered_and_never_with_a_fault_of_ours(james: James, stores: None) -> None:
    james("PUT", "/domains/example.org")
    james("PUT", "/users/ada@example.org", {"password": "x"})
    asked = [(method, path.replace("{}", name), b"1") for name in NAMES for method, path in PATHS if method != "{}"]
    asked += [
        (method, path.replace("{}", "example.org"), body) for body in BODIES for method, path in PATHS if method != "{}"
    ]
    for method, path, body in asked:
        answer = james(method, path, body)
        assert answer.status_code < 500, (method, path, body[:20], answer.content[:200])
        if answer.status_code >= 400 and method != "HEAD":
            assert answer.json()["statusCode"] == answer.status_code
    for method in ("TRACE", "BREW", "CONNECT"):
        assert james(method, "/domains").status_code in (404, 405)
    assert james("OPTIONS", "/domains/x")["Allow"] == "DELETE, GET, POST, PUT, OPTIONS"
