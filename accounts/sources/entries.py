"""What an entry of a directory means: whose it is, their names and addresses, whether they are shut out. Pure.

Source: [MS-ADTS] §2.2.16 (userAccountControl: 2 is ACCOUNTDISABLE), [MS-OXOABK] §2.2.3.23 (proxyAddresses: `SMTP:` the
main one, `smtp:` others); RFC 4530 (entryUUID).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from accounts.addresses import parse_address
from accounts.errors import BadAddress

Settings = Mapping[str, Any]
ACCOUNT_DISABLED = 0x2
MOST_ADDRESSES = 1_000
MOST_GROUPS = 20_000
MOST_NAMES = 20
MOST_BYTES = 1 << 62  # beyond what any quota may be, and within what a database keeps
_UNITS = {"bytes": 1, "kb": 1 << 10, "mb": 1 << 20}
_RANGE = ";range="
_NOT = frozenset({"", "0", "no", "false"})
_ATTRIBUTES = (
    "id_attribute", "address_attribute", "name_attribute", "first_name_attribute", "last_name_attribute",
    "groups_attribute", "disabled_attribute", "aliases_attribute", "quota_attribute", "member_name_attribute",
    "primary_group_attribute",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of a directory. address: canonical, or "" where the entry has none that we can serve.

    others: more addresses of the same attribute, sorted: a directory gives values in any order, and who is known keeps
    the address they have. aliases: with the address itself where it stands among them. is_disabled: None where the
    directory should say it and doesn't, so that nothing changes. member_names: what groups call them instead of dn.
    primary_group: the number of the group that they are in without anybody saying so.
    """

    id: str
    dn: str
    address: str
    others: tuple[str, ...] = ()
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    aliases: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quota_bytes: int | None = None
    is_disabled: bool | None = False
    member_names: tuple[str, ...] = ()
    primary_group: str = ""

    def digest(self, roles: str = "") -> bytes:
        """What it says, in 16 bytes: the same as long as nothing changed. roles: what its groups come to."""
        said = (
            sorted((self.address, *self.others)), self.name, self.first_name, self.last_name, self.aliases,
            self.quota_bytes, self.is_disabled, self.dn, roles,
        )  # fmt: skip
        return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


def wanted_attributes(settings: Settings) -> list[str]:
    """The names of the attributes to ask for."""
    return list(dict.fromkeys(settings[name] for name in _ATTRIBUTES if settings.get(name)))


def read_entry(settings: Settings, raw: Mapping[str, Any]) -> Entry:
    """What one answer of a search says."""
    attributes: Mapping[str, list[bytes]] = raw["raw_attributes"]
    has_parts = any(_RANGE in name for name in attributes)

    def values(setting: str) -> list[bytes]:
        name = str(settings.get(setting, "")).lower()
        return ranged(attributes, name)[0] if has_parts and name else attributes.get(name, [])

    def first(setting: str, length: int) -> str:
        found = values(setting)
        return _text(found[0], length) if found else ""

    address, *others = _addresses(values("address_attribute")) or [""]
    return Entry(
        id=_identity(values("id_attribute")),
        dn=str(raw["dn"]).replace("\0", "\\00"),
        address=address,
        others=tuple(sorted(others)),
        name=first("name_attribute", 200),
        first_name=first("first_name_attribute", 100),
        last_name=first("last_name_attribute", 100),
        aliases=tuple(sorted(_addresses(values("aliases_attribute")))),
        groups=tuple(_text(each, 500) for each in values("groups_attribute")[:MOST_GROUPS]),
        quota_bytes=_quota(first("quota_attribute", 30), settings["quota_unit"]),
        member_names=tuple(_text(each, 200) for each in values("member_name_attribute")[:MOST_NAMES]),
        primary_group=first("primary_group_attribute", 20),
        is_disabled=_disabled(settings["disabled_attribute"], values("disabled_attribute")),
    )


def ranged(attributes: Mapping[str, list[bytes]], name: str) -> tuple[list[bytes], str | None]:
    """The values of an attribute among others (by names in lower case), and what to ask for to have more of them: None
    where that is all.

    Source: [MS-ADTS] §3.1.1.3.1.3.3 (range retrieval: `member;range=0-1499`, and `-*` for the last part).
    """
    wanted = name.lower()
    more: tuple[list[bytes], str | None] = ([], None)
    for key, values in attributes.items():
        kind, _semicolon, option = key.partition(_RANGE)
        if kind != wanted:
            continue
        if values and not option:
            return list(values), None
        last = option.partition("-")[2]
        if values and last:
            more = (list(values), f"{wanted}{_RANGE}{int(last) + 1}-*" if last.isdecimal() else None)
    return more


@lru_cache(1_000)  # most entries have their address twice: as the main one, and among all
def canonical(text: str) -> str:
    """An address as accounts keep it; "" for what is none."""
    try:
        return str(parse_address(text)) if text else ""
    except BadAddress:
        return ""


def _text(value: bytes, length: int) -> str:
    """One line of so many characters at most."""
    text = value[: 8 * length].decode("utf-8", "replace")
    if len(text) <= length and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(text.split())[:length]


def _identity(values: list[bytes]) -> str:
    """As text: a GUID of Active Directory is sixteen bytes, little-endian in its first three parts. Bytes that are no
    text are told apart by their hash, and several values by the first in their order.
    """
    if not values:
        return ""
    value = bytes(min(values))
    if len(value) == 16 and not (value.isascii() and value.decode("ascii").isprintable()):
        return str(uuid.UUID(bytes_le=value))
    text = _text(value, 200)
    if text.encode() == value.strip():
        return text
    return f"#{hashlib.blake2b(value, digest_size=24).hexdigest()}" if value.strip() else ""


def _addresses(values: list[bytes]) -> list[str]:
    """Those of mail, canonical: what is marked as the main one, then the others as they came, each once."""
    first: list[str] = []
    rest: list[str] = []
    for value in values if len(values) <= MOST_ADDRESSES else sorted(values)[:MOST_ADDRESSES]:
        scheme, colon, address = _text(value, 330).partition(":")
        if colon and scheme.lower() != "smtp":
            continue  # X500, SIP and others are no addresses of mail
        if found := canonical(address if colon else scheme):
            (first if colon and scheme == "SMTP" else rest).append(found)
    return list(dict.fromkeys(first + rest))


def _quota(text: str, unit: str) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return min(int(text) * _UNITS[unit], MOST_BYTES)


def _disabled(attribute: str, values: list[bytes]) -> bool | None:
    """Of userAccountControl the second bit; everybody has it there, so that whose we can't read it says nothing."""
    value = _text(values[0], 100) if values else ""
    if attribute.lower() == "useraccountcontrol":
        if not re.fullmatch(r"-?[0-9]{1,20}", value):
            return None
        return bool(int(value) & ACCOUNT_DISABLED)
    return value.strip().lower() not in _NOT
