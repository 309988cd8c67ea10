"""Addresses in one canonical form."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.addresses import canonical_domain, parse_address
from accounts.errors import BadAddress

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
ATOMS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=12)
LOCALS = st.lists(ATOMS, min_size=1, max_size=3).map(".".join)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada.Lovelace@Example.ORG ", "ada.lovelace@example.org"),
        ("o'brien+tag@example.org", "o'brien+tag@example.org"),
        ("post@münchen.example", "post@xn--mnchen-3ya.example"),
        ("post@XN--MNCHEN-3YA.example", "post@xn--mnchen-3ya.example"),
        ("müller@example.org", "müller@example.org"),
        ("mu\u0308ller@example.org", "müller@example.org"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert str(parse_address(typed)) == kept


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ('"two words"@example.org', "quoted"),
        ('"quoted"@example.org', "quoted"),
        ("nobody", "name@example.org"),
        ("@example.org", "name@example.org"),
        ("ada@", "name@example.org"),
        ("", "name@example.org"),
        (".ada@example.org", "dot"),
        ("ada.@example.org", "dot"),
        ("a..b@example.org", "dot"),
        ("a b@example.org", "character"),
        ("a\x00b@example.org", "character"),
        ("a\r\nb@example.org", "character"),
        ("a,b@example.org", "character"),
        ("<ada@example.org>", "character"),
        ("x" * 65 + "@example.org", "64"),
        ("ä" * 33 + "@example.org", "64"),
        ("ada@exa mple.org", "domain"),
        ("ada@-example.org", "domain"),
        ("ada@example..org", "domain"),
        ("ada@example.org.", "domain"),
        ("ada@[127.0.0.1]", "domain"),
        ("ada@" + "x" * 64 + ".org", "domain"),
        ("ada@" + ".".join(["x" * 60] * 5), "domain"),
        ("ada@straße.example", "xn--"),
    ],
)
def test_what_is_refused_says_why(typed: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        parse_address(typed)


@given(LOCALS, DOMAINS)
def test_every_plain_address_is_read_and_folded(local: str, domain: str) -> None:
    parsed = parse_address(f"{local}@{domain}")
    assert (parsed.local, parsed.domain) == (local.lower(), domain)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused_and_reading_twice_changes_nothing(text: str) -> None:
    try:
        once = parse_address(text)
    except BadAddress:
        return
    assert parse_address(str(once)) == once
    assert str(once).count("@") == 1
    assert not any(character.isspace() or character in '"<>,;:\\()[]' for character in str(once))


@given(st.text(max_size=40), DOMAINS)
def test_any_local_part_is_stable(local: str, domain: str) -> None:
    try:
        once = parse_address(f"{local}@{domain}")
    except BadAddress:
        return
    assert parse_address(str(once)) == once


@given(st.text(max_size=60))
def test_any_domain_is_ascii_or_refused(text: str) -> None:
    try:
        domain = canonical_domain(text)
    except BadAddress:
        return
    assert domain.isascii() and domain == domain.lower() == canonical_domain(domain)
