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
        row.since -= timedelta(seconds=seconds)
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
    assert max(waits) == throttle.AT_ACCOUNT.longest_wait_s


@pytest.mark.django_db
def test_attempts_during_the_wait_do_not_lengthen_it() -> None:
    guess_until_blocked()
    before = SignInThrottle.objects.get(key__startswith="at:").blocked_until
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            guess()
    assert SignInThrottle.objects.get(key__startswith="at:").blocked_until == before


@pytest.mark.django_db
def test_no_crowd_at_an_account_shuts_out_a_network_that_made_no_wrong_guess_nor_a_known_browser() -> None:
    owner = factories.make_user(OWNER)
    cookie = throttle.device_cookie(owner)
    for number in range(30):
        guess_until_blocked(f"203.0.113.{number}")
    guess("198.51.100.7")  # mistyped
    guess("198.51.100.7")
    guess("203.0.113.1", device=cookie)  # in the very office of a guesser


@pytest.mark.django_db
def test_each_network_of_a_crowd_at_an_account_has_fewer_guesses_and_waits_longer() -> None:
    """Alone a network has five, and three hundred a day; in a crowd three, and half a dozen more a day."""
    assert [guess_until_blocked(f"203.0.113.{number}") for number in range(10)] == [5] * 10  # 50 of a day by others
    assert guess_until_blocked("198.51.100.1") == throttle.IN_CROWD.free
    made, address = 0, "198.51.100.2"
    for _quarter in range(24 * 4):
        made += guess_until_blocked(address)
        let_pass(15 * 60)
    assert throttle.IN_CROWD.free < made <= 10


@pytest.mark.django_db
def test_a_site_of_ipv6_is_one_network_at_an_account() -> None:
    """Else whoever has one has 65,536 times as many guesses at it as others."""
    allowed = 0
    with pytest.raises(TooManyAttempts):
        for number in range(100):
            guess(f"2001:db8:1:{number:x}::1")
            allowed += 1
    assert allowed == throttle.AT_ACCOUNT.free
    guess("2001:db8:2::1")


@pytest.mark.django_db
def test_however_many_networks_there_are_an_account_has_so_many_guesses_a_day() -> None:
    guess()
    SignInThrottle.objects.filter(key__startswith="account:").update(failures=throttle.ACCOUNT.free - 1)
    guess("198.51.100.1")
    with pytest.raises(TooManyAttempts) as caught:
        guess("198.51.100.2")
    assert caught.value.retry_after_s == throttle.ACCOUNT.longest_wait_s
    guess("198.51.100.2", device=throttle.device_cookie(factories.make_user(OWNER)))
    SignInThrottle.objects.update(blocked_until=None, since=timezone.now() - timedelta(days=1, seconds=1))
    guess("198.51.100.3")  # also where the crowd never rested: it is another day
    assert SignInThrottle.objects.get(key__startswith="account:").failures == 1


@pytest.mark.django_db
def test_programs_with_an_old_password_in_one_network_are_no_crowd() -> None:
    for _each in range(throttle.CROWD_FROM + 10):
        guess()
        let_pass(throttle.NETWORK.longest_wait_s + 1)
    guess()
    row = SignInThrottle.objects.get(key__startswith="at:")
    assert row.failures == throttle.CROWD_FROM + 11 and row.blocked_until is not None
    assert (row.blocked_until - row.last_attempt_at).total_seconds() == throttle.AT_ACCOUNT.longest_wait_s


@pytest.mark.django_db
def test_a_device_counts_for_its_own_account_only_and_is_itself_slowed_down() -> None:
    owner, thief = factories.make_user(OWNER), factories.make_user()
    guess_until_blocked()
    for worthless in (throttle.device_cookie(thief), "invented", throttle.device_cookie(owner) + "x"):
        with pytest.raises(TooManyAttempts):
            guess(device=worthless)
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
    assert SignInThrottle.objects.get(key__startswith="at:").failures == 0
    assert SignInThrottle.objects.get(key__startswith="network:").failures == 4
    assert SignInThrottle.objects.get(key__startswith="account:").failures == 4  # else each sign-in would free a crowd


@pytest.mark.django_db
def test_a_day_later_all_is_forgotten() -> None:
    guess_until_blocked()
    let_pass(25 * 3600)
    guess()
    assert SignInThrottle.objects.get(key__startswith="at:").failures == 1
    SignInThrottle.objects.update(last_attempt_at=timezone.now() - timedelta(days=2))
    throttle.purge()
    assert not SignInThrottle.objects.exists()


@pytest.mark.django_db
def test_no_address_is_kept_in_the_open() -> None:
    guess()
    assert OWNER not in str(list(SignInThrottle.objects.values()))


@pytest.mark.django_db
def test_a_link_frees_the_account(user: User) -> None:
    with pytest.raises(TooManyAttempts):
        for _each in range(10):
            guess(email=user.email)
    throttle.forgive_account(user)
    guess(email=user.email)


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_no_more_than_one_after_another() -> None:
    admitted: list[int] = []

    def guess_from(number: int) -> None:
        try:
            guess()
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
    assert len(admitted) == throttle.AT_ACCOUNT.free


def test_ipv4_addresses_written_as_ipv6_are_not_one_network() -> None:
    """Else one stranger who guesses would slow down everybody who comes by IPv4."""
    assert throttle.network_of("::ffff:203.0.113.1") == "203.0.113.1"
    assert throttle.network_of("2001:db8::1") == "2001:db8::/64" and throttle.network_of("") == "unknown"
