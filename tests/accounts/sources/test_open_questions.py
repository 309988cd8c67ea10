"""What strangers were asked is kept by their own browser, and answered once."""

from __future__ import annotations

import json

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts import open_questions
from accounts.models import Session, Source, User
from tests.accounts.sources.test_providers import begin, come_back, vouch
from tests.sources import IdentityProvider

pytestmark = pytest.mark.django_db


def test_strangers_who_only_ask_make_no_sessions(client: Client, source: Source) -> None:
    for _time in range(3):
        begin(Client(), source)
        assert Client().post("/sign-in/passkey/question/").status_code == 200
    begin(client, source)
    client.post("/sign-in/passkey/", {"answer": "{}"})
    assert Session.objects.count() == 0
    cookie = client.cookies[open_questions.COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 600 and not cookie["domain"]


def test_a_copied_cookie_answers_nothing_a_second_time(
    client: Client, ada: User, source: Source, provider: IdentityProvider
) -> None:
    vouch(provider, "ada", ada.email)
    first = provider.sign_in(begin(client, source), "ada")
    kept = client.cookies[open_questions.COOKIE].value
    assert come_back(client, first).status_code == 303
    copied = Client()
    copied.cookies[open_questions.COOKIE] = kept
    assert come_back(copied, first).status_code == 403


def test_a_cookie_that_is_not_ours_or_too_old_answers_nothing(
    ada: User, source: Source, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    vouch(provider, "ada", ada.email)
    asked = {"kind": "provider", "source": source.pk, "name": "s", "nonce": "n", "verifier": "v", "since": None,
             "purpose": "sign in", "session": None, "next": "/", "at": 9e9}  # fmt: skip
    for forged in (json.dumps([asked]), signing.dumps([asked], salt="other", compress=True), "x" * 9_000, ""):
        browser = Client()
        browser.cookies[open_questions.COOKIE] = forged
        assert browser.get(f"/sign-in/with/{source.pk}/back/?state=s&code=c").status_code == 403
    browser = Client()
    url = provider.sign_in(begin(browser, source), "ada")
    monkeypatch.setattr(open_questions, "LASTS_S", -1)
    assert come_back(browser, url).status_code == 403


def test_of_many_questions_at_once_the_last_are_kept_and_fit_into_a_cookie(rf: RequestFactory) -> None:
    request = rf.get("/")
    for number in range(20):
        response = HttpResponse()
        open_questions.keep(request, response, f"name-{number}", {"kind": "provider", "next": "/x" * 1_000})
        request.COOKIES[open_questions.COOKIE] = response.cookies[open_questions.COOKIE].value
        assert len(request.COOKIES[open_questions.COOKIE]) <= open_questions.MOST_BYTES
    assert open_questions.take(request, "name-0") is None
    assert open_questions.last_name(request, "provider") == "name-19"
    assert open_questions.take(request, "name-19", source=1) is None  # of another kind, and not used up by that
    assert open_questions.take(request, "name-19", kind="provider") is not None
    assert open_questions.take(request, "name-19", kind="provider") is None
