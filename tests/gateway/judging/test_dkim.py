"""Signatures that hold, those that don't, and why; ARC's chain."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from domains.dkim_keys import DkimKey
from domains.policy.facts import AuthResult
from gateway.judging.authentication import arc, dkim
from gateway.judging.authentication.canonical import Signable
from tests.gateway.judging.world import ADA, ED25519, NOW, RSA, Names, signed

AT = NOW.timestamp()
KEYS = {
    "s1._domainkey.friends.example TXT": (RSA.record,),
    "s2._domainkey.friends.example TXT": (ED25519.record,),
    "gone._domainkey.friends.example TXT": ("v=DKIM1; p=",),
    "silent._domainkey.friends.example TXT": None,
    "strict._domainkey.friends.example TXT": (RSA.record + "; t=s",),
    "other._domainkey.friends.example TXT": ("v=DKIM1; k=rsa; h=sha1; p=" + RSA.public_text,),
}


def answer(raw: bytes) -> dkim.DkimAnswer:
    (found,) = dkim.verify(Signable.of(raw), Names(KEYS).ask, AT)
    return found


@pytest.mark.parametrize("form", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"])
@pytest.mark.parametrize(("key", "selector"), [(RSA, "s1"), (ED25519, "s2")], ids=["rsa", "ed25519"])
def test_a_signature_holds_until_something_changes(form: str, key: DkimKey, selector: str) -> None:
    raw = signed(ADA, "friends.example", key, form=form, selector=selector)
    assert answer(raw).result is AuthResult.PASS
    assert answer(raw).domain == "friends.example"
    assert answer(raw.replace(b"Bob,", b"Rob,")).result is AuthResult.FAIL
    assert answer(raw.replace(b"Dinner", b"Winner")).result is AuthResult.FAIL
    # relaxed: white space may change
    spaced = answer(raw.replace(b"Dinner  \t on", b"Dinner on")).result
    assert spaced is (AuthResult.PASS if form.startswith("relaxed") else AuthResult.FAIL)
    assert answer(raw + b"\r\n\r\n").result is AuthResult.PASS


_BODIES = {  # RFC 6376 §3.4.3 and §3.4.4: the body, simple, relaxed
    b"": (b"\r\n", b""),
    b"\r\n\r\n": (b"\r\n", b""),
    b" \t": (b" \t\r\n", b""),
    b"one \t two \r\n\r\nthree\r\n\r\n\r\n": (b"one \t two \r\n\r\nthree\r\n", b"one two\r\n\r\nthree\r\n"),
    b"\r\n \r\nends in a line": (b"\r\n \r\nends in a line\r\n", b"\r\n\r\nends in a line\r\n"),
}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("body", _BODIES)
def test_how_a_large_body_is_read_changes_nothing(body: bytes, size: int) -> None:
    for form, wanted in zip(("simple", "relaxed"), _BODIES[body], strict=True):
        for start in range(len(body) + 1):
            pieces = [body[at : at + size] for at in range(start, len(body), size)]
            message = Signable((), body[:start], lambda pieces=pieces: iter(pieces))  # type: ignore[misc]
            assert message.body_hash(form) == hashlib.sha256(wanted).digest(), (form, start)
            assert message.body_length(form) == len(wanted)
            assert message.body_hash(form, 5) == hashlib.sha256(wanted[:5]).digest()


@pytest.mark.parametrize(
    ("changed", "result", "why"),
    [
        ({"more": "x=1000000000; "}, AuthResult.FAIL, "expired"),
        ({"more": "i=@elsewhere.example; "}, AuthResult.PERMERROR, "i="),
        ({"more": "i=@sub.friends.example; "}, AuthResult.PASS, ""),
        ({"more": "i=@sub.friends.example; ", "selector": "strict"}, AuthResult.PERMERROR, "i="),
        ({"more": "l=5; "}, AuthResult.FAIL, "changed"),
        ({"selector": "gone"}, AuthResult.PERMERROR, "revoked"),
        ({"selector": "none"}, AuthResult.PERMERROR, "published"),
        ({"selector": "silent"}, AuthResult.TEMPERROR, ""),
        ({"selector": "other"}, AuthResult.PERMERROR, "algorithm"),
        ({"more": "q=dns/other; "}, AuthResult.PERMERROR, "ask"),
    ],
)
def test_what_is_wrong_with_a_signature_is_said(changed: dict[str, str], result: AuthResult, why: str) -> None:
    found = answer(signed(ADA, "friends.example", RSA, **changed))
    assert found.result is result
    assert why in found.why


def test_a_signature_over_a_part_of_the_body_proves_nothing_behind_it() -> None:
    short = ADA.replace(b"\r\n\r\nshall we meet?", b"")
    raw = signed(short, "friends.example", RSA, more="l=12; ")
    assert answer(raw).result is AuthResult.PASS
    assert answer(raw + b"Send money.\r\n").result is AuthResult.NEUTRAL


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"v=1",
        b"v=1; v=1",
        b"\xff\xfe",
        b"v=1; a=rsa-sha1; b=x; bh=x; d=a.example; h=from; s=s",
        b"v=1; a=rsa-sha256; b=%; bh=%; d=a.example; h=from; s=s",
        b"; ;=",
        b"h=" * 5000,
    ],
)
def test_junk_is_no_signature_and_no_trouble(junk: bytes) -> None:
    assert answer(b"DKIM-Signature: " + junk + b"\r\n" + ADA).result is AuthResult.PERMERROR


def test_the_examples_of_the_standard_hold() -> None:
    """RFC 8463, Appendix A.3: one message, signed with both kinds of keys."""
    raw = _RFC_8463.replace("\n", "\r\n").encode()
    names = Names(
        {
            "brisbane._domainkey.football.example.com TXT": (
                "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            )
        }
    )
    (found,) = dkim.verify(Signable.of(raw), names.ask, AT)
    assert found.result is AuthResult.PASS


_RFC_8463 = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
"""


