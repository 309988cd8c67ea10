"""Signatures of ours hold for any verifier: for ours, for OpenSSL alone, and for all kinds of mail."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domains.dkim_keys import DkimKey
from domains.policy.facts import AuthResult
from gateway.delivery.composing import line_of, parts_of
from gateway.judging.authentication import dkim
from gateway.judging.authentication.canonical import Signable
from gateway.outgoing.signing import SigningKey, body_hash, signature
from tests.gateway.judging.world import ADA, ED25519, NOW, RSA, Names

AT = int(NOW.timestamp())
KEYS = (("s1", RSA), ("s2", ED25519))
PUBLISHED = Names({f"{selector}._domainkey.friends.example TXT": (key.record,) for selector, key in KEYS})
CORPORA = os.environ.get("POSTKEEP_CORPORA", "")


def signed(raw: bytes, selector: str = "s1", key: DkimKey = RSA, *, cut: int = 1000) -> bytes:
    """The message with our signature on top, read in pieces of this size."""
    pieces = (raw[start : start + cut] for start in range(0, len(raw), cut))
    head, rest = parts_of(pieces)
    assert head is not None
    fields = Signable.of(head + b"\r\n").fields
    ours = SigningKey(selector, key.algorithm, key.private)
    return line_of(signature(fields, body_hash(rest), domain="friends.example", key=ours, at=AT)) + raw


def result(raw: bytes) -> tuple[AuthResult, str]:
    found = dkim.verify(Signable.of(raw), PUBLISHED.ask, AT)[0]
    return found.result, found.why


BODIES = st.lists(
    st.sampled_from([b"a", b"b.", b" ", b"\t", b"\r\n", b"\r\n\r\n", b"caf\xc3\xa9", b"  \r\n"]), max_size=40
)


@given(BODIES, st.integers(1, 7))
@example([], 1)
@example([b" ", b"\r\n", b" "], 1)
def test_a_body_read_in_pieces_has_the_hash_of_the_whole(parts: list[bytes], size: int) -> None:
    body = b"".join(parts)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert body_hash(pieces) == Signable((), body).body_hash("relaxed")


def test_a_line_end_that_is_none_counts_as_what_it_leaves_as() -> None:
    assert body_hash([b"a\rb\n\nc\r"]) == Signable((), b"a\r\nb\r\n\r\nc\r\n").body_hash("relaxed")


END = b"\r\n\r\n.\r\n..\r\n"
ODD = {
    "plain": ADA,
    "no body": b"From: ada@friends.example\r\nSubject: x\r\n",
    "empty lines only": b"From: ada@friends.example\r\n\r\n\r\n\r\n",
    "no line end": b"From: ada@friends.example\r\n\r\nno end",
    "eight bits": "From: Zoë <ada@friends.example>\r\nSubject: Grüße\r\n\r\nÄÖÜ\r\n".encode(),
    "latin": b"From: ada@friends.example\r\nSubject: Gr\xfc\xdfe\r\n\r\n\xc4\r\n",
    "long line": b"From: ada@friends.example\r\n\r\n" + b"x y " * 16_000 + b"\r\n",
    "long header": b"From: ada@friends.example\r\nTo: " + b", ".join(b"a%d@b.example" % n for n in range(3000)) + END,
    "folded": b"From: ada@friends.example\r\nSubject: a\r\n\tb\r\n \r\n c\r\nTo:\r\n b@b.example\r\n\r\n1\r\n",
    "twice": b"From: ada@friends.example\r\nReceived: a\r\nReceived: b\r\nTo: a@b.example\r\nTo: c@d.example" + END,
    "blanks": b"From: ada@friends.example\r\n\r\n \t \r\n  a \t b  \r\n\t\r\n \r\n",
}  # fmt: skip


@pytest.mark.parametrize(("selector", "key"), KEYS, ids=["rsa", "ed25519"])
@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_a_signature_holds_for_odd_mail_and_breaks_with_any_change(raw: bytes, selector: str, key: DkimKey) -> None:
    made = signed(raw, selector, key)
    assert max(map(len, made.partition(b"From")[0].split(b"\r\n"))) <= 80
    assert result(made) == (AuthResult.PASS, "")
    for added in (
        b"From: eve@evil.example\r\n",
        b"Subject: other\r\n",
        b"Content-Type: text/html\r\n",
        b"Cc: x@y.example\r\n",
    ):
        assert result(made.partition(raw)[0] + added + raw)[0] is AuthResult.FAIL
    assert result(made + b"more\r\n" if b"\r\n\r\n" in raw else made + b"\r\nmore\r\n")[0] is AuthResult.FAIL


def test_servers_on_the_way_may_add_what_is_missing_and_put_their_lines_on_top() -> None:
    made = signed(b"From: ada@friends.example\r\nSubject: x\r\n\r\nHello\r\n")
    added = b"Received: here\r\nDate: Mon, 2 Mar 2026 11:59:00 +0000\r\nMessage-ID: <1@x.example>\r\nX-Spam: no\r\n"
    assert result(made.replace(b"From: ada", added + b"From: ada"))[0] is AuthResult.PASS


def test_openssl_alone_finds_the_signature_good(tmp_path: Path) -> None:
    """Put together here by the letter of RFC 6376 §3.7, without any code of ours."""
    made = signed(ADA).decode()
    head = made.partition("\r\n\r\n")[0]
    unfolded = head.replace("\r\n\t", " ").replace("\r\n ", " ")
    fields = [tuple(map(str.strip, line.split(":", 1))) for line in unfolded.split("\r\n")]
    tags = dict(part.strip().split("=", 1) for part in fields[0][1].split(";"))
    left = [(name.lower(), " ".join(value.split())) for name, value in fields[1:]]
    lines = []
    for name in "".join(tags["h"].split()).lower().split(":"):
        at = next((n for n in reversed(range(len(left))) if left[n][0] == name), None)
        lines += [] if at is None else ["{}:{}".format(*left.pop(at))]
    mine = " ".join(fields[0][1].split())
    lines.append("dkim-signature:" + mine[: mine.rindex("b=") + 2])
    (tmp_path / "data").write_bytes("\r\n".join(lines).encode())
    (tmp_path / "signature").write_bytes(base64.b64decode("".join(tags["b"].split())))
    (tmp_path / "key").write_text(f"-----BEGIN PUBLIC KEY-----\n{RSA.public_text}\n-----END PUBLIC KEY-----\n")
    order = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "data"]
    said = subprocess.run(order, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "Verified OK", said.stderr
    plain = "Hello Bob,\r\n\r\nshall we meet?\r\n"
    assert tags["bh"].strip() == base64.b64encode(hashlib.sha256(plain.encode()).digest()).decode()


def test_fifty_megabytes_of_blanks_are_hashed_without_holding_them() -> None:
    pieces = (b" \r\n\t" * 65_536 for _each in range(200))
    assert body_hash(pieces) == hashlib.sha256(b"").digest()


def _corpus(most: int) -> Iterator[bytes]:
    """Real mail, every n-th of the folder."""
    files = sorted(path for path in Path(CORPORA, "spamassassin").rglob("*") if path.is_file())
    for path in files[:: max(1, len(files) // most)]:
        yield path.read_bytes()


@pytest.mark.skipif(not CORPORA, reason="POSTKEEP_CORPORA names no folder with real mail")
def test_signatures_of_real_mail_hold() -> None:
    seen = 0
    for raw in _corpus(300):
        text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        if sum(line.lower().startswith(b"from:") for line in text.partition(b"\r\n\r\n")[0].split(b"\r\n")) != 1:
            continue
        for selector, key in KEYS:
            assert result(signed(text, selector, key, cut=4096)) == (AuthResult.PASS, "")
        seen += 1
    assert seen > 250
