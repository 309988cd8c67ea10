"""Journal reports: what comes out is the message that was sent, byte for byte, and who it was between."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from archive.mail.journal_reports import unpack

TEXT = b"Sender: Ann@Example.net\r\nSubject: x\r\nMessage-Id: <1@x>\r\n"
INNER = b"From: a@b\r\nSubject: hi\r\n\r\n\xff body\r\n.\r\n--other\r\n"


def report(text: bytes, inner: bytes, *, mark: bytes = b"X-MS-Journal-Report: \r\n", encoding: bytes = b"") -> bytes:
    coded = b"Content-Transfer-Encoding: " + encoding + b"\r\n" if encoding else b""
    head = mark + b'Content-Type: multipart/mixed;\r\n boundary="=b="\r\n\r\n'
    first = b"--=b=\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n"
    return head + first + b"--=b=\r\nContent-Type: message/rfc822\r\n" + coded + b"\r\n" + inner + b"\r\n--=b=--\r\n"


def test_the_message_inside_is_untouched_and_its_people_are_read() -> None:
    text = TEXT + b"On-Behalf-Of: Boss@example.net\r\nTo: one@example.org, Expanded: list@example.org\r\n"
    text += b"Bcc: two@example.org\r\nRecipient: three@example.org, Forwarded: one@example.org\r\n"
    found = unpack(report(text, INNER))
    assert found.message == INNER
    assert found.senders == ("ann@example.net", "boss@example.net")
    assert found.recipients == ("one@example.org", "two@example.org", "three@example.org")


def test_an_older_report_without_its_mark_is_known_by_its_text() -> None:
    assert unpack(report(TEXT + b"To: one@example.org\r\n", INNER, mark=b"")).is_report
    assert not unpack(report(b"Hello,\r\nsee below\r\n", INNER, mark=b"")).is_report


def test_an_encoded_message_inside_is_decoded() -> None:
    coded = base64.encodebytes(INNER).replace(b"\n", b"\r\n")
    assert unpack(report(TEXT, coded, encoding=b"base64")).message == INNER


def test_a_copy_is_kept_whole_and_goes_by_its_header() -> None:
    raw = (
        b"Return-Path: <bounce@example.net>\r\nDelivered-To: bob@example.org\r\n"
        b"Received: from a by b for <eve@example.org>; Sat, 1 May 2010 10:00:00 +0000\r\n"
        b"From: Ann <ann@example.net>\r\nTo: list@example.org\r\n\r\nhi\r\n"
    )
    found = unpack(raw)
    assert (found.message, found.is_report) == (raw, False)
    assert set(found.senders) == {"bounce@example.net", "ann@example.net"}
    assert set(found.recipients) == {"bob@example.org", "list@example.org", "eve@example.org"}


@given(st.binary(max_size=300))
def test_nothing_breaks_it_and_nothing_is_lost(raw: bytes) -> None:
    assert unpack(raw).message == raw or unpack(raw).is_report
