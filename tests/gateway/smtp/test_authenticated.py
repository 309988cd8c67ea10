"""Who signed in at the Postfix in front: read from the field that it wrote, and from no other."""

from __future__ import annotations

import pytest

from gateway.smtp.authenticated import login_of, without_login

# as smtpd of Postfix 3.7.11 wrote it
TOP = (
    b"Received: from client.example.net (localhost [127.0.0.1])\r\n"
    b"\t(Authenticated sender: ada@example.org)\r\n"
    b"\tby front.example.org (Postfix) with ESMTPA id 4F2A1\r\n"
    b"\tfor <ben@example.org>; Mon, 30 Nov 2026 13:50:00 +0000 (UTC)\r\n"
)
REST = b"Subject: One\r\n\r\nOne.\r\n"
OTHER = TOP.replace(b"\t(Authenticated sender: ada@example.org)\r\n", b"")
FOR_MANY = TOP.replace(b"4F2A1\r\n\tfor <ben@example.org>;", b"4F2A1;\r\n\t")


@pytest.mark.parametrize("raw", [TOP + REST, b"Received-SPF: pass\r\n" + TOP + REST, FOR_MANY + REST])
def test_the_login_stands_in_the_topmost_field_and_goes_no_further(raw: bytes) -> None:
    assert login_of(raw, "4F2A1") == "ada@example.org"
    assert without_login(raw, "4F2A1") == raw.replace(b"\t(Authenticated sender: ada@example.org)\r\n", b"")


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (OTHER + TOP + REST, "4F2A1"),  # its own says that nobody signed in: the other came with the message
        (TOP + REST, "4F2A2"),  # its own is gone: this one has another number
        (TOP + REST, ""),  # not from a Postfix that gives numbers
        (OTHER + b"Subject: One\r\n\r\n" + TOP, "4F2A1"),  # in the text
        (OTHER.replace(b"(localhost", b"((Authenticated sender: ada@example.org) localhost") + REST, "4F2A1"),
        (TOP.replace(b"\tby", b"\t(Authenticated sender: eve@example.org)\r\n\tby") + REST, "4F2A1"),
        (TOP[:90], "4F2A1"),
        (b"", "4F2A1"),
    ],
)
def test_nobody_else_says_who_signed_in(raw: bytes, number: str) -> None:
    assert login_of(raw, number) == ""
    assert without_login(raw, number) == raw
