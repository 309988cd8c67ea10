"""Mail that is made to hurt, and mail that is only unusual: it is answered soon, and what is taken stays as it came."""

from __future__ import annotations

import time

import pytest

from gateway import content
from gateway.models import Content, Message
from tests.domains.factories import make_mailbox_in
from tests.gateway.intake.test_intake import served, take, through

HEAD = b"From: bob@friends.example\r\nTo: ada@example.org\r\nSubject: %b\r\nDate: Sun, 29 Nov 2026 10:00:00 +0000\r\n"
PATIENCE_S = 10.0


def _multipart(kind: bytes, *parts: bytes, mark: bytes = b"=b") -> bytes:
    inside = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind, mark) + inside + b"--" + mark + b"--\r\n"


def _nested(depth: int) -> bytes:
    inside = b"Content-Type: text/plain\r\n\r\nat last\r\n"
    for number in range(depth):
        inside = _multipart(b"mixed", inside, mark=b"m%d" % number)
    return inside


CALENDAR = _multipart(
    b"alternative",
    b"Content-Type: text/plain\r\n\r\nWe meet.\r\n",
    b'Content-Type: text/calendar; method=REQUEST; charset="utf-8"\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n'
    b"BEGIN:VEVENT\r\nUID:1\r\nRRULE:FREQ=SECONDLY;COUNT=999999999\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
)
SIGNED = (
    b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="s"\r\n\r\n'
    b"--s\r\nContent-Type: text/plain\r\n\r\nSigned,  with spaces at the end  \r\n\r\n"
    b"--s\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"MIIBnotreallyasignature==\r\n--s--\r\n"
)
UNUSUAL = {
    "ten thousand header fields": HEAD % b"many" + b"X-Bomb: x\r\n" * 10_000 + b"\r\nHello.\r\n",
    "one field of a megabyte": HEAD % b"long" + b"X-Long: " + b"folded \r\n " * 110_000 + b"end\r\n\r\nHello.\r\n",
    "a subject of encoded words": HEAD % (b"=?utf-8?B?4pyT?= " * 20_000) + b"\r\nHello.\r\n",
    "addresses without an end": HEAD % b"to" + b"Cc: " + b"<a@b.example>, (((( " * 20_000 + b"\r\n\r\nHello.\r\n",
    "parts within parts": HEAD % b"deep" + b"MIME-Version: 1.0\r\n" + _nested(500),
    "ten thousand parts": HEAD % b"wide" + _multipart(b"mixed", *[b"\r\nx"] * 10_000),
    "a boundary that never ends": HEAD % b"open"
    + b'Content-Type: multipart/mixed; boundary="'
    + b"a" * 60_000
    + b"\r\n\r\n",
    "html of tags that never close": HEAD % b"html"
    + b"Content-Type: text/html\r\n\r\n"
    + b"<div><a href=x><b " * 50_000,
    "what slow expressions are slow on": HEAD % b"slow"
    + b"\r\n"
    + b"a" * 200_000
    + b"!\r\n"
    + b"a@" * 50_000
    + b"\r\n",
    "a calendar": HEAD % b"meet" + b"MIME-Version: 1.0\r\n" + CALENDAR,
    "signed by S/MIME": HEAD % b"signed" + b"MIME-Version: 1.0\r\n" + SIGNED,
    "no header at all": b"\r\nHello.\r\n",
    "nothing": b"",
}


@pytest.mark.django_db(transaction=True)
def test_what_is_made_to_hurt_is_answered_soon_and_kept_as_it_came() -> None:
    ada = make_mailbox_in(served(), "ada")
    began = time.monotonic()
    answers = through(*[take(raw, to=[ada.address]) for raw in UNUSUAL.values()])
    assert time.monotonic() - began < PATIENCE_S * 3
    said = dict(zip(UNUSUAL, answers, strict=True))
    assert {name: answer.text for name, answer in said.items() if not (answer.is_ok or 500 <= answer.code < 600)} == {}
    assert said["a calendar"].is_ok and said["signed by S/MIME"].is_ok
    assert Message.objects.count() == len(UNUSUAL)
    kept = {b"".join(content.chunks_of(row)) for row in Content.objects.all()}
    assert kept <= set(UNUSUAL.values())
    assert {UNUSUAL["a calendar"], UNUSUAL["signed by S/MIME"]} <= kept
