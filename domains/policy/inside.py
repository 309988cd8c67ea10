"""What a file is by its first bytes, and which files an archive lists, without unpacking anything.

zip and tar are listed, also when they lie uncompressed in a zip. Other archives are named, not opened. Never raises.
Source: PKWARE APPNOTE 4.3; POSIX ustar.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from domains.policy.facts import ArchiveEntry

MAX_ENTRIES = 2000
MAX_DEPTH = 3
MAX_NAME = 1000
PEEK_BYTES = 512

_FILE, _RECORD, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "application/x-dosexec"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"Rar!\x1a\x07", "application/x-rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"MSCF", "application/vnd.ms-cab-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (0, b"#!", "text/x-shellscript"),
)
_BY_ENDING = {
    **dict.fromkeys(("exe", "scr", "com", "dll", "sys", "pif", "cpl", "msi"), "application/x-dosexec"),
    **dict.fromkeys(("js", "jse", "mjs"), "text/javascript"),
    **dict.fromkeys(("vbs", "vbe", "wsf", "wsh"), "text/vbscript"),
    **dict.fromkeys(("bat", "cmd"), "text/x-msdos-batch"),
    **dict.fromkeys(("htm", "html", "hta"), "text/html"),
    **dict.fromkeys(("jpg", "jpeg"), "image/jpeg"),
    **dict.fromkeys(("doc", "xls", "ppt"), "application/x-ole-storage"),
    **dict.fromkeys(("zip", "docx", "xlsx", "pptx", "docm", "xlsm", "jar", "apk"), "application/zip"),
    "lnk": "application/x-ms-shortcut",
    "ps1": "text/x-powershell",
    "sh": "text/x-shellscript",
    "rar": "application/x-rar",
    "7z": "application/x-7z-compressed",
    "gz": "application/gzip",
    "tar": "application/x-tar",
    "iso": "application/x-iso9660-image",
    "pdf": "application/pdf",
    "rtf": "application/rtf",
    "png": "image/png",
    "gif": "image/gif",
    "txt": "text/plain",
    "csv": "text/csv",
    "xml": "text/xml",
}
LISTED = frozenset({"application/zip", "application/x-tar"})
UNLISTED = frozenset(
    {
        "application/x-rar",
        "application/x-7z-compressed",
        "application/gzip",
        "application/x-bzip2",
        "application/x-xz",
        "application/vnd.ms-cab-compressed",
        "application/x-iso9660-image",
    }
)


def type_of(data: bytes) -> str:
    """The content type by the first bytes; empty when they say nothing."""
    return next((kind for at, magic, kind in _MAGIC if data.startswith(magic, at)), "")


def type_by_name(name: str) -> str:
    return _BY_ENDING.get(name.rpartition(".")[2].lower(), "")


@dataclass(slots=True)
class Listing:
    """The files of an archive, those of an archive inside it after it.

    `has_more`: there are more than MAX_ENTRIES. `has_unopened`: an archive inside could not be listed. `budget` is how
    many bytes of inner archives are still read: they may lie over each other, so that a small file has endless ones.
    """

    budget: int
    entries: list[ArchiveEntry] = field(default_factory=list)
    has_more: bool = False
    has_unopened: bool = False

    def add(self, name: str, content: bytes, depth: int) -> None:
        """`content`: the file's bytes where they lie there as they are, else empty."""
        kind = type_of(content[:PEEK_BYTES]) or type_by_name(name)
        if len(self.entries) >= MAX_ENTRIES:
            self.has_more = True
            return
        self.entries.append(ArchiveEntry(name, kind, depth))
        if kind in UNLISTED:
            self.has_unopened = True
        elif kind in LISTED:
            if not content or depth >= MAX_DEPTH or len(content) > self.budget:
                # Documents of Office are zips too, but nobody means them by an archive.
                self.has_unopened = self.has_unopened or name.lower().endswith((".zip", ".jar", ".tar"))
            else:
                self.budget -= len(content)
                _list(content, self, depth + 1)


def list_archive(data: bytes) -> Listing:
    listing = Listing(budget=len(data))
    _list(data, listing, 1)
    return listing


def _list(data: bytes, listing: Listing, depth: int) -> None:
    kind = type_of(data)
    if kind == "application/zip":
        _zip(data, listing, depth)
    elif kind == "application/x-tar":
        _tar(data, listing, depth)


def _zip(data: bytes, listing: Listing, depth: int) -> None:
    """By the central directory, read record by record; by the files' own headers where there is none."""
    end = data.rfind(_END)
    size, start = struct.unpack_from("<II", data, end + 12) if 0 <= end <= len(data) - 20 else (0, 0)
    # Bytes before the archive shift its offsets: the directory ends where its end record begins.
    at = end - size if data.startswith(_RECORD, max(end - size, 0)) else start
    shift = at - start
    if end < 0 or not data.startswith(_RECORD, max(at, 0)):
        _zip_by_headers(data, listing, depth)
        return
    while at + 46 <= len(data) and data.startswith(_RECORD, at) and not listing.has_more:
        flags, method = struct.unpack_from("<HH", data, at + 8)
        (packed,) = struct.unpack_from("<I", data, at + 20)
        name_length, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        (place,) = struct.unpack_from("<I", data, at + 42)
        stored = _stored(data, place + shift, min(packed, listing.budget)) if method == 0 else b""
        listing.add(_name(data[at + 46 : at + 46 + name_length], flags), stored, depth)
        at += 46 + name_length + extra + comment


def _zip_by_headers(data: bytes, listing: Listing, depth: int) -> None:
    at = data.find(_FILE)
    while 0 <= at <= len(data) - 30 and not listing.has_more:
        (flags,) = struct.unpack_from("<H", data, at + 6)
        (name_length,) = struct.unpack_from("<H", data, at + 26)
        listing.add(_name(data[at + 30 : at + 30 + name_length], flags), b"", depth)
        at = data.find(_FILE, at + 30)


def _stored(data: bytes, at: int, size: int) -> bytes:
    """The bytes of a file that lies uncompressed in a zip: all of an archive, only the first of others."""
    if at < 0 or at + 30 > len(data) or not data.startswith(_FILE, at):
        return b""
    name_length, extra = struct.unpack_from("<HH", data, at + 26)
    start = at + 30 + name_length + extra
    peek = data[start : start + min(size, PEEK_BYTES)]
    return data[start : start + size] if type_of(peek) in LISTED else peek


def _name(raw: bytes, flags: int) -> str:
    text = raw[: 4 * MAX_NAME].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    return text[:MAX_NAME]


def _tar(data: bytes, listing: Listing, depth: int) -> None:
    at, long_name = 0, ""
    while at + 512 <= len(data) and data.startswith(b"ustar", at + 257) and not listing.has_more:
        block = data[at : at + 512]
        size = _octal(block[124:136])
        content = data[at + 512 : at + 512 + size]
        kind = block[156:157]
        if kind == b"L":  # GNU: the next file's name
            long_name = _until_nul(content[: 4 * MAX_NAME])[:MAX_NAME]
        elif kind not in (b"x", b"g", b"5", b"K"):
            name, folder = _until_nul(block[:100]), _until_nul(block[345:500])
            listing.add(long_name or (f"{folder}/{name}" if folder else name), content, depth)
            long_name = ""
        at += 512 + (size + 511) // 512 * 512


def _until_nul(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def _octal(raw: bytes) -> int:
    digits = raw.split(b"\0", 1)[0].strip()
    return int(digits, 8) if digits and all(digit in b"01234567" for digit in digits) else 0
