"""Guessing is slowed down, for the guesser and not for the owner."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import throttle
from accounts.errors import TooManyAttempts
from accounts.models import SignInThrottle, User
from tests import factories

OWNER = "owner@example.org"


def guess(address: str = "203.0.113.1", device: str | None = None, email: str = OWNER) -> None:
    throttle.admit(throttle.counters(email, address, device))


def guess_until_blocked(address: str = "203.0.113.1", limit: int = 100) -> int:
    for number in range(limit):
        try:
            guess(address)
        except TooManyAttempts:
            return number
    return limit


def let_pass(seconds: float) -> None:
    """As if so much time had passed."""
    for row in SignInThrottle.objects.all():
        row.last_attempt_at -= timedelta(seconds=seconds)
        if row.blocked_until:
            row.blocked_until -= timedelta(seconds=seconds)
        row.save()


@pytest.mark.django_db
def test_after_some_wrong_guesses_an_account_waits_longer_each_time() -> None:
    assert guess_until_blocked() == 5
    waits = []
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as caught:
            guess()
        waits.append(caught.value.retry_after_s)
        let_pass(caught.value.retry_after_s + 0.1)
        guess()
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == throttle.ACCOUNT.longest_wait_s


@pytest.mark.django_db
def test_attempts_during_the_wait_do_not_lengthen_it() -> None:
    guess_until_blocked()
    before = SignInThrottle.objects.get(key__startswith="account:").blocked_until
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            guess("198.51.100.7")
    assert SignInThrottle.objects.get(key__startswith="account:").blocked_until == before


@pytest.mark.django_db
def test_a_browser_that_signed_in_before_is_not_held_up_by_strangers() -> None:
    owner = factories.make_user(OWNER)
    cookie = throttle.device_cookie(owner)
    for number in range(10):
        guess_until_blocked(f"203.0.113.{number}")
    with pytest.raises(TooManyAttempts):
        guess("198.51.100.7")
    guess("198.51.100.7", device=cookie)


@pytest.mark.django_db
def test_a_device_counts_for_its_own_account_only_and_is_itself_slowed_down() -> None:
    owner, thief = factories.make_user(OWNER), factories.make_user()
    guess_until_blocked()
    for worthless in (throttle.device_cookie(thief), "invented", throttle.device_cookie(owner) + "x"):
        with pytest.raises(TooManyAttempts):
            guess("198.51.100.7", device=worthless)
    cookie = throttle.device_cookie(owner)
    allowed = 0
    with pytest.raises(TooManyAttempts):
        for number in range(50):
            guess(f"198.51.100.{number}", device=cookie)
            allowed += 1
    assert allowed == throttle.DEVICE.free


@pytest.mark.django_db
def test_one_network_address_cannot_try_many_accounts() -> None:
    allowed = 0
    with pytest.raises(TooManyAttempts):
        for number in range(100):
            guess("203.0.113.9", email=f"a{number}@example.org")
            allowed += 1
    assert allowed == throttle.NETWORK.free
    guess("203.0.113.10", email="a1@example.org")


@pytest.mark.django_db
def test_a_customer_of_ipv6_is_one_network() -> None:
    allowed = 0
    with pytest.raises(TooManyAttempts):
        for number in range(100):
            guess(f"2001:db8:1:2::{number:x}", email=f"a{number}@example.org")
            allowed += 1
    assert allowed == throttle.NETWORK.free


@pytest.mark.django_db
def test_a_right_password_clears_its_account_but_not_its_network() -> None:
    for _ in range(4):
        guess()
    attempt = throttle.counters(OWNER, "203.0.113.1", None)
    throttle.admit(attempt)
    throttle.forgive(attempt)
    assert SignInThrottle.objects.get(key__startswith="account:").failures == 0
    assert SignInThrottle.objects.get(key__startswith="network:").failures == 4


@pytest.mark.django_db
def test_a_day_later_all_is_forgotten() -> None:
    guess_until_blocked()
    let_pass(25 * 3600)
    guess()
    assert SignInThrottle.objects.get(key__startswith="account:").failures == 1
    SignInThrottle.objects.update(last_attempt_at=timezone.now() - timedelta(days=2))
    throttle.purge()
    assert not SignInThrottle.objects.exists()


@pytest.mark.django_db
def test_no_address_is_kept_in_the_open() -> None:
    guess()
    assert OWNER not in str(list(SignInThrottle.objects.values()))


@pytest.mark.django_db
def test_a_link_frees_the_account(user: User) -> None:
    for number in range(10):
        try:
            guess(f"203.0.113.{number}", email=user.email)
        except TooManyAttempts:
            break
    throttle.forgive_account(user)
    guess("198.51.100.1", email=user.email)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_no_more_than_one_after_another() -> None:
    admitted: list[int] = []

    def guess_from(number: int) -> None:
        try:
            guess(f"203.0.113.{number}")
            admitted.append(number)
        except TooManyAttempts:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=guess_from, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == throttle.ACCOUNT.free


def test_ipv4_addresses_written_as_ipv6_are_not_one_network() -> None:
    """Else one stranger who guesses would slow down everybody who comes by IPv4."""
    assert throttle.network_of("::ffff:203.0.113.1") == "203.0.113.1"
    assert throttle.network_of("2001:db8::1") == "2001:db8::/64" and throttle.network_of("") == "unknown"
