"""Slows down guessing at sign-in. Counted in the database, so a restart forgets nothing.

A browser that has signed in to an account before is held up by its own counter alone. Everybody else is counted three
times: their network at this account, their network whatever account it tries, and the account itself. The first two
have growing waits; an account has none of its own, so that no crowd of strangers shuts its person out of a browser or
network that made no wrong guess. What a crowd does to an account is that each network has fewer guesses at it, with
longer waits; and so that the guesses of a day stay bounded however many networks there are, a new network at an account
waits its turn once a day's guesses went into five figures (decision 0053).

Attempts during a wait are refused unseen and don't lengthen it. Accounts that don't exist are counted like those that
do. An attempt is counted before the password is looked at and taken back when it was right, so that a hundred at once
get no more guesses than one after another.
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies". Not for the API's rate limits, nor for whose
password is looked at first where many come at once (`crowd`).
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import blocking
from accounts.errors import TooManyAttempts
from accounts.models import SignInThrottle, User
from accounts.secrets import new_token

DEVICE_SALT = "accounts.throttle.device"
DEVICE_AGE_S = 365 * 86400
FORGOTTEN_AFTER = timedelta(hours=24)
CROWD_FROM = 50  # so many wrong guesses at an account from other networks within a day are a crowd's


@dataclass(frozen=True, slots=True)
class Policy:
    """So many wrong guesses are free; then the wait doubles from `first_wait_s` up to `longest_wait_s`."""

    free: int
    longest_wait_s: int
    first_wait_s: int = 1

    def wait_s(self, failures: int) -> int:
        if failures < self.free:
            return 0
        return int(min(self.first_wait_s * 2 ** min(failures - self.free, 30), self.longest_wait_s))


ACCOUNT = Policy(free=10_000, longest_wait_s=30, first_wait_s=30)  # of one day, all strangers together
AT_ACCOUNT = Policy(free=5, longest_wait_s=300)  # one network at one account
IN_CROWD = Policy(free=3, longest_wait_s=8 * 3600, first_wait_s=900)  # the same while a crowd is at the account
OWN = Policy(free=5, longest_wait_s=300)
DEVICE = Policy(free=10, longest_wait_s=300)
NETWORK = Policy(free=20, longest_wait_s=900)
FORMER = Policy(free=3, longest_wait_s=86400, first_wait_s=3600)
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
    return [*_at_account(account, _site(address)), network(address)]


def is_known(attempt: list[Counter]) -> bool:
    """Whether it comes from a device that has signed in to this very account before."""
    return any(counter.policy is DEVICE for counter in attempt)


def has_signed_in(device: str | None) -> bool:
    """Whether this cookie's value is of a browser that has signed in here before, to whatever account."""
    return _read_device(device) is not None


def device_owner(device: str | None) -> str | None:
    """Of whose account, hashed, this cookie's value is; None where we didn't make it."""
    found = _read_device(device)
    return None if found is None else found[0]


def at_account(email: str, asker: str) -> list[Counter]:
    """Where guesses at an account count that somebody makes who is known otherwise than by their network."""
    return _at_account(_hashed(email), asker)


def account_key(email: str) -> str:
    """The key of an account's counter, by its address."""
    return f"account:{_hashed(email)}"


def account_of(key: str) -> str:
    """The key of the account's counter, for it and for those of networks at it; "" for others."""
    kind, _colon, rest = key.partition(":")
    return f"account:{rest.partition(':')[0]}" if kind in ("account", "at") else ""


def _at_account(account: str, who: str) -> list[Counter]:
    return [Counter(f"at:{account}:{_hashed(who)[:30]}", AT_ACCOUNT), Counter(f"account:{account}", ACCOUNT)]


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
    return [Counter(f"own:{user.pk}", OWN)]


def former_password_counters(user: User) -> list[Counter]:
    """Where attempts count to choose, by a link, a password that somebody had before."""
    return [Counter(f"former:{user.pk}", FORMER)]


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
            _count_one(rows[counter.key], now)
        others = _guesses_of_others(attempt, rows)
        for counter in attempt:
            row = rows[counter.key]
            is_crowd = counter.policy is AT_ACCOUNT and others >= CROWD_FROM
            wait_s = (IN_CROWD if is_crowd else counter.policy).wait_s(row.failures)
            row.blocked_until = now + timedelta(seconds=wait_s) if wait_s else None
            row.save(update_fields=["failures", "since", "last_attempt_at", "blocked_until"])


def _count_one(row: SignInThrottle, now: datetime) -> None:
    """An account's guesses are those of a day, since a crowd may go on for ever; others' end when they rest."""
    began = row.since if row.key.startswith("account:") else row.last_attempt_at
    if began < now - FORGOTTEN_AFTER:
        row.failures, row.since = 0, now
    row.failures += 1
    row.last_attempt_at = now


def _guesses_of_others(attempt: list[Counter], rows: dict[str, SignInThrottle]) -> int:
    """At this account, by others than who tries now: a program with an old password is no crowd."""
    own = sum(rows[each.key].failures for each in attempt if each.policy is AT_ACCOUNT)
    return sum(rows[each.key].failures for each in attempt if each.policy is ACCOUNT) - own


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
    """The attempt was right: its own counter starts anew; its network and the account only get back this one.

    (Else an attacker with an account of their own could clear the network's counter between guesses at others', and a
    crowd would begin anew each time the person signs in.)
    """
    with transaction.atomic():
        rows = _locked_rows([counter.key for counter in attempt])
        for counter in attempt:
            row = rows[counter.key]
            row.failures = max(0, row.failures - 1) if counter.policy in (NETWORK, ACCOUNT) else 0
            row.blocked_until = None
            row.save(update_fields=["failures", "blocked_until"])


def failures(counter: Counter) -> int:
    """How many wrong guesses it stands at."""
    return SignInThrottle.objects.filter(key=counter.key).values_list("failures", flat=True).first() or 0


def forgive_account(user: User) -> None:
    """Whoever proved by a link to be the owner may try at once."""
    account = _hashed(user.email)
    SignInThrottle.objects.filter(Q(key=f"account:{account}") | Q(key__startswith=f"at:{account}:")).delete()


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


def _site(address: str) -> str:
    """The network that has guesses of its own at an account: of IPv6 the /48 that a site has, since whoever has one
    has 65,536 networks of customers' size.
    """
    parsed = blocking.parse(address)
    if parsed is None or parsed.version == 4:
        return _network(address)
    return str(ipaddress.ip_network((parsed, 48), strict=False))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
