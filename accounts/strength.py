"""How strong a password is that somebody is typing, and which rules it would miss, for the meter beside the field.

The figure is zxcvbn's: how long guessing would take somebody who knows how people choose. It is advice: what is refused
say the rules alone, the same that the services ask (`services.passwords.check_password`) but for former passwords,
which cost a hash each. Nothing of what is typed is kept, counted by its content or written down.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    NumericPasswordValidator,
    UserAttributeSimilarityValidator,
)
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from zxcvbn import time_estimates, zxcvbn

from accounts import password_rules, places, throttle
from accounts.breach_list import lists
from accounts.models import User
from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.heartbeat import broker

LONGEST = 24  # zxcvbn's time grows with the cube: what is made for it takes 0.2 s so, and 4 s at 72
SALT, AGE_S = "accounts.strength", 24 * 3600
OWN_WORDS = ("email", "name", "first_name", "last_name")  # as in settings.AUTH_PASSWORD_VALIDATORS
WINDOW_S, MOST = 60, 30  # judged for one network in a minute
logger = logging.getLogger("postkeep.passwords")
_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a password must have, in words, and whether this one does."""

    text: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """score: 0 to 4, None where nothing was typed. rules: all that are asked."""

    score: int | None
    rules: tuple[Rule, ...]

    @property
    def word(self) -> str:
        """The score for people."""
        words = (_("very weak"), _("weak"), _("fair"), _("good"), _("strong"))
        return "" if self.score is None else words[self.score]

    @property
    def missed(self) -> list[str]:
        return [rule.text for rule in self.rules if not rule.is_kept]

    @property
    def said(self) -> str:
        """All of it as one sentence, for who hears it."""
        if self.score is None:
            return _("Nothing typed yet")
        strength = _("Strength: %(word)s.") % {"word": self.word}
        return f"{strength} {_('Missing: %(rules)s') % {'rules': '; '.join(self.missed)}}" if self.missed else strength


def judge(password: str, about: User | ScopeRef = SERVER) -> Judged:
    """A password of somebody, or of whoever will belong to a scope; one query."""
    user = about if isinstance(about, User) else None
    ((length, kinds),) = password_rules.least_of([about])
    rules = [Rule(_at_least(length), len(password) >= length)]
    if kinds:
        rules.append(Rule(_mixed(kinds), password_rules.kinds_in(password) >= kinds))
    rules.append(Rule(_("Not only digits"), bool(password) and _keeps(NumericPasswordValidator(), password, user)))
    known = not password or not _keeps(CommonPasswordValidator(), password, user) or lists.is_known(password)
    rules.append(Rule(_("In no list of known passwords"), not known))
    if user is not None:
        alike = not password or not _keeps(UserAttributeSimilarityValidator(OWN_WORDS), password, user)
        rules.append(Rule(_("Not like the name or the address"), not alike))
    return Judged(_score(password, user) if password else None, tuple(rules))


def sign(about: User | ScopeRef) -> str:
    """Of whom a page asks, as the page sends it back: so that strangers can't ask about anybody."""
    scope = ScopeRef(Level.USER, about.pk) if isinstance(about, User) else about
    return signing.dumps([scope.level.value, scope.id], salt=SALT)


def as_values(field: str, about: User | ScopeRef) -> str:
    """What the field sends beside itself, as JSON."""
    return json.dumps({"about": sign(about), "field": field})


def whom(text: str) -> User | ScopeRef:
    """Whom a page asks about; the server where it doesn't say, or not by our word."""
    try:
        level, key = signing.loads(text, salt=SALT, max_age=AGE_S)
        scope = ScopeRef(Level(level), int(key))
    except (signing.BadSignature, ValueError, TypeError):
        return SERVER
    if scope.level == Level.USER:
        return User.objects.filter(pk=scope.id).first() or SERVER
    return places.chain(scope)[0]


def is_too_often(address: str) -> bool:
    """Count a judgement for a network; whether there were too many in this minute. Without a broker all are."""
    key = f"postkeep:strength:{throttle.network_of(address)}:{int(time.time() // WINDOW_S)}"
    try:
        pipeline = broker().pipeline(transaction=False)
        pipeline.incr(key)
        pipeline.expire(key, 2 * WINDOW_S)
        return int(pipeline.execute()[0]) > MOST
    except redis.RedisError as error:
        logger.warning("Passwords aren't judged, since it isn't counted: %s", error)
        return True


@contextmanager
def turn() -> Iterator[bool]:
    """Whether it is the caller's turn to judge: one at a time in a process, and nobody waits for it.

    Whoever judges holds the interpreter, so two at once would take twice as long, and pages with them.
    """
    mine = _turn.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            _turn.release()


def _score(password: str, user: User | None) -> int:
    """What follows the first characters counts as its length alone: it may repeat them."""
    own = [] if user is None else [user.email, *re.findall(r"\w+", f"{user.email} {user.display_name}")]
    guesses = zxcvbn(password[:LONGEST], user_inputs=own)["guesses"]
    return int(time_estimates.guesses_to_score(guesses * (1 + len(password[LONGEST:]))))


def _keeps(validator: object, password: str, user: User | None) -> bool:
    try:
        validator.validate(password, user)  # type: ignore[attr-defined]
    except ValidationError:
        return False
    return True


def _at_least(count: int) -> str:
    return ngettext("At least %(n)d character", "At least %(n)d characters", count) % {"n": count}


def _mixed(count: int) -> str:
    text = _("%(count)d of these mixed: small letters, capitals, digits, other characters")
    return text % {"count": count}
