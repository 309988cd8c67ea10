"""Signing in with an identity provider: a real one, and tokens made by whoever attacks."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from accounts.actors import Actor
from accounts.models import AuditEvent, FailedSignIn, Grant, Identity, Source, User
from accounts.services.grants import Bundle
from accounts.services.group_roles import add_group_role
from accounts.services.source_sign_in import by_provider, provider_of
from accounts.services.sources import choose_source, update_source
from accounts.sources import oidc
from accounts.sources.errors import BadSource, Denied, SourceMisconfigured
from accounts.sources.kinds import Kind, clean
from accounts.sources.oidc import Claims, Provider
from tests import factories
from tests.domains.factories import make_domain, make_mailbox_in
from tests.factories import PASSWORD
from tests.sources import IdentityProvider, MakeSource

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()


@pytest.fixture
def source(provider: IdentityProvider, make_source: MakeSource) -> Source:
    return make_source("oidc", provider.settings(), secret="shared", shows_button=True)


def begin(client: Client, source: Source, **more: str) -> str:
    """Where the browser is sent."""
    answer = client.get(f"/sign-in/with/{source.pk}/", more)
    assert answer.status_code == 302
    return str(answer["Location"])


def come_back(client: Client, url: str) -> Any:
    parts = urlsplit(url)
    return client.get(parts.path, {key: values[0] for key, values in parse_qs(parts.query).items()})


def vouch(provider: IdentityProvider, subject: str, email: str, verified: bool = True, **more: object) -> None:
    provider.set_person(subject, email=email, email_verified=verified, name="Ada Lovelace", **more)


def test_a_person_goes_there_and_comes_back_signed_in(
    client: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    assert f"/sign-in/with/{source.pk}/" in client.get("/sign-in/").content.decode()
    vouch(provider, "subject-1", "Ada@example.org")
    url = begin(client, source, next="/account/")
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["scope"] == ["openid email profile"]
    assert len(asked["state"][0]) > 40 and len(asked["nonce"][0]) > 40
    back = provider.sign_in(url, "subject-1")
    answer = come_back(client, back)
    assert (answer.status_code, answer["Location"]) == (303, "/account/")
    assert client.get("/account/").status_code == 200
    assert Identity.objects.get().subject == f"{provider.issuer} subject-1"
    assert AuditEvent.objects.filter(action="user.sign_in", about_user_id=ada.pk).exists()
    assert come_back(Client(), back).status_code == 403  # another browser, the same answer
    client.post("/sign-out/")
    assert come_back(client, back).status_code == 403  # replayed


def test_the_address_comes_first_where_a_domain_has_a_provider(
    client: Client, ada: User, provider: IdentityProvider, make_source: MakeSource
) -> None:
    source = make_source("oidc", provider.settings(), ada.mailbox.domain)
    assert "/sign-in/organisation/" in client.get("/sign-in/").content.decode()
    said = [
        client.post("/sign-in/organisation/", {"email": email, "next": "https://evil.example/"})
        for email in (ada.email, "nobody@example.org")
    ]
    for answer in said:
        assert answer.status_code == 200 and f"/sign-in/with/{source.pk}/?hint=" in answer.content.decode()
        assert "evil" not in answer.content.decode()
    assert client.post("/sign-in/organisation/", {"email": "x@example.net"}).status_code == 422
    assert "login_hint=ada%40example.org" in begin(client, source, hint=ada.email)


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_to_another_server(
    client: Client, ada: User, source: Source, provider: IdentityProvider, wanted: str
) -> None:
    vouch(provider, "s", ada.email)
    answer = come_back(client, provider.sign_in(begin(client, source, next=wanted), "s"))
    assert (answer.status_code, answer["Location"]) == (303, "/")


def test_whom_a_provider_does_not_vouch_for_stays_outside(
    client: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    make_mailbox_in(make_domain("example.net"), "eve")
    choose_source(SYSTEM, User.objects.get(email="eve@example.net").mailbox.domain, None)  # passwords kept here
    cases = [
        ("unverified", ada.email, False),
        ("nobody", "nobody@example.org", True),
        ("elsewhere", "eve@example.net", True),
        ("empty", "", True),
        ("strange", "ada@example.org\n@evil.example", True),
    ]
    for subject, email, verified in cases:
        vouch(provider, subject, email, verified)
        answer = come_back(client, provider.sign_in(begin(client, source), subject))
        assert answer.status_code == 403, subject
        assert client.get("/account/").status_code == 302
    assert not Identity.objects.exists()
    assert sum(FailedSignIn.objects.values_list("times", flat=True)) == len(cases)
    assert FailedSignIn.objects.get(user=ada).tried == ada.email
    update_source(SYSTEM, source, {"settings": {"trusts_addresses": True}, "creates_people": True})
    for subject in ("unverified", "nobody"):
        browser = Client()
        assert come_back(browser, provider.sign_in(begin(browser, source), subject)).status_code == 303
    assert User.objects.get(email="nobody@example.org").mailbox.domain.name == "example.org"


def test_somebody_else_who_gets_the_address_later_is_not_the_person(
    client: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    vouch(provider, "first", ada.email)
    assert come_back(client, provider.sign_in(begin(client, source), "first")).status_code == 303
    vouch(provider, "second", ada.email)
    browser = Client()
    assert come_back(browser, provider.sign_in(begin(browser, source), "second")).status_code == 403
    vouch(provider, "first", "renamed@example.org")  # the same person under another name there
    assert come_back(browser, provider.sign_in(begin(browser, source), "first")).status_code == 303


def test_passwords_and_shut_accounts_do_not_come_in_that_way(
    client: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    boss = factories.make_administrator("boss@example.org")
    assert client.post("/sign-in/", {"email": boss.email, "password": PASSWORD}).status_code == 303
    User.objects.filter(pk=ada.pk).update(password=boss.password)
    assert Client().post("/sign-in/", {"email": ada.email, "password": PASSWORD}).status_code == 422
    User.objects.filter(pk=ada.pk).update(is_active=False)
    vouch(provider, "s", ada.email)
    browser = Client()
    assert come_back(browser, provider.sign_in(begin(browser, source), "s")).status_code == 403


def test_answers_of_another_provider_or_question_count_for_nothing(
    client: Client, ada: User, source: Source, provider: IdentityProvider, make_source: MakeSource
) -> None:
    other = make_source("oidc", provider.settings(client_id="other"), name="Other", chosen=False)
    vouch(provider, "s", ada.email)
    back = provider.sign_in(begin(client, source), "s")
    mixed = back.replace(f"/with/{source.pk}/", f"/with/{other.pk}/")
    assert come_back(client, mixed).status_code == 403  # RFC 9700 §4.4
    assert come_back(client, back + "&iss=https%3A%2F%2Fevil.example").status_code == 403  # RFC 9207
    back = provider.sign_in(begin(client, source), "s")
    assert come_back(client, back.replace("state=", "state=x")).status_code == 403
    back = provider.sign_in(begin(client, source), "s")
    code = parse_qs(urlsplit(back).query)["code"][0]
    injected = provider.sign_in(begin(Client(), source), "s")
    state = parse_qs(urlsplit(injected).query)["state"][0]
    stolen = f"/sign-in/with/{source.pk}/back/?{urlencode({'code': code, 'state': state})}"
    assert come_back(client, stolen).status_code == 403


# --- tokens ----------------------------------------------------------------------------------------------------------

KEY, OTHER_KEY = RSAKey.generate_key(2048, {"kid": "k1"}), RSAKey.generate_key(2048, {"kid": "k2"})
ISSUER = "https://provider.example/t"


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A provider that publishes one key; the addresses that were asked of it."""
    oidc.forget_all()
    asked: list[str] = []
    document = {
        "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/a", "token_endpoint": f"{ISSUER}/t",
        "jwks_uri": f"{ISSUER}/k",
    }  # fmt: skip

    def ask(url: str, **how: object) -> tuple[int, dict[str, Any]]:
        asked.append(url)
        return 200, {"keys": [KEY.as_dict(private=False)]} if url.endswith("/k") else document

    monkeypatch.setattr("accounts.sources.web.ask", ask)
    return asked


