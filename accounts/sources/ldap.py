"""What is asked of a directory: find a person by an address and check their password; read everybody.

What somebody typed stands in a filter only escaped (`filters`). The password is checked by signing in under the name
that was found, on a connection of its own. Not for what entries mean (`entries`), nor for who is in which groups
(`group_members`).

Source: RFC 4513 §5.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.sources import group_members
from accounts.sources.dn import folded
from accounts.sources.entries import Entry, read_entry, wanted_attributes
from accounts.sources.errors import Denied, SourceMisconfigured
from accounts.sources.filters import fill
from accounts.sources.group_members import Members
from accounts.sources.ldap_talk import Talk
from accounts.sources.reaching import Place, Security

Settings = Mapping[str, Any]
_NOBODY = "cn=nobody-with-this-name"


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
        asks = self.settings["group_member_attribute"] or self.settings.get("nested_groups") or entry.primary_group
        if not asks or all(folded(each) in own for each in groups):
            return {each for each in groups if folded(each) in own}
        with self.talk() as talk:
            return group_members.groups_of(talk, self.settings, entry, groups)

    def members(self, groups: Sequence[str]) -> Members:
        """Who is in these groups as the groups say, for a synchronisation; a group that isn't there has nobody."""
        if not groups:
            return Members()
        with self.talk() as talk:
            return group_members.read_members(talk, self.settings, groups)

    def everybody(self) -> Iterator[list[Entry]]:
        """Everybody whom the filter of the synchronisation finds, a page at a time."""
        query, size = self.settings["sync_filter"], self.settings["page_size"]
        with self.talk() as talk:
            for page in talk.pages(self.settings["base_dn"], query, wanted_attributes(self.settings), size=size):
                yield [read_entry(self.settings, each) for each in page]
