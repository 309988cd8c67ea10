"""Who is in which groups of a directory: by what people's entries say, by what groups say, through groups in groups,
and by the primary group of Active Directory. Bounded, and no circle of groups is walked twice.

At a sign-in the walk goes up from the person; a synchronisation reads the members of the few groups that give
something. Where the directory follows groups in groups by itself (Active Directory), it is asked to. Not for what a
group gives (`services.group_roles`).

Source: [MS-ADTS] §3.1.1.3.4.4.3 (LDAP_MATCHING_RULE_TRANSITIVE_EVAL), §3.1.1.4.5.12 (primaryGroupToken); RFC 2307 §4
(memberUid).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.sources.dn import folded
from accounts.sources.entries import Entry, ranged
from accounts.sources.errors import SourceMisconfigured
from accounts.sources.filters import escape
from accounts.sources.ldap_talk import Talk

Settings = Mapping[str, Any]
IN_CHAIN = "1.2.840.113556.1.4.1941"
ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"  # what its root says it can do
MOST_MEMBERS = 200_000
MOST_GROUPS = 5_000  # that are walked through, for one person or one group
MOST_IN_FILTER = 50
DEEPEST = 20
TOKEN = "primaryGroupToken"  # noqa: S105  # an attribute


@dataclass(frozen=True, slots=True)
class Members:
    """Of some groups: their members by name, folded (names of entries, or what the group calls people), and the number
    by which a person's entry names its primary group.
    """

    names: dict[str, set[str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def groups_of(self, entry: Entry) -> set[str]:
        """Those of these groups that this person is in, as the groups say."""
        called = {folded(entry.dn), *map(folded, entry.member_names)}
        found = {group for group, names in self.names.items() if not called.isdisjoint(names)}
        return found | {group for group, token in self.tokens.items() if token and token == entry.primary_group}


def read_members(talk: Talk, settings: Settings, groups: Sequence[str]) -> Members:
    """Everybody in these groups, for a synchronisation; a group that isn't there has nobody.

    Raises: SourceUnavailable, SourceMisconfigured (a group has more than are read: who is cut off would lose what it
    gives).
    """
    groups = [each for each in groups if _is_name(each)]
    found = Members(tokens=_tokens(talk, settings, groups))
    if settings.get("nested_groups") and _follows_by_itself(talk):
        for group in groups:
            found.names[group] = _everybody_below(talk, settings, group)
        return found
    member = settings["group_member_attribute"]
    if member:
        is_group = _all_groups(talk, settings, member) if settings.get("nested_groups") and groups else frozenset()
        for group in groups:
            found.names[group] = _walk_down(talk, group, member, is_group)
    return found


def groups_of(talk: Talk, settings: Settings, entry: Entry, groups: Sequence[str]) -> set[str]:
    """Those of these groups somebody is in, as their entry or the groups say. Raises: as `read_members`."""
    by_folded = {folded(each): each for each in groups}
    own = {folded(each) for each in entry.groups}
    found = {name for key, name in by_folded.items() if key in own}
    groups = [each for each in groups if _is_name(each)]
    found |= Members(tokens=_tokens(talk, settings, groups) if entry.primary_group else {}).groups_of(entry)
    member = settings["group_member_attribute"]
    if settings.get("nested_groups"):
        if _follows_by_itself(talk):
            rule = f"(memberOf:{IN_CHAIN}:=%s)"
            return found | {each for each in groups if talk.matches(entry.dn, rule % escape(each))}
        above = _walk_up(talk, settings, entry, member)
        return found | {name for key, name in by_folded.items() if key in above}
    if member:
        query = _any_of(member, _called(settings, entry))
        rest = [each for each in groups if each not in found]
        found |= {each for each in rest if query and talk.search(each, query, ["1.1"], most=1, may_be_gone=True)}
    return found


def _is_name(group: str) -> bool:
    """Whether it can be the name of an entry. One that is a plain word is in no directory, and asking for it is an
    error there: everybody would keep what they have, whatever the other groups say.
    """
    return "=" in group


def _called(settings: Settings, entry: Entry) -> Sequence[str]:
    """How groups name this person."""
    return entry.member_names if settings.get("member_name_attribute") else (entry.dn,)


def _any_of(attribute: str, values: Iterable[str]) -> str:
    """A filter; "" for no values."""
    terms = "".join(f"({attribute}={escape(each)})" for each in values)
    return f"(|{terms})" if terms else ""


def _follows_by_itself(talk: Talk) -> bool:
    """Whether the directory knows the rule that follows groups in groups; others answer such a filter with nobody."""
    root = talk.read("", ["supportedCapabilities"])
    return root is not None and ACTIVE_DIRECTORY in root["raw_attributes"].get("supportedcapabilities", [])


def _tokens(talk: Talk, settings: Settings, groups: Sequence[str]) -> dict[str, str]:
    if not settings.get("primary_group_attribute"):
        return {}
    found = {}
    for group in groups:
        entry = talk.read(group, [TOKEN])
        values = [] if entry is None else entry["raw_attributes"].get(TOKEN.lower(), [])
        found[group] = bytes(values[0]).decode("ascii", "replace") if values else ""
    return found


def _everybody_below(talk: Talk, settings: Settings, group: str) -> set[str]:
    found: set[str] = set()
    query = f"(memberOf:{IN_CHAIN}:={escape(group)})"
    for page in talk.pages(settings["base_dn"], query, ["1.1"], size=settings["page_size"]):
        found |= {folded(each["dn"]) for each in page}
        _require_bounded(len(found), MOST_MEMBERS, group)
    return found


def _groups_base(settings: Settings) -> str:
    return str(settings.get("groups_base_dn") or settings["base_dn"])


def _all_groups(talk: Talk, settings: Settings, member: str) -> frozenset[str]:
    """The names of all that have members, folded: which members of a group are groups themselves."""
    found: set[str] = set()
    for page in talk.pages(_groups_base(settings), f"({member}=*)", ["1.1"], size=settings["page_size"]):
        found |= {folded(each["dn"]) for each in page}
        _require_bounded(len(found), MOST_MEMBERS, _groups_base(settings))
    return frozenset(found)


def _walk_down(talk: Talk, group: str, member: str, is_group: frozenset[str]) -> set[str]:
    found: set[str] = set()
    walked, waiting = {folded(group)}, [group]
    while waiting:
        for name in _values(talk, waiting.pop(), member):
            key = folded(name)
            if key in is_group and key not in walked:
                walked.add(key)
                waiting.append(name)
                _require_bounded(len(walked), MOST_GROUPS, group)
            found.add(key)
        _require_bounded(len(found), MOST_MEMBERS, group)
    return found


def _walk_up(talk: Talk, settings: Settings, entry: Entry, member: str) -> set[str]:
    """The names, folded, of all groups somebody is in, however many groups lie between."""
    above = {folded(each): each for each in entry.groups}
    above |= {folded(each): each for each in _parents(talk, settings, member, _called(settings, entry))}
    latest = list(above.values())
    for _level in range(DEEPEST):
        latest = [each for each in _next_up(talk, settings, member, latest) if folded(each) not in above]
        if not latest:
            break
        above |= {folded(each): each for each in latest}
        _require_bounded(len(above), MOST_GROUPS, entry.dn)
    return set(above)


def _next_up(talk: Talk, settings: Settings, member: str, groups: Sequence[str]) -> list[str]:
    found = _parents(talk, settings, member, groups)
    attribute = settings["groups_attribute"]
    for group in groups if attribute else ():
        found += _values(talk, group, attribute)
    return list({folded(each): each for each in found}.values())


def _parents(talk: Talk, settings: Settings, member: str, names: Sequence[str]) -> list[str]:
    """The groups that name one of these as a member."""
    found: list[str] = []
    for at in range(0, len(names) if member else 0, MOST_IN_FILTER):
        query = _any_of(member, names[at : at + MOST_IN_FILTER])
        base = _groups_base(settings)
        found += [each["dn"] for each in talk.search(base, query, ["1.1"], most=MOST_GROUPS + 1, may_be_gone=True)]
    return found


def _values(talk: Talk, group: str, attribute: str) -> list[str]:
    """The values of a group's attribute; large ones come in parts where the directory is an Active Directory."""
    found: list[bytes] = []
    asked: str | None = attribute
    while asked:
        entry = talk.read(group, [asked])
        part, asked = ranged({} if entry is None else entry["raw_attributes"], attribute)
        found += part
        _require_bounded(len(found), MOST_MEMBERS, group)
    return [bytes(each).decode("utf-8", "replace") for each in found]


def _require_bounded(count: int, most: int, group: str) -> None:
    if count > most:
        text = "a group has more members than are read"
        raise SourceMisconfigured(text, detail=f"{text} ({most}): {group}")
