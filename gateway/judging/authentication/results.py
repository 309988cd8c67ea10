"""The Authentication-Results header: ours written, and those that only pretend to be ours found and taken out.

Source: RFC 8601 §2.2 (syntax), §2.7 (methods), §5 (removing forged ones).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.judging.authentication.canonical import Signable
from gateway.judging.authentication.checking import Authenticated

NAME = "Authentication-Results"
_LONGEST = 900  # a line of a header has at most 998 characters
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+./^_`{|}~@=:\[\]-]+")
_NO_REASON = re.compile(r"[^ !#-'*-\[\]-~]+")  # beyond printable ASCII, or with a meaning in quotes and comments
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")


def header_line(authserv_id: str, found: Authenticated, *, client: str, sender: str, helo: str) -> str:
    """The whole header as one line. Results that don't fit into it are left out, the last first."""
    pieces = [_spf(found, sender, helo)]
    if not found.dkim:
        pieces.append("dkim=none")
    for each in found.dkim:
        piece = f"dkim={each.result.value}{_reason(each.why)} header.d={_value(each.domain)}"
        piece += f" header.s={_value(each.selector)}" if each.selector else ""
        pieces.append(piece + (f" header.a={_value(each.algorithm)}" if each.algorithm else ""))
    policy = f" policy.dmarc={found.dmarc.policy}" if found.dmarc.policy else ""
    pieces.append(f"dmarc={found.dmarc.result.value}{policy} header.from={_value(found.dmarc.domain)}")
    sealed = f" header.oldest-pass=0 smtp.remote-ip={_value(client)}" if found.arc.result.value != "none" else ""
    pieces.append(f"arc={found.arc.result.value}{sealed}")
    line = f"{NAME}: {authserv_id}"
    for piece in pieces:
        if len(line) + len(piece) + 2 <= _LONGEST:
            line += f"; {piece}"
    return line


def _spf(found: Authenticated, sender: str, helo: str) -> str:
    said = f"smtp.mailfrom={_value(sender)}" if sender else f"smtp.helo={_value(helo)}"
    return f"spf={found.spf.result.value}{_reason(found.spf.why)} {said}"


def _reason(why: str) -> str:
    text = _NO_REASON.sub("", why)
    return f' reason="{text[:120]}"' if text else ""


def _value(text: str) -> str:
    """A pvalue: as it is where the syntax allows that, else quoted; never more than the header can hold."""
    text = text[:250]
    if not text.isprintable():
        text = "".join(character for character in text if character.isprintable())
    if not text or _PLAIN.fullmatch(text):
        return text or '""'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def claimed_ids(values: Iterable[str]) -> list[str]:
    """The authserv-id that each of these header values begins with, in lower case."""
    found = []
    for value in values:
        text = _COMMENT.sub(" ", value[:2000]).strip()
        first = text.partition(";")[0].split()
        found.append(first[0].strip('"').lower() if first else "")
    return found


def without_ours(raw: bytes, authserv_id: str) -> bytes:
    """The message without the Authentication-Results fields that claim to be ours; the very bytes when there are none.

    Everything else stays byte by byte, so that signatures that don't cover such a field still hold.
    """
    if b"uthentication-" not in raw[: 256 * 1024] and b"UTHENTICATION-" not in raw[: 256 * 1024].upper():
        return raw
    for each in Signable.of(raw).all(NAME.lower().encode()):
        if claimed_ids([each.value.decode("utf-8", "replace")]) == [authserv_id.lower()]:
            end = b"\r\n" if each.raw + b"\r\n" in raw else b"\n"
            written = each.raw if end == b"\r\n" else each.raw.replace(b"\r\n", b"\n")
            raw = raw.replace(written + end, b"", 1)
    return raw
