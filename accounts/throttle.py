"""Slows down guessing at sign-in. Counted in the database, so a restart forgets nothing.

Three counters, each with a growing wait after some wrong guesses: per network address, per account, and per device
that has signed in to that account before. A known device is held up by its own counter alone: a stranger who keeps
guessing slows down other strangers, never the owner in their own browser. Attempts during a wait are refused unseen and
don't lengthen it. Accounts that don't exist are counted like those that do.

An attempt is counted before the password is looked at and taken back when it was right, so that a hundred at once get
no more guesses than one after another.
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies". Not for the API's rate limits.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import blocking
from accounts.errors import TooManyAttempts
from accounts.hash_gate import Standing
from accounts.models import SignInThrottle, User
from accounts.secrets import new_token

DEVICE_SALT = "accounts.throttle.device"
DEVICE_AGE_S = 365 * 86400
FORGOTTEN_AFTER = timedelta(hours=24)
NOISY_FOR = timedelta(minutes=15)  # so long a network with a wrong guess comes after the others


@dataclass(frozen=True, slots=True)
class Policy:
    """So many wrong guesses are free; then the wait doubles from 1 s up to `longest_wait_s`."""

    free: int
    longest_wait_s: int

    def wait_s(self, failures: int) -> int:
        if failures < self.free:
            return 0
        return int(min(2 ** min(failures - self.free, 30), self.longest_wait_s))


ACCOUNT = Policy(free=5, longest_wait_s=300)
DEVICE = Policy(free=10, longest_wait_s=300)
NETWORK = Policy(free=20, longest_wait_s=900)
FACTOR = Policy(free=5, longest_wait_s=3600)  # three of a million codes are right at a time: some 40 guesses a day


@dataclass(frozen=True, slots=True)
class Counter:
    """One row to count in."""

    key: str
    policy: Policy


def counters(email: str, address: str, device: str | None) -> list[Counter]:
    """Where this attempt counts. `device` is the cookie's value, worth something only for its own account.

    A known device counts by itself alone: nobody who guesses beside it in the same network holds it up.
    """
    account = _hashed(email)
    known = _device_key(account, device)
    if known:
        return [Counter(known, DEVICE)]
    return [Counter(f"account:{account}", ACCOUNT), Counter(f"network:{_network(address)}", NETWORK)]


def is_known(attempt: list[Counter]) -> bool:
    """Whether it comes from a device that has signed in to this very account before."""
    return any(counter.policy is DEVICE for counter in attempt)


def has_signed_in(device: str | None) -> bool:
    """Whether this cookie's value is of a browser that has signed in here before, to whatever account."""
    return _read_device(device) is not None


def of_account(email: str) -> Counter:
    """Where guesses at an account count, whoever makes them."""
    return Counter(account_key(email), ACCOUNT)


def account_key(email: str) -> str:
    """The key of an account's counter, by its address."""
    return f"account:{_hashed(email)}"


def factor_counters(user: User, address: str, device: str | None) -> list[Counter]:
    """Where codes and keys of the second step count: whoever comes here knows the password, so more slowly."""
    known = _device_key(_hashed(user.email), device)
    if known:
        return [Counter(f"factor-{known}", FACTOR)]
    return [Counter(f"factor:{user.pk}", FACTOR), Counter(f"network:{_network(address)}", NETWORK)]


def own_factor_counters(user: User) -> list[Counter]:
    """Where a signed-in person's codes count, when they prove once more who they are."""
    return [Counter(f"own-factor:{user.pk}", FACTOR)]


def own_password_counters(user: User) -> list[Counter]:
    """Where a signed-in person's typing of their present password counts."""
    return [Counter(f"own:{user.pk}", ACCOUNT)]


def network_counter(what: str, address: str, policy: Policy) -> Counter:
    """Where guesses at something else count, by network address."""
    return Counter(f"{what}:{_network(address)}", policy)


def network(address: str) -> Counter:
    """Where wrong guesses from a network address count, whosever account they are at."""
    return Counter(f"network:{_network(address)}", NETWORK)


def network_of(address: str) -> str:
    """The network that an address counts as: itself, or an IPv6 /64."""
    return _network(address)


def failures_of_late(counter: Counter) -> int:
    """How many wrong guesses count there now."""
    since = timezone.now() - FORGOTTEN_AFTER
    rows = SignInThrottle.objects.filter(key=counter.key, last_attempt_at__gte=since)
    return rows.values_list("failures", flat=True).first() or 0


def standing(attempt: list[Counter]) -> Standing:
    """How likely an attempt is somebody at home here, for who is hashed first; asked before it is counted."""
    if is_known(attempt):
        return Standing.KNOWN
    keys = [counter.key for counter in attempt if counter.policy is NETWORK]
    since = timezone.now() - NOISY_FOR
    noisy = SignInThrottle.objects.filter(key__in=keys, failures__gt=0, last_attempt_at__gte=since)
    return Standing.NOISY if noisy.exists() else Standing.QUIET


