"""Mails made from a number: the same number is always the same mail, in every process."""

from __future__ import annotations

import base64
import random

WORDS = ("plum", "pear", "fig", "apple", "quince", "cherry", "medlar", "walnut", "almond", "grape", "olive", "lemon")


def made(number: int) -> bytes:
    """A mail of 0.3 to 40 KiB; every fifth can hardly be compressed, every 97th is larger than a frame, and every sixth
    has one of three attachments, which it shares with others."""
    chance = random.Random(number)
    lines = chance.randrange(3, 60)
    body = "\r\n".join(" ".join(chance.choices(WORDS, k=9)) for _ in range(lines))
    noise = chance.randbytes(12_000).hex() if number % 5 == 4 else ""
    head = (
        f"From: {chance.choice(WORDS)}@example.org\r\nTo: all@example.net\r\n"
        f"Subject: {chance.choice(WORDS)} {number}\r\n"
        f"Date: {number % 27 + 1} Mar 2024 10:{number % 60:02d}:00 +0000\r\n"
        f"Message-ID: <{number}@example.org>\r\n\r\n"
    )
    if number % 6 == 1:
        encoded = base64.encodebytes(random.Random(-1 - number // 6 % 3).randbytes(25_000)).replace(b"\n", b"\r\n")
        header = b"Content-Transfer-Encoding: base64\r\n\r\n"
        return f"{head}{body}\r\n--next\r\n".encode() + header + encoded
    extra = chance.randbytes(5 << 20) if number % 97 == 96 else b""
    return (head + body + noise).encode() + extra
