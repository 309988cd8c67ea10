"""Addresses in comparable form: the same as the house's own where both read one."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts import addresses
from accounts.errors import BadAddress
from domains.policy import canonical

LABELS = st.from_regex(r"[a-zA-Z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
LIKE_ADDRESSES = st.text(string.ascii_letters + string.digits + ".-_@\"' äßİıéК中\u0301\u200dxn--", max_size=40)


@settings(deadline=None)
@given(st.one_of(LIKE_ADDRESSES, st.text(max_size=60)))
@example("Müller@MÜNCHEN.example")
@example("mu\u0308ller@example.org")
@example("a@straße.example")
@example("x" * 65 + "@example.org")
@example("a@" + "x." * 2000 + "org")
@example("a@example.org.")
@example("a@xn--.example")
def test_it_reads_and_refuses_what_the_house_reads_and_refuses(text: str) -> None:
    try:
        expected: str | BadAddress = str(addresses.parse_address(text))
    except BadAddress as error:
        expected = error
    if isinstance(expected, str):
        assert str(canonical.parse_address(text)) == expected
        assert canonical.fold_address(text) == canonical.parse_address(text)
    else:
        with pytest.raises(canonical.BadForm) as caught:
            canonical.parse_address(text)
        assert str(caught.value.reason)[:60] == str(expected)[:60]


@settings(deadline=None)
@given(st.one_of(LIKE_ADDRESSES, st.lists(LABELS, min_size=1, max_size=4).map(".".join)))
def test_domains_too(text: str) -> None:
    try:
        expected = addresses.canonical_domain(text)
    except BadAddress:
        with pytest.raises(canonical.BadForm):
            canonical.canonical_domain(text)
    else:
        assert canonical.canonical_domain(text) == expected


@settings(deadline=None)
@given(st.text())
def test_anything_found_in_a_message_is_folded_without_an_error(text: str) -> None:
    folded = canonical.fold_address(text)
    assert (
        canonical.fold_address(str(folded)).domain == folded.domain or '"' in text or "<" in text or not folded.domain
    )


@pytest.mark.parametrize(
    ("found", "folded"),
    [
        (" <Bob@Friends.EXAMPLE> ", "bob@friends.example"),
        ('"Bob"@friends.example', "bob@friends.example"),
        ("bob@friends.example.", "bob@friends.example"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("bob@[192.0.2.1]", "bob@[192.0.2.1]"),
        ("", ""),
    ],
)
def test_what_is_found_in_messages_gets_the_same_form(found: str, folded: str) -> None:
    assert str(canonical.fold_address(found)) == folded


def test_below_means_whole_labels() -> None:
    assert canonical.is_within("mail.example.org", "example.org")
    assert canonical.is_within("example.org", "example.org")
    assert not canonical.is_within("badexample.org", "example.org")
    assert not canonical.is_within("example.org", "")
