"""What an entry of a directory means, from the bytes that a directory sends."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.sources.dn import folded
from accounts.sources.entries import MOST_BYTES, Entry, ranged, read_entry
from accounts.sources.kinds import Kind, clean

GUID = bytes(range(1, 17))  # not text; by its bytes 04030201-0605-0807-090a-0b0c0d0e0f10
SETTINGS = clean(Kind.ACTIVE_DIRECTORY, {"host": "dc.example.org", "base_dn": "dc=example", "quota_attribute": "quota"})


def entry(**attributes: Any) -> Entry:
    """Read from these attributes, each bytes or a list of them."""
    given = {"objectGUID": GUID, "mail": b"ada@example.org", **attributes}
    raw = {
        name.lower(): value if isinstance(value, list) else [value]
        for name, value in given.items()
        if value is not None
    }
    return read_entry(SETTINGS, {"dn": "cn=Ada,dc=example", "raw_attributes": raw})


def test_addresses_are_read_as_exchange_marks_them_in_any_case_and_alphabet() -> None:
    found = entry(
        mail="Ada@BÜCHER.example".encode(),
        proxyAddresses=[
            b"smtp:B@example.org",
            b"SMTP:ada@example.org",
            b"X500:/o=x",
            b"sip:ada@example.org",
            b"c@d.example",
        ],
    )
    assert found.address == "ada@xn--bcher-kva.example"
    assert found.aliases == ("ada@example.org", "b@example.org", "c@d.example")
    for nothing in (None, b"", b"\xff\xfe", b"ada", b"ada@example.org\nbcc: x@y.z", b"ada@", b'"a b"@example.org'):
        assert entry(mail=nothing).address == ""


def test_identities_are_never_confused() -> None:
    assert entry().id == "04030201-0605-0807-090a-0b0c0d0e0f10"
    sids = [b"\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00" + bytes([end]) * 16 for end in (0xE8, 0xE9)]
    odd = [b"a  b", b"a b", b"x" * 200 + b"1", b"x" * 200 + b"2", b"\xff", b"\xfe", *sids]
    assert len({entry(objectGUID=each).id for each in odd}) == len(odd)
    assert entry(objectGUID=[b"two", b"one"]).id == entry(objectGUID=[b"one", b"two"]).id
    assert entry(objectGUID=None).id == entry(objectGUID=b" ").id == ""


@pytest.mark.parametrize(
    ("value", "is_disabled"),
    [
        (b"514", True),
        (b"512", False),
        (b"66050", True),
        (b"-2147483646", True),
        (b"", None),
        (b"x", None),
        (None, None),
    ],
)
def test_accounts_are_disabled_by_their_second_bit_and_silence_says_nothing(
    value: bytes | None, is_disabled: bool | None
) -> None:
    assert entry(userAccountControl=value).is_disabled is is_disabled


def test_what_no_column_can_hold_is_cut_or_bounded() -> None:
    found = entry(displayName=b"A\0\x1b[31m\n" + b"x" * 10_000_000, quota=b"9" * 30)
    assert found.name.startswith("A [31m x") and len(found.name) == 200
    assert found.quota_bytes == MOST_BYTES < 1 << 63
    assert [entry(quota=each).quota_bytes for each in (b"5", b"-5", "٥".encode(), b"")] == [5 << 20, None, None, None]


def test_values_that_come_in_parts_are_asked_for_to_the_end() -> None:
    assert ranged({"member": [], "member;range=0-1499": [b"a"]}, "member") == ([b"a"], "member;range=1500-*")
    assert ranged({"member;range=1500-*": [b"b"]}, "member") == ([b"b"], None)
    assert ranged({"member": [b"a"]}, "member") == ([b"a"], None)
    assert ranged({"member;range=0-x": [b"a"], "members": [b"b"]}, "member") == ([b"a"], None)


def test_names_are_one_however_they_are_written_and_two_where_they_are_two() -> None:
    one = folded("cn=Lovelace\\, Ada,ou=People, dc=example")
    for same in ("CN=Lovelace\\2c Ada,OU=people,DC=example", "cn = Lovelace\\,  Ada , ou=People,dc=Example"):
        assert folded(same) == one
    for other in ("cn=Lovelace,Ada,ou=People,dc=example", "cn=Lovelace\\,Ada,ou=people,dc=example", "cn=Lovelace"):
        assert folded(other) != one
    assert folded("CN=Jörg") == folded("cn=J\\c3\\b6rg") and folded("All staff") == "all staff"
