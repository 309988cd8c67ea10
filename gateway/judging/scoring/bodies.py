"""Signs in what a message says and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.judging.scoring.phrases import subjects_of
from gateway.judging.scoring.sight import Sight
from gateway.judging.scoring.table import SIGNS

MANY_SUBJECTS = 4
_NO_SUBJECTS = frozenset(("disguised-words", "phone-number", "says-dear"))
_RANDOM_END = re.compile(r"(?:\b[bcdfghjklmnpqrstvwxz]{5,}\b|\b[a-z]{18,}|[a-z]+\d+[a-z]+\d+[a-z0-9]*)\W*$")
# How lines begin that are quoted, code, or the line above a signature: all found in one go through the text.
_BEGINNINGS = re.compile(r"\n(?:[>|]|@@ -|\+\+\+ |diff |#include|Index: |--- a/|-- (?=\r?\n))")
_NO_CODE = frozenset(("\n>", "\n|", "\n-- "))


def signs(sight: Sight) -> Iterator[str]:
    yield from _subjects(sight)
    yield from _style(sight)
    yield from _parts(sight)
    if sight.html:
        yield from _html(sight, sight.html)
    yield from _wanted(sight)


def _subjects(sight: Sight) -> Iterator[str]:
    found = subjects_of(sight.flat)
    # One of these words alone can stand in any letter.
    weak = {
        "says-inheritance": 3,
        "says-adult": 2,
        "says-buy": 1,
        "says-remove": 1,
        "says-software": 1,
        "says-lawful": 1,
    }
    strong = [name for name, count in found.items() if count >= weak.get(name, 1)]
    yield from strong
    if len(set(strong) - _NO_SUBJECTS) >= MANY_SUBJECTS:
        yield "many-subjects"


def _style(sight: Sight) -> Iterator[str]:
    text, flat = sight.text, sight.flat
    words = text[:2500].split()
    capitals = sum([word.isupper() for word in words if len(word) > 2])
    if len(words) > 20 and capitals > len(words) * 0.2:
        yield "shouts"
    if text.count("!") > 5 and text.count("!") * 120 > len(flat):
        yield "exclaims"
    if flat.count("$") + flat.count("€") + flat.count("£") > 3:
        yield "money-amounts"
    if _RANDOM_END.search(flat[-60:]):
        yield "random-end"
    if len(flat) < 80 and sight.facts.uris:
        yield "almost-empty"


def _parts(sight: Sight) -> Iterator[str]:
    kinds = [body.part.content_type for body in sight.bodies]
    if "text/html" in kinds and "text/plain" not in kinds:
        yield "html-only"
    for body in sight.bodies[:4]:
        encoding = body.part.head.first("content-transfer-encoding").strip().lower()
        if encoding == "base64" and body.text and body.text.isascii():
            yield "text-in-base64"
            break
    if any(not body.part.charset and not body.text.isascii() for body in sight.bodies):
        yield "no-charset"
    elif sight.facts.bad_encoding:
        yield "odd-charset"
    content_type = sight.head.first("content-type").lower()
    if (content_type.startswith("multipart/alternative") and sight.parts == 1) or (
        sight.bodies and content_type and not sight.head.first("mime-version")
    ):
        yield "odd-parts"


def _html(sight: Sight, html: str) -> Iterator[str]:
    words = len(sight.flat)
    images = html.count("<img") + html.count("<IMG")
    if images and words < 150 * images and words < 600:
        yield "html-images"
    yield from sight.tricks & SIGNS.keys()
    if "body" in sight.tricks and not any(end in html[-2000:].lower() for end in ("</html>", "</body>")):
        yield "html-broken"


def _wanted(sight: Sight) -> Iterator[str]:
    head, text = sight.head, sight.text
    if head.first("list-post") and head.first("list-id"):
        yield "discussion"
    elif head.first("list-id"):
        yield "list"
    beginnings = _BEGINNINGS.findall(text)
    if beginnings.count("\n>") + beginnings.count("\n|") > 1:
        yield "quotes"
    content_type = head.first("content-type").lower()
    if content_type.startswith("multipart/signed") or "-----BEGIN PGP SIGNATURE-----" in text:
        yield "signed"
    kinds = set(beginnings)
    if len(kinds - _NO_CODE) > 1:
        yield "code"
    if "\n-- " in kinds:
        yield "signature"
    if not sight.html and not sight.facts.uris:
        yield "plain"
