"""AUTH PLAIN and LOGIN: what a client says, as a name and a password. Pure.

Source: RFC 4954; RFC 4616 (PLAIN); draft-murchison-sasl-login.
"""

from __future__ import annotations

import base64
import binascii

from gateway.smtp.commands import Refused

MECHANISMS = ("PLAIN", "LOGIN")
ASK_NAME = base64.b64encode(b"Username:").decode()
ASK_PASSWORD = base64.b64encode(b"Password:").decode()
_MOST = 1024


def decode(text: str) -> str:
    """A client's Base64 as text ("=" is an empty one). Raises: Refused."""
    if text == "*":
        raise Refused(501, "5.7.0", "Given up, as you wish")
    if text == "=":
        return ""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(501, "5.5.2", "That is not Base64") from None


def plain(text: str) -> tuple[str, str]:
    """Name and password out of a PLAIN response. Raises: Refused, also for acting as somebody else."""
    parts = decode(text).split("\0")
    if len(parts) != 3:
        raise Refused(501, "5.5.2", "That is not a PLAIN response")
    acting_as, name, password = parts
    if acting_as not in ("", name):
        raise Refused(535, "5.7.8", "Nobody sends as somebody else here")
    return checked(name, password)


def checked(name: str, password: str) -> tuple[str, str]:
    """Raises: Refused where one of them can't be."""
    if not name or not password or len(name) > _MOST or len(password) > _MOST:
        raise Refused(535, "5.7.8", "Name or password is not right")
    return name, password
