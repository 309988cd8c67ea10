"""Nobody shuts others out by guessing beside them: in the same office, or behind an address that thousands share."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts import throttle
from accounts.actors import Actor
from accounts.errors import NetworkBlocked, WrongPassword
from accounts.models import AuthenticatorApp, FailedSignIn, SignInBlock, SignInThrottle, User
from accounts.scopes import SERVER
from accounts.services import blocks
from accounts.services.options import set_option
from accounts.signing_in import sign_in_mail_program, sign_in_program
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
OFFICE = "198.51.100.7"
SYSTEM = Actor.system()


def browser() -> Client:
    return Client(REMOTE_ADDR=OFFICE)


def sign_in(client: Client, user: User, password: str = PASSWORD) -> int:
    return client.post("/sign-in/", {"email": user.email, "password": password}).status_code


def guess(times: int) -> None:
    """Somebody in the office tries passwords of others, as patiently as they must."""
    for number in range(times):
        SignInThrottle.objects.update(blocked_until=None)
        program = Actor(user=None, kind="user", label="anonymous", address=OFFICE, via="api")
        with pytest.raises(WrongPassword):
            sign_in_program(program, email=f"person{number}@example.org", password="a guess", hours=1)


def test_a_browser_that_signed_in_before_does_not_wait_for_who_guesses_in_its_network(user: User) -> None:
    own = browser()
    assert sign_in(own, user) == 303
    own.post("/sign-out/")
    guess(30)
    assert sign_in(browser(), user) == 429  # strangers there wait
    assert sign_in(own, user, "wrong") == 422 and sign_in(own, user) == 303
    assert throttle.failures(throttle.network(OFFICE)) == 30  # and its own slips count for nobody else


def test_a_block_made_by_guesses_lets_known_browsers_go_on_and_nobody_else(user: User, administrator: User) -> None:
    set_option(SYSTEM, SERVER, "SIGN_IN_BLOCK_AFTER", 3)
    open_page, signed_out = browser(), browser()
    for client in (open_page, signed_out):
        assert sign_in(client, user) == 303
    signed_out.post("/sign-out/")
    guess(3)
    assert SignInBlock.objects.get().created_by == "system"
    SignInThrottle.objects.all().delete()
    assert open_page.get("/account/").status_code == 200
    assert sign_in(signed_out, user) == 303
    assert browser().get("/sign-in/").status_code == 403
    # the cookie opens the door of its own account alone: whoever has an account doesn't guess on at others'
    assert sign_in(signed_out, administrator) == 429
    with pytest.raises(NetworkBlocked):
        sign_in_program(Actor(None, "user", "anonymous", OFFICE, "api"), email=user.email, password=PASSWORD, hours=1)
    blocks.block_network(Actor.for_user(administrator), OFFICE)  # somebody means it
    assert open_page.get("/account/").status_code == 403


def test_mail_programs_with_the_old_password_block_nobody_after_a_factor_was_set_up(user: User) -> None:
    AuthenticatorApp.objects.create(user=user, seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", confirmed_at=timezone.now())
    User.objects.filter(pk=user.pk).update(second_factor_at=timezone.now())
    set_option(SYSTEM, SERVER, "SIGN_IN_BLOCK_AFTER", 3)
    program = Actor(user=None, kind="user", label="anonymous", address=OFFICE, via="smtp")
    for _each in range(10):
        with pytest.raises(WrongPassword):
            sign_in_mail_program(program, email=user.email, password=PASSWORD)
    assert not SignInBlock.objects.exists() and not FailedSignIn.objects.exists()
    assert sign_in(browser(), user) == 303  # to the second step, without a wait
    for _each in range(3):
        with pytest.raises(WrongPassword):
            sign_in_mail_program(program, email=user.email, password="wrong")
    assert SignInBlock.objects.exists()  # guesses count as ever


def test_who_is_shut_out_learns_nothing_by_a_right_password(user: User) -> None:
    """Only where the pages would let the person in, a right password counts for no guess."""
    stranger = factories.make_user("stranger2@example.org")
    User.objects.filter(pk=stranger.pk).update(second_factor_at=timezone.now(), is_active=False)
    program = Actor(user=None, kind="user", label="anonymous", address=OFFICE, via="smtp")
    with pytest.raises(WrongPassword):
        sign_in_mail_program(program, email=stranger.email, password=PASSWORD)
    assert throttle.failures(throttle.network(OFFICE)) == 1


def test_wrong_codes_at_the_second_step_are_attempts_in_vain_too(user: User) -> None:
    AuthenticatorApp.objects.create(user=user, seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", confirmed_at=timezone.now())
    User.objects.filter(pk=user.pk).update(second_factor_at=timezone.now())
    client = browser()
    assert sign_in(client, user) == 303
    assert client.post("/sign-in/second-step/", {"code": "000000"}).status_code == 422
    assert FailedSignIn.objects.get().user_id == user.pk
