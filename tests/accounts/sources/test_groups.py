"""Who is in which groups, asked of a real directory: at a sign-in from the person up, in a synchronisation from the
groups down; both must find the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from accounts.sources import group_members
from accounts.sources.entries import Entry
from accounts.sources.errors import SourceMisconfigured
from accounts.sources.kinds import Kind, clean
from accounts.sources.ldap import Directory
from accounts.sources.ldap_talk import Talk
from tests.slapd import GROUPS, ROOT_PASSWORD, Slapd, needs_slapd

THEIRS = "the password over there"


def directory(slapd: Slapd, **more: object) -> Directory:
    return Directory(clean(Kind.LDAP, slapd.settings(**more)), ROOT_PASSWORD)


def groups_of(found: Directory, address: str, groups: Sequence[str]) -> set[str]:
    """As both ways say."""
    entry = found.check(address, THEIRS)
    at_sign_in = found.groups_of(entry, groups)
    own = {each for each in groups if each in entry.groups}
    assert at_sign_in == own | found.members(groups).groups_of(entry)
    return at_sign_in


@needs_slapd
def test_posix_groups_name_their_members_by_uid(slapd: Slapd) -> None:
    slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS, uid="ada")
    slapd.add_person("No Uid", "none@example.org", THEIRS)
    masters, others = slapd.add_posix_group("masters", "ada", "bob"), slapd.add_posix_group("others", "ada lovelace")
    found = directory(slapd, group_member_attribute="memberUid", member_name_attribute="uid")
    assert groups_of(found, "ada@example.org", [masters, others]) == {masters}
    assert groups_of(found, "none@example.org", [masters, others]) == set()
    assert groups_of(directory(slapd), "ada@example.org", [masters]) == set()


@needs_slapd
def test_a_uid_is_no_way_into_a_filter(slapd: Slapd) -> None:
    slapd.add_person("Eve Low", "eve@example.org", THEIRS, uid="*)(memberUid=*")
    masters = slapd.add_posix_group("masters", "ada")
    found = directory(slapd, group_member_attribute="memberUid", member_name_attribute="uid")
    assert groups_of(found, "eve@example.org", [masters]) == set()


@needs_slapd
def test_groups_in_groups_count_where_they_shall_and_a_circle_of_them_ends(slapd: Slapd) -> None:
    ada = slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS)
    inner = slapd.add_group(r"inner\, really", ada)
    middle = slapd.add_group("middle", inner)
    outer = slapd.add_group("outer", middle)
    other = slapd.add_group("other", outer)
    slapd.change(inner, member=[ada, outer])  # inner is in middle, that in outer, and that in inner
    alone = slapd.add_group("alone", slapd.add_person("Bob Low", "bob@example.org", THEIRS))
    groups = [outer, other, alone]
    assert groups_of(directory(slapd), "ada@example.org", groups) == set()
    found = directory(slapd, nested_groups=True, groups_base_dn=GROUPS)
    assert groups_of(found, "ada@example.org", groups) == {outer, other}
    assert groups_of(found, "bob@example.org", groups) == {alone}


@needs_slapd
def test_more_groups_than_are_walked_are_refused_and_not_cut(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    last = slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS)
    for number in range(4):
        last = slapd.add_group(f"level {number}", last)
    found = directory(slapd, nested_groups=True, groups_base_dn=GROUPS)
    assert groups_of(found, "ada@example.org", [last]) == {last}
    monkeypatch.setattr(group_members, "MOST_GROUPS", 3)
    for ask in (lambda: found.groups_of(found.check("ada@example.org", THEIRS), [last]), lambda: found.members([last])):
        with pytest.raises(SourceMisconfigured, match="more members"):
            ask()


@needs_slapd
def test_the_primary_group_of_active_directory_counts(slapd: Slapd) -> None:
    slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS, primaryGroupID=513)
    slapd.add_person("Bob Low", "bob@example.org", THEIRS)
    users, guests = slapd.add_numbered_group("users", 513), slapd.add_numbered_group("guests", 514)
    found = directory(slapd, primary_group_attribute="primaryGroupID")
    assert groups_of(found, "ada@example.org", [users, guests]) == {users}
    assert groups_of(found, "bob@example.org", [users, guests]) == set()


@needs_slapd
def test_a_group_that_is_no_name_of_an_entry_spoils_nothing_of_the_others(slapd: Slapd) -> None:
    ada = slapd.add_person("Ada Lovelace", "ada@example.org", THEIRS, primaryGroupID=513)
    masters = slapd.add_group("masters", ada)
    for more in ({}, {"nested_groups": True, "groups_base_dn": GROUPS}, {"primary_group_attribute": "primaryGroupID"}):
        assert groups_of(directory(slapd, **more), "ada@example.org", ["Domain Admins", masters]) == {masters}


class ActiveDirectory:
    """What Active Directory answers, of which there is none here: its rule alone, and nothing to walk through."""

    def __init__(self, below: dict[str, list[str]]) -> None:
        self.below = below

    def read(self, dn: str, attributes: Sequence[str]) -> Any:
        assert dn == "", "a directory that follows groups by itself isn't walked through"
        return {"dn": "", "raw_attributes": {"supportedcapabilities": [b"1.2.840.113556.1.4.800"]}}

    def matches(self, dn: str, query: str) -> bool:
        return any(self._asks(query, group) and dn in people for group, people in self.below.items())

    def pages(self, base: str, query: str, attributes: Sequence[str], *, size: int) -> Iterator[list[dict[str, str]]]:
        yield [{"dn": dn} for group, people in self.below.items() if self._asks(query, group) for dn in people]

    @staticmethod
    def _asks(query: str, group: str) -> bool:
        name = group.replace("=", r"\3d")
        return query == f"(memberOf:1.2.840.113556.1.4.1941:={name})"


def test_active_directory_follows_groups_in_groups_by_itself() -> None:
    talk = cast(Talk, ActiveDirectory({"cn=masters": ["cn=ada"], "cn=others": ["cn=bob"]}))
    settings = clean(
        Kind.ACTIVE_DIRECTORY,
        {"host": "dc.example", "base_dn": "dc=x", "nested_groups": True, "primary_group_attribute": ""},
    )
    ada = Entry(id="1", dn="cn=ada", address="ada@example.org")
    groups = ["cn=masters", "cn=others"]
    assert group_members.groups_of(talk, settings, ada, groups) == {"cn=masters"}
    assert group_members.read_members(talk, settings, groups).groups_of(ada) == {"cn=masters"}
