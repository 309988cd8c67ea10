"""Coming in and leaving, through the pages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.actors import Actor
from accounts.models import AuditEvent, OneTimeLink, Session, User
from tests import factories
from tests.factories import PASSWORD

ClientFor = Callable[[User | None], Client]
SIGN_IN = "/sign-in/"


def enter(client: Client, email: str, password: str = PASSWORD, **more: str) -> int:
    return client.post(SIGN_IN, {"email": email, "password": password, **more}).status_code


def is_in(client: Client) -> bool:
    return client.get(reverse("accounts:account")).status_code == 200


def test_a_person_signs_in_in_any_writing_of_the_address_and_gets_a_new_session(client: Client, user: User) -> None:
    client.get(SIGN_IN)
    session = client.session
    session["seen"] = True
    session.save()
    client.cookies["postkeep"] = before = str(session.session_key)
    response = client.post(SIGN_IN, {"email": " USER@example.ORG ", "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (303, "/")
    assert client.cookies["postkeep"].value != before
    assert is_in(client)
    cookie = client.cookies["postkeep"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert AuditEvent.objects.latest("pk").action == "user.sign_in"


@pytest.mark.parametrize("kind", ["wrong password", "unknown", "shut out", "not invited", "no address"])
def test_every_failure_says_the_same(client: Client, user: User, kind: str) -> None:
    email, password = user.email, PASSWORD
    if kind == "wrong password":
        password = "wrong"
    elif kind == "unknown":
        email = "nobody@example.org"
    elif kind == "shut out":
        services.disable_user(Actor.system(), user)
    elif kind == "not invited":
        email = factories.make_user(password=None).email
    else:
        email = "not an address"
    response = client.post(SIGN_IN, {"email": email, "password": password})
    assert response.status_code == 422
    text = response.content.decode()
    assert "belong together" in text.replace("&#x27;", "'")
    assert not is_in(client)


@pytest.mark.parametrize("kind", ["unknown", "not invited", "shut out", "wrong password"])
def test_every_failure_hashes_once(client: Client, user: User, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal work is what equal timing comes from; a clock on a shared machine would only guess."""
    from tests.hashing import QuickHasher

    email = user.email
    if kind == "unknown":
        email = "nobody@example.org"
    elif kind == "not invited":
        email = factories.make_user(password=None).email
    elif kind == "shut out":
        services.disable_user(Actor.system(), user)
    hashed: list[str] = []
    encode, verify = QuickHasher.encode, QuickHasher.verify

    def counted_encode(self: QuickHasher, password: str, salt: str) -> str:
        hashed.append("encode")
        return str(encode(self, password, salt))

    def counted_verify(self: QuickHasher, password: str, encoded: str) -> bool:
        hashed.append("verify")
        return bool(verify(self, password, encoded))

    monkeypatch.setattr(QuickHasher, "encode", counted_encode)
    monkeypatch.setattr(QuickHasher, "verify", counted_verify)
    enter(client, email, "a wrong password")
    assert len(hashed) == 1


def test_too_many_guesses_are_answered_429_with_the_wait_and_the_way_out(client: Client, user: User) -> None:
    codes = [enter(client, user.email, "wrong") for _ in range(6)]
    assert codes == [422] * 5 + [429]
    response = client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    assert response.status_code == 429
    assert b"Too many attempts" in response.content


def test_the_owner_gets_in_from_a_known_browser_while_strangers_guess(client: Client, user: User) -> None:
    assert enter(client, user.email) == 303
    client.post(reverse("accounts:sign-out"))
    thief = Client()
    while enter(thief, user.email, "wrong") != 429:
        pass
    assert enter(Client(), user.email) == 429  # a new browser in the thief's network
    assert enter(client, user.email) == 303
    assert enter(Client(REMOTE_ADDR="198.51.100.1"), user.email) == 303  # and one elsewhere


