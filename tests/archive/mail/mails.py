"""Mails built by the tests, and the inputs that break parsers. Nobody's real mail."""

from __future__ import annotations

import base64
from functools import cache


def mail(body: str | bytes = "Hello", **headers: str) -> bytes:
    """A message; header names are given with underscores. Text is UTF-8."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return lines.encode() + b"\n" + (body.encode() if isinstance(body, str) else body)


def part(content: str | bytes, kind: str = "text/plain", **headers: str) -> bytes:
    """One part of a multipart."""
    return mail(content, Content_Type=kind, **headers)


def multipart(kind: str, *parts: bytes, boundary: str = "b", **headers: str) -> bytes:
    """A multipart message of the given parts."""
    marker = b"--" + boundary.encode()
    inner = b"".join(marker + b"\n" + one + b"\n" for one in parts)
    head = mail("", **headers, Content_Type=f'multipart/{kind}; boundary="{boundary}"')
    return head + inner + marker + b"--\n"


def b64(data: bytes) -> bytes:
    """Base64 as mail has it, in lines."""
    return base64.encodebytes(data)


def deep(levels: int) -> bytes:
    """Multiparts in multiparts, never closed."""
    heads = (f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n'.encode() for n in range(levels))
    return b"Subject: deep\n" + b"".join(heads) + b"Content-Type: text/plain\n\nbottom\n"


@cache
def traps(scale: int) -> dict[str, bytes]:
    """Inputs on which a careless parser takes quadratic time, endless memory or too deep a stack."""
    nested = b"Subject: innermost\n\nbottom"
    for _ in range(40):
        nested = mail(b64(nested), Content_Type="message/rfc822", Content_Transfer_Encoding="base64")
    return {
        "deep multiparts": deep(scale // 10),
        "deep messages": b"Content-Type: message/rfc822\n\n" * (scale // 10) + b"Subject: x\n\nhi",
        "deep encoded messages": nested,
        "many parts": multipart("mixed", *[part("word")] * (scale // 2)),
        "parts without headers": multipart("mixed", *[b"x"] * scale),
        "one boundary in itself": mail("", Content_Type="multipart/mixed; boundary=b")
        + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * (scale // 10),
        "lines of dashes": mail("--x\n" * scale, Content_Type="multipart/mixed; boundary=b"),
        "alternatives": multipart("alternative", *[part("some words")] * (scale // 10)),
        "digest": multipart("digest", *[b"\nSubject: x\n\nhi"] * (scale // 10)),
        "long header": mail("body", Subject="a" * scale * 10),
        "folded header": b"X: " + b"a\n " * scale + b"\nSubject: s\n\nbody",
        "many headers": b"X: a\n" * scale + b"Subject: s\n\nbody",
        "no header": b"a" * scale * 10,
        "short lines": b"a\n" * scale,
        "open quotes in addresses": mail("", To='\\"' * scale),
        "open comments": mail("", To="(" * scale),
        "escaped comments": mail("", To="(\\(" * scale),
        "open brackets": mail("", To="<" * scale),
        "many addresses": mail("", To="a@b, " * scale),
        "many groups": mail("", To=":;" * scale),
        "open encoded words": mail("", Subject="=?a?q?" * scale, To="=?a?q?x" * scale),
        "many encoded words": mail("", Subject="=?utf-8?b?4oKs?= " * scale),
        "parameters": mail("", Content_Type="text/plain; " + 'a="\\' * scale),
        "more parameters": mail("", Content_Type="text/plain; " + "a=b;" * scale),
        "open tags": mail("<div>" * scale, Content_Type="text/html"),
        "open brackets in html": mail("<a " * scale, Content_Type="text/html"),
        "open scripts": mail("<script " * scale, Content_Type="text/html"),
        "open comments in html": mail("<!--" * scale, Content_Type="text/html"),
        "attributes": mail("<p " + " ".join(f"a{n}=1" for n in range(scale)) + ">x", Content_Type="text/html"),
        "broken base64": mail("aA==\n" * scale, Content_Transfer_Encoding="base64"),
        "nul": b"\0" * scale * 10,
        "punycode": mail(b"a-\xff" * scale, Content_Type="text/plain; charset=punycode"),
        "half characters": mail("+2AA-" * scale, Content_Type="text/plain; charset=utf-7"),
        "old line ends": b"Subject: x\r\rhi\r" * scale,
    }
