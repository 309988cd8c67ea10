"""What a password opened ends with it: also what programs got for it, and nothing opens where another place decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import ApiToken, AuthenticatorApp, User
from accounts.services.authenticators import begin_app, confirm_app
from accounts.services.passwords import issue_reset_link, set_password
from accounts.services.people import disable_user
from accounts.services.sessions import end_sessions
from accounts.services.tokens import create_token, revoke_token
from accounts.signing_in import sign_in_program
from accounts.tokens import actor_for_token
from tests.domains.factories import make_domain, make_mailbox_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
NEW = "quite another few words"


@pytest.fixture
def ada() -> User:
    user = make_mailbox_in(make_domain("example.org"), "ada", password=PASSWORD).user
    assert user is not None
    return user


def set_up_app(user: User) -> None:
    actor = Actor.for_user(user)
    begin_app(actor)
    confirm_app(actor, code=pyotp.TOTP(AuthenticatorApp.objects.get(user=user).seed.reveal()).now())


def by_link(user: User) -> None:
    path = issue_reset_link(SYSTEM, user).partition("/link/")[2]
    assert Client().post(f"/link/{path}", {"password": NEW}).status_code == 303


WAYS: dict[str, Callable[[User], object]] = {
    "set by an administrator": lambda user: set_password(SYSTEM, user, password=NEW),
    "chosen by a link": by_link,
    "thrown out": lambda user: end_sessions(SYSTEM, user),
    "shut out": lambda user: disable_user(SYSTEM, user),
    "a second factor": set_up_app,
}


@pytest.mark.parametrize("way", WAYS)
def test_tokens_that_programs_got_for_a_password_end_with_it(ada: User, way: str) -> None:
    made = sign_in_program(SYSTEM, email=ada.email, password=PASSWORD, hours=4)
    own = create_token(Actor.for_user(ada), ada, name="signed in laptop")  # a person's own, whatever it is called
    assert actor_for_token(made.value, address="") is not None
    WAYS[way](ada)
    assert actor_for_token(made.value, address="") is None
    assert ApiToken.objects.get() == own.token


def test_what_a_short_token_made_ends_with_the_password_and_every_other_with_its_parent(ada: User) -> None:
    made = sign_in_program(SYSTEM, email=ada.email, password=PASSWORD, hours=4)
    ends = timezone.now() + timedelta(hours=1)
    child = create_token(entered(made.value), ada, name="kept for later", expires_at=ends)
    grandchild = create_token(entered(child.value), ada, name="and for then", expires_at=ends)
    set_password(SYSTEM, ada, password=NEW)
    assert [actor_for_token(each.value, address="") for each in (made, child, grandchild)] == [None] * 3
    stolen = create_token(Actor.for_user(ada), ada, name="laptop")
    child = create_token(entered(stolen.value), ada, name="kept for later")
    set_password(SYSTEM, ada, password=f"{NEW} 2")
    assert actor_for_token(child.value, address="") is not None  # a token of its own, as its parent is
    revoke_token(Actor.for_user(ada), stolen.token)
    assert actor_for_token(child.value, address="") is None


def entered(value: str) -> Actor:
    actor = actor_for_token(value, address="")
    assert actor is not None
    return actor
