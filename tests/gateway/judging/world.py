"""What tests of judging share: names without a network, messages, a small signer, and what came in at the door."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domains.dkim_keys import DkimKey, KeyKind, generate
from gateway.flow import Asked, Client, Door, Incoming, InMemory, Sending
from gateway.judging.authentication.names import Found, NoAnswer

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RSA, ED25519 = generate(KeyKind.RSA_2048), generate(KeyKind.ED25519)
ADA = (
    b"From: Ada <ada@friends.example>\r\nTo: Bob <bob@example.org>\r\nSubject: Dinner  \t on Friday?\r\n"
    b"Date: Mon, 2 Mar 2026 11:59:00 +0000\r\nMessage-ID: <1@friends.example>\r\n\r\n"
    b"Hello  Bob,\t \r\n\r\nshall we meet?\r\n\r\n\r\n"
)


class Names:
    """DNS as a table: {"name TYPE": records}; a value of None gets no answer. `asked` are the questions."""

    def __init__(self, records: Mapping[str, tuple[str, ...] | None]) -> None:
        self._records = {key.lower(): value for key, value in records.items()}
        self.asked: list[str] = []

    def ask(self, name: str, kind: str) -> Found:
        key = f"{name} {kind}".lower()
        self.asked.append(key)
        found = self._records.get(key, ())
        if found is None:
            raise NoAnswer(key)
        return Found(found, exists=bool(found))


def signed(
    raw: bytes, domain: str, key: DkimKey, *, form: str = "relaxed/relaxed", selector: str = "s1", more: str = ""
) -> bytes:
    """The message with a DKIM signature over From, To and Subject on top; canonicalised by means of our own here."""
    head, _, body = raw.partition(b"\r\n\r\n")
    head_form, body_form = form.split("/")
    lines = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
    chosen = [line for name in (b"from", b"to", b"subject") for line in lines if line.lower().startswith(name + b":")]
    text = body.rstrip(b"\r\n") + b"\r\n"
    if body_form == "relaxed":
        text = b"\r\n".join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in text.split(b"\r\n"))
    bodied = base64.b64encode(hashlib.sha256(text).digest()).decode()
    start = (
        f"v=1; a={key.algorithm}-sha256; c={form}; d={domain}; s={selector}; h=from:to:subject; bh={bodied}; {more}b="
    )
    mine = b"DKIM-Signature: " + start.encode()
    pieces = [*chosen, mine]
    if head_form == "relaxed":
        pieces = [_relaxed(piece) for piece in pieces]
    data = b"\r\n".join(pieces)
    if isinstance(key.private, RSAPrivateKey):
        made = key.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
    else:
        made = key.private.sign(hashlib.sha256(data).digest())
    return mine + base64.b64encode(made) + b"\r\n" + raw


def _relaxed(line: bytes) -> bytes:
    name, _, value = line.partition(b":")
    return name.lower() + b":" + re.sub(rb"[ \t]+", b" ", value).strip()


def came_in(
    raw: bytes = ADA,
    *,
    sender: str = "ada@friends.example",
    to: tuple[str, ...] = ("bob@example.org",),
    address: str = "192.0.2.7",
    name: str = "mail.friends.example",
    door: Door = Door.MX,
) -> Incoming:
    return Incoming(
        key="0641f3a90c2d4b7e1f09a",
        door=door,
        client=Client(address, name=name, helo="mail.friends.example"),
        sender=Sending(sender),
        recipients=tuple(Asked(each) for each in to),
        body=InMemory(raw),
        received_at=NOW,
    )
