"""What a name in a source says: which folder a file belongs to, and whether it is one message by its name alone.

For: directory trees and archive members alike, so that a Maildir in a tar and on disk mean the same.
Not for: names we write (writers) or names of attachments (archive.mail).
"""

from __future__ import annotations

import base64
import binascii
import os
import re

_MBOX_SUFFIX = re.compile(r"\.(mbox|mbx|mboxrd|mboxo|mboxcl2?)$", re.IGNORECASE)
_PACKED_SUFFIX = re.compile(r"\.(gz|bz2|xz|zst|lzma)$", re.IGNORECASE)
_UNIQUE = re.compile(r"\d+\.\S+$")  # how deliveries name files in a Maildir: time.unique.host


def shown(name: str | bytes) -> str:
    """A file name as text that is safe to store and print: undecodable bytes and control characters as escapes."""
    raw = os.fsencode(name) if isinstance(name, str) else name
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def from_utf7(name: str) -> str:
    """A Maildir++ or IMAP folder name to text (RFC 3501 §5.1.3); a name that isn't valid there stays as it is."""
    if "&" not in name:
        return name
    out = []
    for index, piece in enumerate(name.split("&")):
        if index == 0:
            out.append(piece)
            continue
        coded, dash, rest = piece.partition("-")
        if not dash:
            return name
        if not coded:
            out.append("&" + rest)
            continue
        try:
            raw = base64.b64decode(coded.replace(",", "/") + "=" * (-len(coded) % 4), validate=True)
            out.append(raw.decode("utf-16-be") + rest)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return name
    return "".join(out)


def unpacked(name: str) -> str:
    """The name of what a compressed file holds: `a.mbox.gz` → `a.mbox`, `a.tgz` → `a.tar`."""
    if name.lower().endswith((".tgz", ".tbz2", ".txz", ".tzst")):
        return name.rpartition(".")[0] + ".tar"
    return _PACKED_SUFFIX.sub("", name)


def is_eml(name: str) -> bool:
    """One whole message whatever it holds. macOS' `._x.eml` is its resource fork and no message."""
    return name.lower().endswith(".eml") and not name.startswith("._")


def names_mbox(name: str) -> bool:
    return _MBOX_SUFFIX.search(name) is not None


def folder_of_mbox(name: str) -> str:
    """The folder an mbox file stands for: its name without suffix; `mbox` alone (Apple Mail) adds nothing."""
    stem = _MBOX_SUFFIX.sub("", unpacked(name))
    return "" if stem.lower() == "mbox" else stem


def folder_of_directory(name: str) -> str:
    """The folder a directory stands for; Thunderbird's `.sbd` and Apple Mail's `.mbox` are no part of the name."""
    return _MBOX_SUFFIX.sub("", name.removesuffix(".sbd")) or name


def maildir_plus(name: str) -> list[str]:
    """The folders of a Maildir++ directory name: `.Sent.2020` → Sent, 2020."""
    return [from_utf7(part) for part in name[1:].split(".") if part]


def join_folder(parts: list[str]) -> str:
    """Folder path as text. Names that mean something to a file system mean nothing here and are left out."""
    return "/".join(part.replace("/", "_") for part in parts if part not in ("", ".", ".."))


def place_member(path: str) -> tuple[list[str], str, bool]:
    """Where an archive member belongs by its path: (folder parts, name, is it one message by its name alone).

    A tar can't be looked through beforehand, so a Maildir is known by the directory name: `cur` always, `new` when
    the file is named like a delivery.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    name = parts.pop() if parts else ""
    single = is_eml(name)
    if parts and parts[-1] in ("cur", "new", "tmp"):
        delivered = parts[-1] == "cur" or (parts[-1] == "new" and _UNIQUE.match(name) is not None)
        if delivered or (parts[-1] == "tmp" and len(parts) > 1 and parts[-2].startswith(".")):
            parts.pop()
            single = single or delivered
            return _maildir_folder(parts), name, single
    return [folder_of_directory(part) for part in parts], name, single


def place_path(segments: list[str], layers: int, archive_name: str) -> tuple[list[str], str, bool]:
    """`place_member` for a path through archives in archives, which add no folder of their own.

    layers: compressions around the member itself, whose suffixes are no part of its name.
    """
    folder: list[str] = []
    for segment in segments[:-1]:
        folder += place_member(segment)[0]
    parts, name, single = place_member(segments[-1] if segments else archive_name)
    for _ in range(layers):
        name = unpacked(name)
    return [*folder, *parts], name, single or is_eml(name)


def _maildir_folder(parts: list[str]) -> list[str]:
    folder: list[str] = []
    for index, part in enumerate(parts):
        if index == len(parts) - 1 and part.startswith("."):
            folder += maildir_plus(part)
        else:
            folder.append(folder_of_directory(part))
    maildirs = [i for i, part in enumerate(parts) if part.lower() == "maildir" and i >= len(parts) - 2]
    for index in reversed(maildirs):
        del folder[index]
    return folder
