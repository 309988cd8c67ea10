"""Who a connection is really from, as a proxy or Postfix tells: PROXY headers (v1, v2), XCLIENT, XFORWARD. Pure.

Only read from networks that are named for it (`door.Settings`); anybody else could claim any address.

Source: "The PROXY protocol" (HAProxy), §2.1 and §2.2; Postfix XCLIENT_README and XFORWARD_README.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from gateway.smtp.commands import Refused, xtext

V1_BYTES = 107
V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED = 16
_V2_MOST = 4096
XCLIENT = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT")
XFORWARD = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
_UNKNOWN = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}")


class BadHeader(Exception):
    """What comes from a proxy is no PROXY header."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the proxy's own client is; None: the proxy speaks for itself."""

    address: str
    port: int


def take_header(buffer: bytearray) -> tuple[bool, Origin | None]:
    """Take the PROXY header from the beginning of a buffer: (is it whole, whom it names). Raises: BadHeader."""
    if buffer.startswith(V2_SIGNATURE[: len(buffer)]) and len(buffer) < len(V2_SIGNATURE):
        return False, None
    if buffer.startswith(V2_SIGNATURE):
        return _take_v2(buffer)
    if not buffer.startswith(b"PROXY "[: len(buffer)]):
        raise BadHeader
    end = buffer.find(b"\r\n", 0, V1_BYTES)
    if end < 0:
        if len(buffer) >= V1_BYTES:
            raise BadHeader
        return False, None
    words = bytes(buffer[:end]).decode("ascii", "replace").split(" ")
    del buffer[: end + 2]
    if words[1:2] == ["UNKNOWN"]:
        return True, None
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        raise BadHeader
    return True, _origin(words[2], words[4], version=int(words[1][3]))


def _take_v2(buffer: bytearray) -> tuple[bool, Origin | None]:
    if len(buffer) < _V2_FIXED:
        return False, None
    command, family = buffer[12], buffer[13]
    size = int.from_bytes(buffer[14:16], "big")
    if command >> 4 != 2 or command & 15 > 1 or size > _V2_MOST:
        raise BadHeader
    if len(buffer) < _V2_FIXED + size:
        return False, None
    data = bytes(buffer[_V2_FIXED : _V2_FIXED + size])
    del buffer[: _V2_FIXED + size]
    width = {0x11: 4, 0x21: 16}.get(family)
    if command & 15 == 0 or width is None:  # LOCAL, or not TCP over IP
        return True, None
    if size < 2 * width + 4:
        raise BadHeader
    port = int.from_bytes(data[2 * width : 2 * width + 2], "big")
    return True, Origin(str(ip_address(data[:width])), port)


def _origin(address: str, port: str, *, version: int) -> Origin:
    try:
        found = ip_address(address)
    except ValueError:
        raise BadHeader from None
    if found.version != version or not port.isdecimal() or int(port) > 65535:
        raise BadHeader
    return Origin(str(found), int(port))


def attributes(text: str, known: tuple[str, ...]) -> dict[str, str]:
    """NAME=value pairs of XCLIENT or XFORWARD; what isn't known to the speaker is "". Raises: Refused."""
    found: dict[str, str] = {}
    for item in text.split():
        name, equals, value = item.partition("=")
        name = name.upper()
        if not equals or name not in known:
            raise Refused(501, "5.5.4", "That attribute is not known here")
        plain = xtext(value)
        found[name] = "" if plain.upper() in _UNKNOWN else plain
    if not found:
        raise Refused(501, "5.5.4", "Attributes are missing")
    if found.get("ADDR"):
        found["ADDR"] = _address(found["ADDR"])
    for name in ("PORT", "DESTPORT"):
        if found.get(name) and not (found[name].isdecimal() and int(found[name]) < 65536):
            raise Refused(501, "5.5.4", f"{name} is not a port")
    for name in ("NAME", "HELO"):
        if found.get(name) and not _HOST.fullmatch(found[name]):
            raise Refused(501, "5.5.4", f"{name} is not a name")
    return found


def _address(text: str) -> str:
    try:
        return str(ip_address(text[5:] if text[:5].upper() == "IPV6:" else text))
    except ValueError:
        raise Refused(501, "5.5.4", "ADDR is not an address") from None
