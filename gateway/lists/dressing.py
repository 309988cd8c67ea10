"""The bytes of a message as a list sends it: header of the list, prefix, texts above and below, From where it must be.

A message of plain text gets the texts into it; any other becomes a part of a new multipart, so that what was signed or
encrypted stays as it was. Pure.

Source: RFC 2919 (List-Id), RFC 2369 (List-…), RFC 3834 (Precedence), RFC 2046 §5.1.5 and RFC 1153 (digests), RFC 7960
§4.1 (From where DMARC forbids it).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr, parseaddr

from domains.policy.mime import decode_words
from gateway.delivery.composing import fields_of

GONE = frozenset(
    (b"return-path", b"dkim-signature", b"precedence", b"disposition-notification-to", b"return-receipt-to",
     b"x-confirm-reading-to", b"list-id", b"list-post", b"list-help", b"list-subscribe", b"list-unsubscribe",
     b"list-unsubscribe-post", b"list-owner", b"list-archive", b"authentication-results", b"bcc", b"approved",
     b"x-spam-score", b"x-no-archive", b"delivered-to", b"arc-seal", b"arc-message-signature",
     b"arc-authentication-results", b"domainkey-signature")
)  # fmt: skip
_CONTENT = frozenset((b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id"))
_PLAIN = re.compile(rb"^content-type:\s*text/plain\s*(;|$)", re.I | re.M)
MOST_TOC = 500


@dataclass(frozen=True, slots=True)
class Dress:
    """How a list dresses what is posted. from_as: the address that stands in From instead ("" keeps the author's)."""

    list_id: str
    name: str
    address: str
    links: tuple[str, ...]  # lines: List-Post and so on
    subject_prefix: str = ""
    reply_to: str = ""
    above: str = ""
    below: str = ""
    from_as: str = ""
    boundary: str = "postkeep"


def dressed(raw: bytes, dress: Dress) -> bytes:
    """The message as it leaves for everybody."""
    head, body = _split(raw)
    fields = [each for each in fields_of(head) if each[0] not in GONE and each[0] != b""]
    fields, body = _with_texts(fields, body, dress)
    author = _value(fields, b"from")
    if dress.from_as:
        fields = [each for each in fields if each[0] != b"from"]
        fields.append((b"from", _line("From", _via(author, dress))))
        fields.append((b"x-original-from", b"X-Original-From: " + author.encode("utf-8", "replace") + b"\r\n"))
    reply_to = dress.reply_to or (author if dress.from_as and not _value(fields, b"reply-to") else "")
    if reply_to:
        fields = [each for each in fields if each[0] != b"reply-to"]
        fields.append((b"reply-to", b"Reply-To: " + reply_to.encode("utf-8", "replace") + b"\r\n"))
    if dress.subject_prefix:
        fields = _prefixed(fields, dress.subject_prefix)
    own = [_line("List-Id", f"{_phrase(dress.name)} <{dress.list_id}>".strip()), *(_raw(line) for line in dress.links)]
    own += [_line("Precedence", "list"), _line("X-Loop", dress.address)]
    return b"".join(own) + b"".join(line for _name, line in fields) + b"\r\n" + body


def _split(raw: bytes) -> tuple[bytes, bytes]:
    if raw.startswith(b"\r\n"):
        return b"", raw[2:]
    head, _blank, body = raw.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def _value(fields: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    line = next((line for each, line in fields if each == name), b"")
    return re.sub(r"\r\n(?=[ \t])", "", line.partition(b":")[2].decode("utf-8", "replace")).strip()


def _line(name: str, value: str) -> bytes:
    clean = " ".join(value.split())
    encoded = clean if clean.isascii() else Header(clean, "utf-8", header_name=name).encode(linesep="\r\n")
    return f"{name}: {encoded}\r\n".encode("ascii", "replace")


def _raw(line: str) -> bytes:
    return line.encode("utf-8", "replace") + b"\r\n"


def _phrase(name: str) -> str:
    if not name:
        return ""
    clean = " ".join(name.replace("\\", "").replace('"', "").split())
    return f'"{clean}"' if clean.isascii() else Header(clean, "utf-8").encode()


def _via(author: str, dress: Dress) -> str:
    name, address = parseaddr(author)
    shown = f"{decode_words(name) or address} via {dress.name or dress.address.partition('@')[0]}"
    return formataddr((shown, dress.from_as))


def _prefixed(fields: list[tuple[bytes, bytes]], prefix: str) -> list[tuple[bytes, bytes]]:
    plain = prefix.strip()
    subject = _value(fields, b"subject")
    if plain.lower() in subject.lower():  # an answer
        return fields
    encoded = plain if plain.isascii() else Header(plain, "utf-8").encode()
    line = f"Subject: {encoded} {subject}".rstrip().encode("utf-8", "replace") + b"\r\n"
    return [each for each in fields if each[0] != b"subject"] + [(b"subject", line)]


def _with_texts(
    fields: list[tuple[bytes, bytes]], body: bytes, dress: Dress
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    if not dress.above.strip() and not dress.below.strip():
        return fields, body
    content = [line for name, line in fields if name in _CONTENT]
    encoding = _value(fields, b"content-transfer-encoding").lower() or "7bit"
    charset = _charset(_value(fields, b"content-type"))
    is_plain = not any(name == b"content-type" for name, _ in fields) or bool(_PLAIN.match(b"".join(content)))
    texts = dress.above + dress.below
    if is_plain and encoding in ("7bit", "8bit", "binary") and (texts.isascii() or charset == "utf-8"):
        above = _block(dress.above) + b"\r\n" if dress.above.strip() else b""
        below = b"-- \r\n" + _block(dress.below) if dress.below.strip() else b""
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        return fields, above + body + below
    others = [each for each in fields if each[0] not in _CONTENT and each[0] != b"mime-version"]
    boundary = dress.boundary
    parts = [_text_part(dress.above)] if dress.above.strip() else []
    parts.append(b"".join(content) + b"\r\n" + body)
    if dress.below.strip():
        parts.append(_text_part(dress.below))
    mark = f"\r\n--{boundary}".encode()
    made = b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"
    kind = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode()
    return [*others, (b"mime-version", b"MIME-Version: 1.0\r\n"), (b"content-type", kind)], made.removeprefix(b"\r\n")


def _charset(content_type: str) -> str:
    found = re.search(r'charset\s*=\s*"?([A-Za-z0-9_.:-]+)', content_type, re.I)
    return found[1].lower() if found else "us-ascii"


def _block(text: str) -> bytes:
    return "".join(f"{line}\r\n" for line in text.strip("\r\n").splitlines()).encode()


def _text_part(text: str) -> bytes:
    encoded = base64.encodebytes(_block(text)).replace(b"\n", b"\r\n")
    head = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n'
    return head + b"Content-Disposition: inline\r\n\r\n" + encoded


@dataclass(frozen=True, slots=True)
class Collected:
    """One message of a digest."""

    subject: str
    author: str
    raw: bytes


def digest(
    messages: Sequence[Collected], dress: Dress, *, subject: str, intro: str, date: str, message_id: str, whole: bool
) -> bytes:
    """A digest (whole: with the messages), or an index of subjects. intro: what stands above the table of contents."""
    lines = [intro, ""]
    for number, each in enumerate(messages[:MOST_TOC], 1):
        lines.append(f"{number:3}. {_one_line(each.subject)} ({_one_line(each.author)})")
    text = "\r\n".join([*lines, "", *dress.below.strip().splitlines(), ""])
    own = [
        _line("From", formataddr((dress.name, dress.address))), _line("To", dress.address), _line("Subject", subject),
        _line("Date", date), _line("Message-ID", message_id),
        _line("List-Id", f"{_phrase(dress.name)} <{dress.list_id}>"),
        *(_raw(line) for line in dress.links), _line("Precedence", "list"), _line("X-Loop", dress.address),
        _line("Auto-Submitted", "auto-generated"), _line("MIME-Version", "1.0"),
    ]  # fmt: skip
    if not whole:
        encoded = base64.encodebytes(text.encode("utf-8", "replace")).replace(b"\n", b"\r\n")
        kind = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        return b"".join(own) + kind + encoded
    outer, inner = f"{dress.boundary}-o", f"{dress.boundary}-i"
    parts = b"".join(
        f"\r\n--{inner}\r\n\r\n".encode() + _undressed(each.raw) for each in messages
    )  # each: message/rfc822
    return b"".join(
        [
            *own,
            f'Content-Type: multipart/mixed; boundary="{outer}"\r\n\r\n--{outer}\r\n'.encode(),
            _text_part(text),
            f'\r\n--{outer}\r\nContent-Type: multipart/digest; boundary="{inner}"\r\n'.encode(),
            parts,
            f"\r\n--{inner}--\r\n\r\n--{outer}--\r\n".encode(),
        ]
    )


def _undressed(raw: bytes) -> bytes:
    """Without what nobody but us should read, or was meant for another way."""
    head, body = _split(raw)
    return b"".join(line for name, line in fields_of(head) if name not in GONE) + b"\r\n" + body


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200] or "–"