def require_free(attempt: list[Counter]) -> None:
    """Whether another guess may be made now, without counting one. Raises: TooManyAttempts."""
    now = timezone.now()
    keys = [counter.key for counter in attempt]
    rows = SignInThrottle.objects.filter(key__in=keys, blocked_until__gt=now)
    blocked = [until for until in rows.values_list("blocked_until", flat=True) if until is not None]
    if blocked:
        raise TooManyAttempts(max(1, math.ceil((max(blocked) - now).total_seconds())))


def admit(attempt: list[Counter]) -> None:
    """Count the attempt as a wrong guess for now. Raises: TooManyAttempts (and then nothing is counted)."""
    require_free(attempt)  # a crowd that waits reads only: no lock, no write
    now = timezone.now()
    with transaction.atomic():
        rows = _locked_rows([counter.key for counter in attempt])
        blocked = [row.blocked_until for row in rows.values() if row.blocked_until and row.blocked_until > now]
        if blocked:
            raise TooManyAttempts(max(1, math.ceil((max(blocked) - now).total_seconds())))
        for counter in attempt:
            row = rows[counter.key]
            forgotten = row.last_attempt_at < now - FORGOTTEN_AFTER
            row.failures = 1 if forgotten else row.failures + 1
            row.last_attempt_at = now
            wait_s = counter.policy.wait_s(row.failures)
            row.blocked_until = now + timedelta(seconds=wait_s) if wait_s else None
            row.save(update_fields=["failures", "last_attempt_at", "blocked_until"])


def count(attempt: list[Counter]) -> None:
    """Count a wrong guess that was made elsewhere, also during a wait."""
    try:
        admit(attempt)
    except TooManyAttempts:
        SignInThrottle.objects.filter(key__in=[each.key for each in attempt]).update(failures=F("failures") + 1)


def take_back(attempt: list[Counter]) -> None:
    """The attempt wasn't looked at after all: it doesn't count, nor does the wait that it brought beyond what the
    others did.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = _locked_rows([counter.key for counter in attempt])
        for counter in attempt:
            row = rows[counter.key]
            row.failures = max(0, row.failures - 1)
            wait_s = counter.policy.wait_s(row.failures)
            if row.blocked_until is not None:
                row.blocked_until = min(row.blocked_until, now + timedelta(seconds=wait_s)) if wait_s else None
            row.save(update_fields=["failures", "blocked_until"])


def forgive(attempt: list[Counter]) -> None:
    """The attempt was right: its own counter starts anew; its network only gets back this one.

    (Else an attacker with an account of their own could clear the network's counter between guesses at others'.)
    """
    with transaction.atomic():
        rows = _locked_rows([counter.key for counter in attempt])
        for counter in attempt:
            row = rows[counter.key]
            row.failures = max(0, row.failures - 1) if counter.policy is NETWORK else 0
            row.blocked_until = None
            row.save(update_fields=["failures", "blocked_until"])


def failures(counter: Counter) -> int:
    """How many wrong guesses it stands at."""
    return SignInThrottle.objects.filter(key=counter.key).values_list("failures", flat=True).first() or 0


def forgive_account(user: User) -> None:
    """Whoever proved by a link to be the owner may try at once."""
    SignInThrottle.objects.filter(key=f"account:{_hashed(user.email)}").delete()


def purge() -> None:
    """Forget what would be forgotten at the next attempt anyway."""
    SignInThrottle.objects.filter(last_attempt_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()


def device_cookie(user: User) -> str:
    """A value for the browser that has just signed in to this account."""
    return signing.dumps([_hashed(user.email), new_token()], salt=DEVICE_SALT)


def _device_key(account: str, device: str | None) -> str | None:
    owner, number = _read_device(device) or ("", "")
    return f"device:{_hashed(f'{account}:{number}')}" if owner == account else None


def _read_device(device: str | None) -> tuple[str, str] | None:
    """(whose account, hashed; the device's number) of a cookie that we signed."""
    try:
        owner, number = signing.loads(device or "", salt=DEVICE_SALT, max_age=DEVICE_AGE_S)
    except (signing.BadSignature, ValueError):
        return None
    return str(owner), str(number)


def _locked_rows(keys: list[str]) -> dict[str, SignInThrottle]:
    """The rows, made where missing, locked in one order, so that two attempts can't wait for each other."""
    SignInThrottle.objects.bulk_create([SignInThrottle(key=key) for key in sorted(keys)], ignore_conflicts=True)
    rows = SignInThrottle.objects.select_for_update().filter(key__in=keys).order_by("key")
    return {row.key: row for row in rows}


def _network(address: str) -> str:
    """An IPv4 address, one written as IPv6 too (else all were one network), or the /64 that each customer has."""
    parsed = blocking.parse(address)
    if parsed is None:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
