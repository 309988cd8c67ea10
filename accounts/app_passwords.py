"""Passwords of programs: what they look like, how they are hashed, and whose one is.

We make them: sixteen letters by chance, of 24 that can't be mistaken for others, in four groups ("kdqw-xmev-…"). That
are 73 bits, so a quick hash is enough: argon2 makes each guess dear where people choose the password, and here nobody
could make enough guesses anyway. It is keyed (HMAC-SHA-256) with a key that doesn't lie in the database, so a copied
database can't even be guessed at. A mail program that signs in every minute so costs microseconds, not 50 ms.

Not for making and deleting them (`services.app_passwords`), nor for deciding who may come in (`signing_in`).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import AppPassword, User
from config.kit import sealing_keys
from config.kit.fixed import Fixed

LETTERS = "abcdefghijkmnpqrstuvwxyz"  # without l and o
GROUPS, GROUP = 4, 4
USED_NOTED_EVERY = timedelta(minutes=1)
_SHAPE = re.compile(rf"[{LETTERS}]{{{GROUPS * GROUP}}}", re.ASCII)
_OF_ADDRESS = Fixed(lambda email: AppPassword.objects.select_related("user").filter(user__email=email), str)


def new_app_password() -> str:
    """A new one, as it is shown."""
    letters = [secrets.choice(LETTERS) for _each in range(GROUPS * GROUP)]
    return "-".join("".join(letters[at : at + GROUP]) for at in range(0, len(letters), GROUP))


def keep(value: str) -> str:
    """What is kept of one: the id of the key, and the keyed hash. Raises: MasterKeyChanged."""
    key_id, _key = sealing_keys.current()
    return f"{key_id}:{_hash(key_id, _plain(value))}"


def looks_like_one(value: str) -> bool:
    """Whether it has the shape of one, whosever it is."""
    return bool(_SHAPE.fullmatch(_plain(value)))


def owner(email: str, value: str, *, protocol: str, address: str) -> User | None:
    """The person of this account (its main address) whose password of a program this is; None where it opens nothing.

    Expired ones and those of another protocol open nothing. The last use is noted, at most once a minute.
    """
    plain = _plain(value)
    if not _SHAPE.fullmatch(plain):
        return None
    now = timezone.now()
    for row in _OF_ADDRESS.rows(email):
        if not _is(row, plain):
            continue
        if protocol not in row.protocols or row.is_expired or not row.user.is_active:
            return None
        if row.last_used_at is None or row.last_used_at < now - USED_NOTED_EVERY or row.last_address != address[:45]:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_NOTED_EVERY) | ~Q(last_address=address[:45])
            AppPassword.objects.filter(stale, pk=row.pk).update(last_used_at=now, last_address=address[:45])
        return row.user
    return None


def _is(row: AppPassword, plain: str) -> bool:
    key_id, _colon, kept = row.secret_hash.partition(":")
    try:
        return hmac.compare_digest(kept, _hash(key_id, plain))
    except sealing_keys.SealedError:  # kept under a key that is lost: it opens nothing any more
        return False


def _plain(value: str) -> str:
    """People type it with spaces, without dashes, and phones begin it with a capital."""
    return re.sub(r"[\s-]", "", value[:100]).lower()


def _hash(key_id: str, plain: str) -> str:
    return hmac.new(_key(key_id, sealing_keys.get(key_id)), plain.encode(), hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=8)
def _key(key_id: str, key: bytes) -> bytes:
    return sealing_keys.derive(key, b"app passwords")
