"""Values as text. What is quoted and what isn't is chosen for the clients there are: their parsers differ, and only
letters, digits and `. _ @ -` are read unquoted by all of them. No blank after `,`, `=` or `;`. Not for reading.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from decimal import Decimal

from api.communigate.format.values import Address, Moment, Value, Xml

_ATOM = re.compile(r"(?!true|false)[A-Za-z0-9][A-Za-z0-9._@-]*")  # one client takes these beginnings for truth values
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t"}


def write_value(value: Value) -> str:
    """One line of text. Never raises on anything of the type."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def write_string(text: str) -> str:
    """As an atom where every client reads it as one, else quoted."""
    if _ATOM.fullmatch(text):
        return text
    return f'"{_SPECIAL.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    """Line ends of other alphabets too: clients read lines. A code is written byte by byte in UTF-8."""
    letter = found[0]
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return "".join(f"\\{byte:03}" for byte in letter.encode("utf-8", "replace"))


def _write(value: Value, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(write_string(value))
    elif isinstance(value, dict):
        parts.append("{")
        for key, inner in value.items():
            parts.append(f"{write_string(key)}=")
            _write(inner, parts)
            parts.append(";")
        parts.append("}")
    elif isinstance(value, list):
        parts.append("(")
        for number, inner in enumerate(value):
            if number:
                parts.append(",")
            _write(inner, parts)
        parts.append(")")
    else:
        parts.append(_plain(value))


def _plain(value: int | float | bytes | datetime | Moment | Address | Xml | None) -> str:
    if value is None:
        return "#NULL#"
    if isinstance(value, bool):  # strings YES and NO: the format has no truth values
        return "YES" if value else "NO"
    if isinstance(value, float):  # without an exponent, which nobody reads
        text = f"{Decimal(repr(value)):f}"
        return f"#{text}" if "." in text else f"#{text}.0"
    if isinstance(value, int):
        return f"#{value}"
    if isinstance(value, bytes):
        return f"[{base64.b64encode(value).decode()}]"
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return f"#T{at:%d-%m}-{at.year:04}_{at:%H:%M:%S}"
    if isinstance(value, Moment):
        return f"#T{value.value}"
    if isinstance(value, Address):
        return f"#I[{value.ip}]" + (f":{value.port}" if value.port is not None else "")
    return value.text
