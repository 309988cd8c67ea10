"""What is asked of a directory: find a person by an address and check their password; read everybody.

What somebody typed stands in a filter only escaped, every byte that isn't a letter or a digit. The password is checked
by signing in under the name that was found, on a connection of its own. Not for what entries mean (`entries`).

Source: RFC 4515 §3 (escaping), RFC 4513 §5.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.sources.dn import folded
from accounts.sources.entries import Entry, ranged, read_entry, wanted_attributes
from accounts.sources.errors import Denied, SourceMisconfigured
from accounts.sources.ldap_talk import Talk
from accounts.sources.reaching import Place, Security

Settings = Mapping[str, Any]
_PLACEHOLDER = re.compile(r"\{(address|local|domain)\}")
_NOBODY = "cn=nobody-with-this-name"
MOST_MEMBERS = 200_000


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory as it was configured; `password` is that of the account which searches."""

    settings: Settings
    password: str = field(default="", repr=False)
    who: str = ""

    @property
    def place(self) -> Place:
        said = self.settings
        return Place(
            said["host"], said["port"], Security(said["security"]), said["ca_pem"], float(said["timeout_s"]), self.who
        )

    def talk(self) -> Talk:
        """Signed in as the account that searches. Raises: SourceUnavailable, SourceMisconfigured."""
        talk = Talk(self.place)
        try:
            if not talk.bind(self.settings["bind_dn"], self.password):
                raise SourceMisconfigured("the directory doesn't take the name and password that it is searched with")
        except BaseException:
            talk.close()
            raise
        return talk

    def find(self, address: str, talk: Talk) -> Entry | None:
        """The one person with this address. Raises: Denied (several), SourceUnavailable, SourceMisconfigured."""
        query = fill(self.settings["login_filter"], address)
        found = talk.search(self.settings["base_dn"], query, wanted_attributes(self.settings), most=2)
        if len(found) > 1:
            raise Denied("the filter finds more than one person of this address")
        return read_entry(self.settings, found[0]) if found else None

    def check(self, address: str, password: str) -> Entry:
        """The person whose password this is.

        Somebody unknown costs a sign-in too, under a name that nobody has, so that the time tells nothing.
        Raises: Denied, SourceUnavailable, SourceMisconfigured.
        """
        if not password:
            raise Denied("no password")
        with self.talk() as talk:
            entry = self.find(address, talk)
            dn = entry.dn if entry is not None else f"{_NOBODY},{self.settings['base_dn']}"
            if not talk.bind(dn, password) or entry is None:
                raise Denied("the directory says no")
            if entry.is_disabled:
                raise Denied("disabled in the directory")
        return entry

    def groups_of(self, entry: Entry, groups: Sequence[str]) -> set[str]:
        """Those of these groups (by their names) somebody is in, as the entry says or the groups do."""
        own = {folded(each) for each in entry.groups}
        found = {each for each in groups if folded(each) in own}
        member = self.settings["group_member_attribute"]
        rest = [each for each in groups if each not in found]
        if member and rest:
            with self.talk() as talk:
                found |= {each for each in rest if _is_member(talk, each, member, entry.dn)}
        return found

    def members(self, groups: Sequence[str]) -> dict[str, set[str]]:
        """{group: names of its members, folded}, for a synchronisation; a group that isn't there has none."""
        member = self.settings["group_member_attribute"]
        if not member or not groups:
            return {}
        found: dict[str, set[str]] = {}
        with self.talk() as talk:
            for group in groups:
                found[group] = {folded(each) for each in _members(talk, group, member)}
        return found

    def everybody(self) -> Iterator[list[Entry]]:
        """Everybody whom the filter of the synchronisation finds, a page at a time."""
        query, size = self.settings["sync_filter"], self.settings["page_size"]
        with self.talk() as talk:
            for page in talk.pages(self.settings["base_dn"], query, wanted_attributes(self.settings), size=size):
                yield [read_entry(self.settings, each) for each in page]


def escape(text: str) -> str:
    """A value in a filter: every byte that is no letter or digit as its number (RFC 4515 §3)."""
    return "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:02x}" for byte in text.encode()
    )


def fill(template: str, address: str) -> str:
    """A filter with what somebody signs in with in it, escaped."""
    local, _at, domain = address.rpartition("@")
    values = {"address": address, "local": local, "domain": domain}
    return _PLACEHOLDER.sub(lambda match: escape(values[match[1]]), template)


def _members(talk: Talk, group: str, member: str) -> list[str]:
    """The values of a group's attribute; large ones come in parts where the directory is an Active Directory.

    Raises: SourceMisconfigured where there are too many: who is cut off would lose what the group gives.
    """
    found: list[bytes] = []
    asked: str | None = member
    while asked:
        entry = talk.read(group, [asked])
        part, asked = ranged({} if entry is None else entry["raw_attributes"], member)
        found += part
        if len(found) > MOST_MEMBERS:
            text = "a group has more members than are read"
            raise SourceMisconfigured(text, detail=f"{text} ({MOST_MEMBERS}): {group}")
    return [bytes(each).decode("utf-8", "replace") for each in found]


def _is_member(talk: Talk, group: str, member: str, dn: str) -> bool:
    query = f"({member}={escape(dn)})"
    return bool(talk.search(group, query, ["1.1"], most=1, may_be_gone=True))
