"""Names of folders. Not for names of files."""

from __future__ import annotations

import unicodedata

MOST_FOLDERS_DEEP = 64


def folder_names(path: str) -> list[str]:
    """The names in a folder path: composed (NFC), trimmed, none empty, no control characters, 255 characters each.

    What lies deeper than MOST_FOLDERS_DEEP is taken as lying there.

    Raises: ValueError when nothing is left.
    """
    names: list[str] = []
    for part in path.split("/"):
        composed = unicodedata.normalize("NFC", part)
        name = "".join(char for char in composed if char.isprintable()).strip()[:255].rstrip()
        if name and len(names) < MOST_FOLDERS_DEEP:
            names.append(name)
    if not names:
        raise ValueError("a folder needs a name")
    return names
