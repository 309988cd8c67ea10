"""Passkeys with a key in software: as second factor and alone, and every lie it can tell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import BadGrant, FactorDemanded, NameTaken, WrongCode
from accounts.models import AuditEvent, FailedSignIn, Passkey, User
from accounts.scopes import SERVER
from accounts.services import passkeys
from accounts.services.options import set_option
from tests.factories import PASSWORD
from tests.soft_key import SoftKey

SIGN_IN, SECOND = "/sign-in/", "/sign-in/second-step/"


@pytest.fixture(autouse=True)
def on_localhost() -> Iterator[None]:
    """Passkeys are made for a name; browsers let it be localhost without TLS."""
    with override_settings(PUBLIC_URL="http://localhost:8000"):
        yield


def give_key(user: User, key: SoftKey | None = None, *, name: str = "Blue key") -> SoftKey:
    made, actor = key or SoftKey(), Actor.for_user(user)
    question = passkeys.ask_for_new(actor)
    passkeys.add_passkey(actor, name=name, answer=made.make(question.options), challenge=question.challenge)
    user.refresh_from_db()
    return made


def opens(key: SoftKey, user: User | None = None) -> bool:
    question = passkeys.ask(user)
    return passkeys.use_passkey(user, answer=key.answer(question.options), challenge=question.challenge) is not None


def test_it_opens_for_its_own_person_once_a_question_and_tells_when_it_was_used(user: User, stranger: User) -> None:
    key = give_key(user)
    assert opens(key, user) and opens(key) and not opens(key, stranger)
    question = passkeys.ask(user)
    answer = key.answer(question.options)
    assert passkeys.use_passkey(user, answer=answer, challenge=question.challenge) == user
    assert passkeys.use_passkey(user, answer=answer, challenge=passkeys.ask(user).challenge) is None
    row = Passkey.objects.get(user=user)
    assert row.last_used_at is not None and row.signs_in and row.rp_id == "localhost"
    for broken in ("", "{}", "[]", "null", "x" * 30_000, '{"id": 5}', answer.replace("signature", "sig")):
        assert passkeys.use_passkey(user, answer=broken, challenge=question.challenge) is None


@pytest.mark.parametrize("lie", ["origin", "host", "handle", "count", "other key", "no finger"])
def test_no_lie_opens(user: User, lie: str) -> None:
    key = give_key(user, SoftKey(count=5))
    assert opens(key)
    if lie == "origin":
        key.origin = "http://localhost.evil.example:8000"
    elif lie == "host":
        key.host = "evil.example"
    elif lie == "handle":
        key.handle = b"somebody else"
    elif lie == "count":
        key.count = 3  # a copy made earlier
    elif lie == "other key":
        key.private = SoftKey().private
    else:
        key.verifies = False
        assert opens(key, user)  # besides the password it is enough
    assert not opens(key)


def test_one_made_for_another_host_opens_nothing_and_the_person_is_told_another_way(user: User) -> None:
    key = give_key(user)
    with override_settings(PUBLIC_URL="https://mail.example.org"):
        key.host, key.origin = "mail.example.org", "https://mail.example.org"
        assert not opens(key, user)
        client = Client()
        client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
        assert b"Recovery code" in client.get(SECOND).content


def test_what_a_page_elsewhere_made_is_not_kept(user: User) -> None:
    actor = Actor.for_user(user)
    for key in (SoftKey(origin="https://evil.example"), SoftKey(host="evil.example")):
        with pytest.raises(WrongCode):
            give_key(user, key)
    question = passkeys.ask_for_new(actor)
    with pytest.raises(WrongCode):
        passkeys.add_passkey(actor, name="x", answer=SoftKey().make(question.options), challenge=b"another")
    key = give_key(user)
    with pytest.raises(NameTaken):
        give_key(user)
    with pytest.raises(BadGrant):
        give_key(user, name=" ")
    with pytest.raises(WrongCode):
        give_key(user, key, name="the same again")
    assert Passkey.objects.count() == 1


def test_it_signs_in_alone_only_with_a_finger_and_only_who_may_come_in(user: User) -> None:
    key = give_key(user)
    client = Client()

    def enter() -> str:
        question = client.post(reverse("accounts:passkey-question")).json()["options"]
        went = client.post(reverse("accounts:passkey-sign-in"), {"answer": key.answer(question), "next": "/account/"})
        return str(went["Location"])

    assert enter() == "/account/" and client.get("/account/").status_code == 200
    event = AuditEvent.objects.filter(action="user.sign_in").latest("pk")
    assert event.details == {"how": "passkey", "second": "passkey"}
    client = Client()
    question = client.post(reverse("accounts:passkey-question")).json()["options"]
    answer = {"answer": key.answer(question)}
    assert Client().post(reverse("accounts:passkey-sign-in"), answer)["Location"] == SIGN_IN  # another browser's
    key.verifies = False
    assert enter() == SIGN_IN
    assert FailedSignIn.objects.get(door="web").times == 1  # the other browser's had no question: nobody guessed
    key.verifies = True
    for change in ({"is_active": False}, {"authentication": "directoryServices"}, {"login_privileges": ["api"]}):
        User.objects.filter(pk=user.pk).update(**change)
        client = Client()
        assert enter() == SIGN_IN, change
        User.objects.filter(pk=user.pk).update(is_active=True, authentication="integrated", login_privileges=None)
    assert enter() == "/account/"


def test_at_the_second_step_and_when_it_is_the_last_one_demanded(user: User) -> None:
    key = give_key(user)
    client = Client()
    client.post(SIGN_IN, {"email": user.email, "password": PASSWORD})
    page = client.get(SECOND)
    question = page.context["question"]
    assert b"passkeys.js" in page.content
    wrong = client.post(SECOND, {"method": "passkey", "answer": SoftKey().answer(question)})
    assert wrong.status_code == 422
    late = client.post(SECOND, {"method": "passkey", "answer": key.answer(question)})
    assert late.status_code == 422  # its question was answered before
    good = client.post(SECOND, {"method": "passkey", "answer": key.answer(late.context["question"])})
    assert good.status_code == 303 and client.get("/account/").status_code == 200
    set_option(Actor.system(), SERVER, "SECOND_FACTOR", "everybody")
    row = Passkey.objects.get(user=user)
    with pytest.raises(FactorDemanded):
        passkeys.remove_passkey(Actor.for_user(user), row)
    give_key(user, name="Another")
    passkeys.remove_passkey(Actor.for_user(user), row)
    assert not opens(key, user)