def test_next_leads_only_to_our_own_pages(client: Client, user: User) -> None:
    for wanted, reached in (
        ("/tasks/", "/tasks/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ):
        response = Client().post(SIGN_IN, {"email": user.email, "password": PASSWORD, "next": wanted})
        assert response["Location"] == reached


def test_a_page_that_needs_a_person_leads_to_sign_in_and_back(client: Client, user: User) -> None:
    response = client.get("/tasks/")
    assert response.status_code == 302
    assert response["Location"] == f"{SIGN_IN}?next=/tasks/"
    assert b'value="/tasks/"' in client.get(response["Location"]).content


def test_signing_out_is_a_post_and_ends_the_session(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    assert client.get(reverse("accounts:sign-out")).status_code == 405
    assert is_in(client)
    assert client.post(reverse("accounts:sign-out")).status_code == 303
    assert not is_in(client)
    assert not Session.objects.exists()


def test_sign_in_and_sign_out_refuse_forged_posts(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(SIGN_IN, {"email": user.email, "password": PASSWORD}).status_code == 403


def test_somebody_shut_out_is_out_at_once(client_for: ClientFor, user: User, administrator: User) -> None:
    client = client_for(user)
    assert is_in(client)
    services.disable_user(Actor.for_user(administrator), user)
    assert not is_in(client)


def test_a_changed_password_ends_all_other_sessions(client_for: ClientFor, user: User) -> None:
    here, there = client_for(user), client_for(user)
    response = here.post(reverse("accounts:change-password"), {"old": PASSWORD, "password": "another good password"})
    assert response.status_code == 303
    assert is_in(here)
    assert not is_in(there)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("wrong", "another good password", "present password"), (PASSWORD, "short", "too short")],
)
def test_a_bad_change_of_password_is_refused_at_its_field(
    client_for: ClientFor, user: User, old: str, new: str, says: str
) -> None:
    response = client_for(user).post(reverse("accounts:change-password"), {"old": old, "password": new})
    assert response.status_code == 422
    assert says in response.content.decode()


def test_guessing_the_present_password_is_slowed_down(client_for: ClientFor, user: User) -> None:
    client = client_for(user)
    values = {"old": "wrong", "password": "another good password"}
    codes = [client.post(reverse("accounts:change-password"), values).status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


def test_looking_at_a_link_changes_nothing_and_the_button_signs_in(client: Client, administrator: User) -> None:
    person = factories.make_user("new@example.org", password=None)
    path = link_path(services.invite(Actor.for_user(administrator), person))
    for _ in range(3):
        page = client.get(path)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
    assert client.head(path).status_code == 405 or OneTimeLink.objects.filter(used_at=None).exists()
    assert client.post(path, {"password": "short"}).status_code == 422
    assert client.post(path, {"password": PASSWORD}).status_code == 303
    assert is_in(client)
    assert Client().get(path).status_code == 404
    assert enter(Client(), "new@example.org") == 303


def test_an_invented_link_says_so_and_offers_the_sign_in_page(client: Client, db: None) -> None:
    response = client.get("/link/invented/")
    assert response.status_code == 404
    assert b"This link doesn" in response.content


def test_the_first_administrator_makes_themselves_behind_the_link(client: Client, db: None) -> None:
    link = services.first_administrator_link("http://testserver")
    assert link is not None
    path = link_path(link)
    assert b"first administrator" in client.get(path).content
    bad = client.post(path, {"email": "nonsense", "name": "", "password": PASSWORD})
    assert bad.status_code == 422
    weak = client.post(path, {"email": "boss@example.org", "name": "", "password": "short"})
    assert weak.status_code == 422
    good = client.post(path, {"email": "boss@example.org", "name": "The Boss", "password": PASSWORD})
    assert good.status_code == 303
    assert User.objects.get().is_administrator
    assert client.get(reverse("accounts:user-list")).status_code == 200
    assert Client().get(path).status_code == 404


def test_no_answer_carries_a_password_or_token(client: Client, user: User) -> None:
    response = client.post(SIGN_IN, {"email": user.email, "password": "very secret indeed"})
    assert "very secret indeed" not in response.content.decode()
    assert re.search(r'type="password"[^>]*value=', response.content.decode()) is None


def link_path(link: str) -> str:
    return "/" + link.split("/", 3)[3]
