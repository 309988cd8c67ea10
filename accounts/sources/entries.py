"""What an entry of a directory means: whose it is, their names and addresses, whether they are shut out. Pure.

Source: [MS-ADTS] §2.2.16 (userAccountControl: 2 is ACCOUNTDISABLE), [MS-OXOABK] §2.2.3.23 (proxyAddresses: `SMTP:` the
main one, `smtp:` others); RFC 4530 (entryUUID).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.addresses import parse_address
from accounts.errors import BadAddress

Settings = Mapping[str, Any]
ACCOUNT_DISABLED = 0x2
MOST_ALIASES = 200
MOST_GROUPS = 1_000
_UNITS = {"bytes": 1, "kb": 1 << 10, "mb": 1 << 20}
_NOT = frozenset({"", "0", "no", "false"})
_ATTRIBUTES = (
    "id_attribute", "address_attribute", "name_attribute", "first_name_attribute", "last_name_attribute",
    "groups_attribute", "disabled_attribute", "aliases_attribute", "quota_attribute",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A person of a directory. address: canonical, or "" where the entry has none that we can serve."""

    id: str
    dn: str
    address: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    aliases: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    quota_bytes: int | None = None
    is_disabled: bool = False
    raw_address: str = field(default="", compare=False)

    def digest(self, roles: str = "") -> bytes:
        """What it says, in 16 bytes: the same as long as nothing changed. roles: what its groups come to."""
        said = (
            self.address, self.name, self.first_name, self.last_name, self.aliases, self.quota_bytes,
            self.is_disabled, self.dn, roles,
        )  # fmt: skip
        return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


def wanted_attributes(settings: Settings) -> list[str]:
    """The names of the attributes to ask for."""
    return list(dict.fromkeys(settings[name] for name in _ATTRIBUTES if settings[name]))


def read_entry(settings: Settings, raw: Mapping[str, Any]) -> Entry:
    """What one answer of a search says."""
    values = {str(name).lower(): found for name, found in raw["raw_attributes"].items()}

    def first(setting: str, length: int) -> str:
        found = values.get(settings[setting].lower()) if settings[setting] else None
        return _text(found[0], length) if found else ""

    written = first("address_attribute", 320)
    address = canonical(written)
    return Entry(
        id=_identity(values.get(settings["id_attribute"].lower()) or []),
        dn=str(raw["dn"])[:500],
        address=address,
        name=first("name_attribute", 200),
        first_name=first("first_name_attribute", 100),
        last_name=first("last_name_attribute", 100),
        aliases=_aliases(values.get(settings["aliases_attribute"].lower()) or [], address),
        groups=tuple(
            _text(each, 500) for each in (values.get(settings["groups_attribute"].lower()) or [])[:MOST_GROUPS]
        ),
        quota_bytes=_quota(first("quota_attribute", 30), settings["quota_unit"]),
        is_disabled=_disabled(settings["disabled_attribute"], first("disabled_attribute", 100)),
        raw_address=written,
    )


def canonical(text: str) -> str:
    """An address as accounts keep it; "" for what is none."""
    try:
        return str(parse_address(text)) if text else ""
    except BadAddress:
        return ""


def _text(value: bytes, length: int) -> str:
    """One line of so many characters at most."""
    text = value.decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(text.split())[:length]


def _identity(values: list[bytes]) -> str:
    """As text: a GUID of Active Directory is sixteen bytes, little-endian in its first three parts."""
    if not values:
        return ""
    value = bytes(values[0])
    if len(value) == 16 and not (value.isascii() and value.decode("ascii").isprintable()):
        return str(uuid.UUID(bytes_le=value))
    return _text(value, 200)


def _aliases(values: list[bytes], own: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values[:MOST_ALIASES]:
        text = _text(value, 320)
        scheme, colon, rest = text.partition(":")
        if colon and scheme.lower() != "smtp":
            continue  # X500, SIP and others are no addresses of mail
        address = canonical(rest if colon else text)
        if address and address != own:
            found[address] = None
    return tuple(sorted(found))


def _quota(text: str, unit: str) -> int | None:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        return None
    return int(text) * _UNITS[unit]


def _disabled(attribute: str, value: str) -> bool:
    if attribute.lower() == "useraccountcontrol":
        return value.lstrip("-").isdecimal() and bool(int(value) & ACCOUNT_DISABLED)
    return value.strip().lower() not in _NOT
