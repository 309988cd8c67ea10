"""Names for what we write: safe on every file system, never two the same, as near to the original as that allows.

Not for: names of attachments in pages (archive.mail.names).
"""

from __future__ import annotations

import base64
import hashlib
import re

_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
_PART_BYTES = 120
_PATH_BYTES = 1500


def _cut(name: str, limit: int) -> str:
    """The name in at most `limit` bytes of UTF-8; a cut one ends in a part of its hash, so it stays its own."""
    raw = name.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode("utf-8")
    digest = hashlib.sha256(raw).hexdigest()[:8]
    return raw[: limit - 9].decode("utf-8", "ignore") + "~" + digest


def safe_name(text: str, limit: int) -> str:
    """A file name part from any text: no control or format characters, no separators, no leading dot; maybe ""."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return _cut(_FORBIDDEN.sub("_", kept).strip(" ").lstrip(".-~ ").rstrip(". "), limit).rstrip(". ")


def _safe_part(part: str) -> str:
    """A directory name from one part of a folder path; never "", ".", ".." or what Windows keeps for devices."""
    kept = "".join(c if c.isprintable() else "_" for c in part)
    name = _FORBIDDEN.sub("_", kept).strip(" ").rstrip(". ")
    if name.startswith("."):
        name = "_" + name[1:]
    name = _cut(name, _PART_BYTES).rstrip(". ") or "_"
    return name + "_" if _RESERVED.match(name) else name


class FolderNames:
    """Directory paths of folders; each folder keeps its own, however alike their names are made.

    suffix: of the last part, where it is a file (`.mbox`).
    """

    def __init__(self, suffix: str = "") -> None:
        self.suffix = suffix
        self._paths: dict[str, str] = {}
        self._taken: dict[tuple[str, str], str] = {}  # (directory, name casefolded) -> what it stands for

    def path(self, folder: str) -> str:
        """The relative path for a folder; "" for the root when there is no suffix."""
        known = self._paths.get(folder)
        if known is not None:
            return known
        parts = folder.split("/") if folder else []
        if len(folder.encode("utf-8", "replace")) > _PATH_BYTES or len(parts) > 40:
            parts = [*parts[:8], _cut(" ".join(parts[8:]), 100) + "~" + _digest(folder)]
        directory = ""
        for index, part in enumerate(parts):
            last = index == len(parts) - 1
            name = self._claim(directory, part, "/".join(parts[: index + 1]), self.suffix if last else "")
            directory = f"{directory}/{name}" if directory else name
        self._paths[folder] = directory
        return directory

    def _claim(self, directory: str, part: str, owner: str, suffix: str) -> str:
        owner = f"{owner}\x00{suffix}"
        base, number = _safe_part(part), 1
        while True:
            name = (base if number == 1 else f"{base}~{number}") + suffix
            if self._taken.setdefault((directory, name.casefold()), owner) == owner:
                return name
            number += 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]


def to_utf7(text: str) -> str:
    """A folder name in modified UTF-7 (RFC 3501 §5.1.3), as Maildir++ has it. A dot, the separator there, is coded
    too; `names.from_utf7` and Courier read that."""
    out: list[str] = []
    for plain, coded in re.findall(r"([ -\-/-~]+)|([^ -\-/-~]+)", text):
        if plain:
            out.append(plain.replace("&", "&-"))
        else:
            raw = base64.b64encode(coded.encode("utf-16-be", "replace")).decode("ascii").rstrip("=")
            out.append("&" + raw.replace("/", ",") + "-")
    return "".join(out)


def maildir_name(folder: str, taken: set[str]) -> str:
    """The Maildir++ directory of a folder, which is none of `taken` (casefolded)."""
    parts = ["".join(c if c.isprintable() else "_" for c in part) or "_" for part in folder.split("/")]
    name = "".join("." + to_utf7(part) for part in parts)
    if len(name) > 200:
        name = "." + to_utf7(_cut(" ".join(parts).replace(".", " "), 60)) + "~" + _digest(folder)
        name = name[:180].rpartition("&")[0] + "~" + _digest(folder) if len(name) > 220 else name
    number, base = 1, name
    while name.casefold() in taken:
        number += 1
        name = f"{base}~{number}"
    return name
