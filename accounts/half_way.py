"""Between the password and the second step: what the browser's session remembers meanwhile.

It stands for nobody: the session has no person in it, so every other page asks to sign in. It lasts ten minutes and
five wrong tries, has a key of its own (the one before is gone, so a key that somebody planted is worth nothing), and
ends with the password or the factors it began with. A challenge for a passkey answers once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.actors import Actor
from accounts.models import User
from accounts.services.source_sign_in import Word
from accounts.services.trusted_devices import stamp_of
from accounts.sessions import may_enter

LASTS_S, TRIES = 600, 5
_HALF, _CHALLENGE = "half_way", "passkey_challenge"


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Who gave the right password, how (a password, a link …), and where they want to go. word: what a source said."""

    user: User
    how: str
    target: str
    word: Word | None = None


def begin(request: HttpRequest, user: User, *, how: str, target: str, word: Word | None = None) -> None:
    """Remember that the first step is done; whoever was signed in here is not any more."""
    request.session.flush()
    request.session[_HALF] = {
        "user": user.pk,
        "how": how,
        "target": target,
        "since": timezone.now().timestamp(),
        "stamp": _stamp(user),
        "tries": 0,
        "word": None if word is None else [word.source_id, word.subject, word.groups, word.lack],
    }
    request.session.set_expiry(LASTS_S)
    rotate_token(request)


def of(request: HttpRequest) -> HalfWay | None:
    """Who is half way in, if they still are."""
    mark = request.session.get(_HALF)
    if not isinstance(mark, dict):
        return None
    user = User.objects.filter(pk=int(mark.get("user") or 0), is_active=True).first()
    is_late = float(mark.get("since") or 0) < timezone.now().timestamp() - LASTS_S
    if user is None or is_late or int(mark.get("tries") or 0) >= TRIES:
        return None
    if not constant_time_compare(str(mark.get("stamp")), _stamp(user)) or not may_enter(Actor.for_user(user)):
        return None
    word = mark.get("word")
    said = Word(int(word[0]), str(word[1]), *word[2:]) if isinstance(word, list) else None
    return HalfWay(user, str(mark.get("how")), str(mark.get("target")), said)


def note_wrong(request: HttpRequest) -> None:
    """One try less."""
    mark: dict[str, Any] = request.session[_HALF]
    request.session[_HALF] = mark | {"tries": int(mark.get("tries") or 0) + 1}


def end(request: HttpRequest) -> None:
    """Forget it, and the session with it."""
    request.session.flush()


def keep_challenge(request: HttpRequest, challenge: bytes) -> None:
    """Of a question to a passkey, until it is answered."""
    request.session[_CHALLENGE] = [challenge.hex(), timezone.now().timestamp()]


def take_challenge(request: HttpRequest) -> bytes:
    """The challenge of the question that was asked last, once, within ten minutes; b"" for none."""
    kept = request.session.pop(_CHALLENGE, None)
    if not isinstance(kept, list) or len(kept) != 2 or float(kept[1]) < timezone.now().timestamp() - LASTS_S:
        return b""
    return bytes.fromhex(str(kept[0]))


def _stamp(user: User) -> str:
    return f"{stamp_of(user)}:{user.second_factor_at}"