def sealed(raw: bytes, number: int) -> bytes:
    """The message with one more set of ARC on top, by friends.example."""
    private = RSA.private
    assert isinstance(private, RSAPrivateKey)

    def sign(data: bytes) -> bytes:
        return base64.b64encode(private.sign(data, padding.PKCS1v15(), hashes.SHA256()))

    def relaxed(line: bytes) -> bytes:
        name, _, value = line.partition(b":")
        return name.lower() + b":" + re.sub(rb"[ \t]+", b" ", value).strip()

    head, _, body = raw.partition(b"\r\n\r\n")
    text = b"\r\n".join(
        re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in (body.rstrip(b"\r\n") + b"\r\n").split(b"\r\n")
    )
    bodied = base64.b64encode(hashlib.sha256(text).digest()).decode()
    tags = f"i={number}; a=rsa-sha256; d=friends.example; s=s1;"
    results = f"ARC-Authentication-Results: i={number}; friends.example; spf=pass".encode()
    lines = head.split(b"\r\n")
    chosen = [line for name in (b"from", b"subject") for line in lines if line.lower().startswith(name + b":")]
    message = f"ARC-Message-Signature: {tags} c=relaxed/relaxed; h=from:subject; bh={bodied}; b=".encode()
    message += sign(b"\r\n".join(map(relaxed, [*chosen, message])))
    chain = []
    for each in range(1, number):
        for name in (b"ARC-Authentication-Results", b"ARC-Message-Signature", b"ARC-Seal"):
            chain += [line for line in lines if line.startswith(name + f": i={each};".encode())]
    seal = f"ARC-Seal: {tags} cv={'none' if number == 1 else 'pass'}; b=".encode()
    seal += sign(b"\r\n".join(map(relaxed, [*chain, results, message, seal])))
    return b"\r\n".join((seal, message, results, raw))


def test_a_chain_of_seals_is_read_to_its_end() -> None:
    names = Names(KEYS)
    one = sealed(ADA, 1)
    two = sealed(one, 2)
    for raw, number in ((one, 1), (two, 2)):
        found = arc.verify(Signable.of(raw), names.ask, AT)
        assert (found.result, found.domains, found.results) == (
            AuthResult.PASS,
            ("friends.example",) * number,
            "friends.example; spf=pass",
        )
    assert arc.verify(Signable.of(ADA), names.ask, AT).result is AuthResult.NONE
    broken = (
        two.replace(b"shall we", b"will we"),
        two.replace(b"spf=pass", b"spf=fail", 1),
        two.replace(b"cv=none", b"cv=pass"),
        two.replace(b"ARC-Seal: i=1", b"X-Seal: i=1"),
        one.replace(b"ARC-Seal: i=1", b"ARC-Seal: i=x"),
    )
    for raw in broken:
        assert arc.verify(Signable.of(raw), names.ask, AT).result is AuthResult.FAIL