def a_provider(**more: object) -> Provider:
    return Provider(clean(Kind.OIDC, {"issuer": ISSUER, "client_id": "postkeep", **more}), "secret")


def token(key: Any = KEY, alg: str = "RS256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": "postkeep", "sub": "s", "nonce": "n", "iat": now, "exp": now + 300, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    algorithms = ["RS256", "HS256", "ES256", "PS256"]
    return jwt.encode({"alg": alg, "kid": "k1", **(header or {})}, said, key, algorithms=algorithms)


def _hmac(key: bytes, header: dict[str, str], payload: str) -> str:
    """A token signed with what everybody can read, as if that were a secret."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signature = hmac.digest(key, f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_as_it_should_be_is_believed_with_a_minute_of_skew(published: list[str]) -> None:
    now = int(time.time())
    provider = a_provider()
    for good in (
        {}, {"exp": now - 30}, {"iat": now + 30}, {"aud": ["postkeep"]},
        {"aud": ["postkeep", "x"], "azp": "postkeep"},
    ):  # fmt: skip
        assert provider.verify(token(**good), nonce="n")["sub"] == "s"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["postkeep", "x"]}, {"azp": "other"}, {"aud": None},
        {"exp": 1}, {"exp": None}, {"iat": 1}, {"iat": None}, {"iat": 9_999_999_999, "exp": 9_999_999_999},
        {"nbf": 9_999_999_999}, {"nonce": "other"}, {"nonce": None}, {"sub": None}, {"sub": ""}, {"sub": "x" * 256},
        {"exp": "soon"}, {"exp": True},
    ],
)  # fmt: skip
def test_a_token_that_says_something_else_is_not_believed(published: list[str], wrong: dict[str, Any]) -> None:
    with pytest.raises(Denied):
        a_provider().verify(token(**wrong), nonce="n")


def test_signatures_that_were_not_configured_count_for_nothing(published: list[str]) -> None:
    provider = a_provider()
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    unsigned = f"{head}.{token().split('.')[1]}."
    confused = _hmac(KEY.as_pem(private=False), {"alg": "HS256", "kid": "k1"}, token().split(".")[1])
    curve = ECKey.generate_key("P-256")
    attacks = [
        unsigned, unsigned + "x", confused, token(curve, "ES256"), token(KEY, "PS256"), token(OTHER_KEY),
        token(OTHER_KEY, header={"jwk": OTHER_KEY.as_dict(private=False)}), "a.b.c", "", "x" * 100_000,
        token()[:-4] + "AAAA",
    ]  # fmt: skip
    for attack in attacks:
        with pytest.raises(Denied):
            provider.verify(attack, nonce="n")
    with pytest.raises(BadSource):
        a_provider(algorithms="HS256")
    with pytest.raises(BadSource):
        a_provider(algorithms="none")


def test_keys_are_read_again_for_one_that_is_not_known_once_a_minute_at_most(published: list[str]) -> None:
    provider = a_provider()
    provider.verify(token(), nonce="n")
    for _attempt in range(3):
        with pytest.raises(Denied):
            provider.verify(token(OTHER_KEY, header={"kid": "k2"}), nonce="n")
    assert published.count(f"{ISSUER}/k") == 1  # read less than a minute ago
    known = next(iter(oidc._published.values()))
    known.keys_at -= 61
    for _attempt in range(3):
        with pytest.raises(Denied):
            provider.verify(token(OTHER_KEY, header={"kid": "k2"}), nonce="n")
    assert published.count(f"{ISSUER}/k") == 2


@pytest.mark.parametrize(
    "issuer",
    [
        "http://provider.example", "https://u:p@provider.example", "ftp://provider.example", "https://",
        "https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/TENANT/v2.0", "https://x/?y",
        "https://x:99999/",
    ],
)  # fmt: skip
def test_issuers_that_would_let_others_in_are_refused(issuer: str) -> None:
    with pytest.raises(BadSource):
        a_provider(issuer=issuer)


def test_a_provider_that_calls_itself_otherwise_is_no_provider(published: list[str]) -> None:
    with pytest.raises(SourceMisconfigured):
        a_provider(issuer="https://provider.example/other").metadata()


def test_groups_and_second_factors_are_read_from_the_claims(ada: User, source: Source, administrator: User) -> None:
    domain = ada.mailbox.domain
    add_group_role(Actor.for_user(administrator), source, group="g-1", bundle=Bundle("help_desk"), obj=domain)
    update_source(Actor.for_user(administrator), source, {"asks_second_factor": True})
    claims = provider_of(source)._read(
        {"iss": "i", "sub": "s", "email": ada.email, "email_verified": True, "groups": ["g-1"], "amr": ["pwd", "mfa"]},
        None,
    )
    assert claims.said == "pwd mfa" and claims.groups == ("g-1",)
    proved = by_provider(source, claims)
    assert proved.has_second_factor and Grant.objects.get(user=ada).role_key == "help_desk"
    without = Claims(claims.issuer, claims.subject, ada.email, True, "", None)
    assert not by_provider(source, without).has_second_factor and Grant.objects.filter(user=ada).exists()
    assert by_provider(source, Claims(claims.issuer, claims.subject, ada.email, True, "", ()))
    assert not Grant.objects.filter(user=ada).exists()


ME = {"iss": ISSUER, "sub": "s", "email": "ada@example.org", "email_verified": True}
TOO_MANY = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example"}}}


@pytest.mark.parametrize(
    ("said", "of_person", "groups"),
    [
        ({}, None, ()),  # an empty list is left out by most providers: whoever is in none has none
        ({"groups": None}, None, ()),
        ({"groups": "g-1"}, None, ("g-1",)),  # ADFS gives a text where there is one
        (TOO_MANY, None, None),  # Entra beyond 200 groups
        ({"hasgroups": True}, None, None),
        ({}, (200, {"sub": "s", "groups": ["g-2"]}), ("g-2",)),
        ({}, (200, {"sub": "s"}), ()),
        ({}, (200, {"sub": "s", **TOO_MANY}), None),
        ({}, (403, {}), ()),
        ({}, (503, {}), None),  # a provider in trouble takes nobody's roles
        ({"groups": ["g-1"]}, (200, {"sub": "s", "groups": ["g-2"]}), ("g-1",)),
    ],
)
def test_groups_are_unknown_only_where_a_provider_says_so(
    published: list[str], monkeypatch: pytest.MonkeyPatch, said: dict[str, Any],
    of_person: tuple[int, dict[str, Any]] | None, groups: tuple[str, ...] | None,
) -> None:  # fmt: skip
    published_too = {"issuer": ISSUER} if of_person is None else {"issuer": ISSUER, "userinfo_endpoint": f"{ISSUER}/u"}
    monkeypatch.setattr(Provider, "metadata", lambda _self: published_too)
    monkeypatch.setattr(Provider, "_ask", lambda _self, _url, **_how: of_person)
    assert a_provider()._read({**ME, **said}, "token").groups == groups
    assert a_provider(groups_claim="")._read({**ME, **said}, "token").groups is None


def test_groups_of_somebody_else_count_for_nobody(published: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Provider, "metadata", lambda _self: {"issuer": ISSUER, "userinfo_endpoint": f"{ISSUER}/u"})
    monkeypatch.setattr(Provider, "_ask", lambda _self, _url, **_how: (200, {"sub": "other", "groups": ["g-2"]}))
    with pytest.raises(Denied):
        a_provider()._read(ME, "token")
