"""Larger sets of mail: the real list mails again, with changed Message-ID, date and a few words.

A copy's threads hang together among themselves and never with another copy's. Deterministic: the same copy of the same
mail is always the same bytes. Not for reading or writing files (corpus).
"""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from email.utils import format_datetime, parsedate_to_datetime

SHIFT = datetime.timedelta(days=173, hours=5, minutes=17)
CHANGED_WORDS = 12
SAMPLED_WORDS = 20_000
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_THREADING = re.compile(rb"^(?:Message-ID|In-Reply-To|References):[^\n]*(?:\n[ \t][^\n]*)*", re.I | re.M)
_DATE = re.compile(rb"^Date:[ \t]*([^\r\n]*)", re.I | re.M)
# Between spaces only: words of a text, never a line of base64 or a header of a part.
_WORD = re.compile(rb"(?<= )[a-z]{4,12}(?= )")


def common_words(messages: Iterable[bytes]) -> list[bytes]:
    """Words to put in place of others: each as often as it is used, so that a copy reads like the real ones."""
    found: Counter[bytes] = Counter()
    for message in messages:
        found.update(_WORD.findall(body_of(message)[:4000]))
    words, counts = zip(*sorted(found.items()), strict=True) if found else ((b"word",), (1,))
    return random.Random(1).choices(words, counts, k=SAMPLED_WORDS)  # noqa: S311  (not a secret)


def vary(message: bytes, copy: int, number: int, words: Sequence[bytes]) -> bytes:
    """The `copy`-th variation of the `number`-th mail; copy 0 is the mail itself."""
    if copy == 0:
        return message
    head, rest = _split(message)
    choose = random.Random(copy << 32 | number)  # noqa: S311  (not a secret)
    if not re.search(rb"^Message-ID:", head, re.I | re.M):
        head += b"\nMessage-ID: <bench-%d@copies.invalid>" % number
    head = _THREADING.sub(lambda found: found[0].replace(b"@", b".%d@" % copy), head)
    if b"@" not in b"".join(_THREADING.findall(head)):
        head += b"\nX-Copy: %d" % copy
    head = _DATE.sub(lambda found: b"Date: " + _later(found[1], copy), head, count=1)
    return head + _reword(rest, choose, words)


def body_of(message: bytes) -> bytes:
    return _split(message)[1]


def _split(message: bytes) -> tuple[bytes, bytes]:
    found = _END_OF_HEADER.search(message)
    at = found.start() if found else len(message)
    return message[:at], message[at:]


def _later(date: bytes, copy: int) -> bytes:
    try:
        moved = parsedate_to_datetime(date.decode("ascii")) + copy * SHIFT
    except (ValueError, TypeError, OverflowError, IndexError):
        return date
    return format_datetime(moved).encode()


def _reword(body: bytes, choose: random.Random, words: Sequence[bytes]) -> bytes:
    places = list(_WORD.finditer(body))
    pieces, done = list[bytes](), 0
    for place in sorted(choose.sample(places, min(CHANGED_WORDS, len(places))), key=lambda found: found.start()):
        pieces += [body[done : place.start()], choose.choice(words)]
        done = place.end()
    return b"".join(pieces) + body[done:]
