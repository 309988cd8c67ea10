"""Who signed in at the Postfix in front of us, out of the Received field that it wrote. Pure.

XFORWARD tells an after-queue filter everything about the client but its login. `smtpd_sasl_authenticated_header` does:
Postfix then names the login in the Received field that it puts on top of the message. A client may send such a field
itself, and header_checks may take Postfix's own away; so only the topmost one counts, and only where it names the
queue's number that Postfix gives in XFORWARD IDENT, which nobody can know before it is made.

Source: Postfix XFORWARD_README and postconf(5); what `smtpd` of Postfix 3.7 writes.
"""

from __future__ import annotations

import re

_SAYS = b"(Authenticated sender:"
_FIELD = re.compile(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_LOGIN = re.compile(
    rb"[ \t]+\(Authenticated sender: ([^()\r\n]{1,320})\)\r\n(?=[ \t]+by [^\r\n]* id ([0-9A-Za-z]+)[;\r])"
)


def login_of(head: bytes, number: str) -> str:
    """The login by which the message with this number of Postfix's queue was handed in; "" where nobody signed in.

    head: the beginning of the message, with all of its topmost Received field.
    """
    found = _found(head, number)
    return "" if found is None else found[1].decode("utf-8", "replace").strip()


def without_login(head: bytes, number: str) -> bytes:
    """The same without the login, which is nobody else's business; the very bytes where there is none."""
    found = _found(head, number)
    return head if found is None else head[: found.start()] + head[found.end() :]


def _found(head: bytes, number: str) -> re.Match[bytes] | None:
    start, end = _topmost(head)
    there = list(_LOGIN.finditer(head, start, end))
    is_its_own = (
        len(there) == 1 == head.count(_SAYS, start, end)
        and bool(number)
        and there[0][2] == number.encode("ascii", "replace")
    )
    return there[0] if is_its_own else None


def _topmost(head: bytes) -> tuple[int, int]:
    """Where the topmost Received field lies."""
    at = 0
    while (field := _FIELD.match(head, at)) is not None and field[0] != b"\r\n":
        if field[0][:9].lower() == b"received:":
            return field.span()
        at = field.end()
    return 0, 0
