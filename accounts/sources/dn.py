"""Names of entries (DNs) for comparing: the same key for the ways in which one name may be written. Pure.

Not for asking a directory, which compares names itself. Source: RFC 4514 §2, §3 (escapes); RFC 4518 §2.6.1 (spaces
that don't count).
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SEPARATOR = re.compile(rb"((?:[^\\,]|\\.)*),?", re.DOTALL)


def folded(dn: str) -> str:
    """One key for all ways to write a name, or a group's name that is no DN: without spaces that don't count, in one
    case, escapes resolved. An escaped comma never becomes one that separates.
    """
    if "\\" not in dn:
        return ",".join(_part(part) for part in dn.split(","))
    raw = dn.encode("utf-8", "surrogateescape")
    parts = [found[1] for found in _SEPARATOR.finditer(raw) if found[0]]
    return ",".join(_escaped(part) for part in parts)


def _part(part: str) -> str:
    return "=".join(" ".join(side.split()) for side in part.split("=", 1)).casefold()


def _escaped(part: bytes) -> str:
    kind, equals, value = part.partition(b"=")
    text = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else found[2], value)
    plain = text.decode("utf-8", "replace").replace("\\", "\\\\").replace(",", "\\,").replace("+", "\\+")
    return _part(f"{kind.decode('utf-8', 'replace')}{equals.decode()}{plain}")
