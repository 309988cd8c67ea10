"""What a file is, judged by its first bytes: an archive, an mbox, one message, or nothing that is mail.

Not for: files that are one message by their name or place (names.py); nobody looks into those first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from archive.sources.postmark import LINE_MAX, Style, header_like

HEAD_BYTES = 64 << 10

_MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b\x08", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
)
_FOREIGN = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Outlook .msg or Office file"),
    (b"!BDN", "an Outlook PST file"),
    (b"\x00\x05\x16\x07", "macOS file attributes"),
    (b"\x00\x05\x16\x00", "macOS file attributes"),
    (b"\x00\x00\x00\x01Bud1", "macOS Finder settings"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive, a kind we don't open"),
    (b"Rar!\x1a\x07", "a RAR archive, a kind we don't open"),
    (b"\x7fELF", "a program"),
)
_JUNK_NAMES = {
    ".ds_store": "macOS Finder settings",
    "thumbs.db": "Windows picture previews",
    "desktop.ini": "Windows folder settings",
    "dovecot-uidlist": "Dovecot's bookkeeping",
    "dovecot.index.log": "Dovecot's bookkeeping",
    "dovecot-keywords": "Dovecot's bookkeeping",
    "dovecot-uidvalidity": "Dovecot's bookkeeping",
    "subscriptions": "a list of subscribed folders",
    "courierimapsubscribed": "Courier's bookkeeping",
    "courierimapuiddb": "Courier's bookkeeping",
    ".mh_sequences": "MH's bookkeeping",
    ".gitignore": "Git's bookkeeping",
}
_KNOWN = re.compile(
    rb"[ \t]*(from|to|cc|bcc|subject|date|received|return-path|message-id|mime-version|content-[a-z-]+|delivered-to"
    rb"|reply-to|sender|in-reply-to|references|dkim-signature|x-[a-z0-9-]+|resent-[a-z-]+|list-[a-z-]+|apparently-to"
    rb"|envelope-to|authentication-results|newsgroups|path|status|lines|organization|user-agent|importance|priority"
    rb"|errors-to|precedence|arc-[a-z-]+|domainkey-signature)[ \t]*:",
    re.IGNORECASE,
)
_MAIL_SUFFIXES = (".msg", ".mail", ".mime", ".rfc822")
_GENERIC = re.compile(rb"[A-Za-z][A-Za-z0-9_.-]{0,75}[ \t]*:(?!//)")


@dataclass(frozen=True, slots=True)
class Mbox:
    """An mbox whose first From_ line stands at `start` (not 0: something stands before it)."""

    start: int
    style: Style
    preamble: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message, the whole file."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No mail; why."""

    reason: str


def archive_kind(head: bytes) -> str | None:
    """zip, tar, gz, bz2, xz or zst by magic, else None. A tar is known by its checksum (also of pre-POSIX ones)."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            # "BZh" could begin a text; the block magic or the end-of-stream magic must follow
            if kind == "bz2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90"):
                continue
            return kind
    if _is_skippable_zst(head):
        return "zst"
    return "tar" if _is_tar(head) else None


def _is_skippable_zst(head: bytes) -> bool:
    """A zstd file may begin with a skippable frame (RFC 8878 §3.1.2), as pzstd writes them."""
    if len(head) < 12 or head[1:4] != b"\x2a\x4d\x18" or not 0x50 <= head[0] <= 0x5F:
        return False
    after = 8 + int.from_bytes(head[4:8], "little")
    return head[after : after + 4] == b"\x28\xb5\x2f\xfd"


def _is_tar(head: bytes) -> bool:
    if len(head) < 512:
        return False
    block = head[:512]
    field = block[148:156].strip(b"\x00 ")
    if not field or not re.fullmatch(rb"[0-7]+", field) or not block[0]:
        return False
    return sum(block[:148]) + 8 * 32 + sum(block[156:]) == int(field, 8)


def foreign(head: bytes, name: str) -> str | None:
    """What a file is that can't be mail, or None."""
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            return what
    return _JUNK_NAMES.get(name.lower())


def recognise(head: bytes, name: str) -> Mbox | Message | Nothing:
    """Judge a file that is no archive by its first HEAD_BYTES (or all of it, when shorter).

    - It begins (after blank lines or a byte order mark) with a From_ line: an mbox. Without a date in that line only
      if a header line follows directly.
    - Its first line looks like a header, or one of the lines before the first blank one begins with the name of a
      header that mail has: one message, whatever follows, From_ lines too.
    - A dated From_ line followed by a header line stands further down, and before any such header: an mbox with
      something before it.
    - A text named `.msg`, `.mail`, `.mime` or `.rfc822`: a message without headers.
    - Else there is no message.
    """
    if not head:
        return Nothing("empty file")
    what = foreign(head, name)
    if what is not None:
        return Nothing(f"no message here: {what}")
    first = _first_text(head)
    if first >= len(head):
        return Nothing("no message here: nothing but blank lines")
    at_top = _mbox_at(head, first, preamble=False)
    if at_top is not None:
        return at_top
    known = _first_known_header(head, first)
    below = _mbox_below(head, first)
    if below is not None and not 0 <= known < below.start:
        return below
    if known >= 0 or _GENERIC.match(head, first) or head.startswith(b">From ", first):
        return Message()
    if b"\x00" in head[:4096]:
        return Nothing("no message here: binary data")
    if name.lower().endswith(_MAIL_SUFFIXES):
        return Message()  # a mail without any header
    return Nothing("no message here: no header line at its beginning")


def _first_text(head: bytes) -> int:
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while head[at : at + 1] in (b"\r", b"\n"):
        at += 1
    return at


def _line_end(head: bytes, at: int) -> int:
    end = head.find(b"\n", at)
    return len(head) if end < 0 else end


def _mbox_at(head: bytes, at: int, *, preamble: bool) -> Mbox | None:
    if not head.startswith(b"From ", at):
        return None
    end = _line_end(head, at)
    if end - at > LINE_MAX:
        return None
    style = Style.of(head[at:end].rstrip(b"\r"))
    if style.words and not (header_like(head[end + 1 : end + 256])):
        return None
    return Mbox(at, style, preamble)


def _mbox_below(head: bytes, at: int) -> Mbox | None:
    while (at := head.find(b"\nFrom ", at) + 1) > 0:
        found = _mbox_at(head, at, preamble=True)
        if found is not None and not found.style.words and header_like(head[_line_end(head, at) + 1 :][:256]):
            return found
    return None


def _first_known_header(head: bytes, at: int) -> int:
    """Where in the lines before the first blank one a header that mail has begins; -1 for nowhere."""
    for _ in range(1000):
        end = _line_end(head, at)
        if _KNOWN.match(head, at, min(end, at + 300)):
            return at
        if end >= len(head) or not head[at:end].strip(b"\r"):
            break
        at = end + 1
    return -1
