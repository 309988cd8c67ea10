"""Which folders of this machine matter for its room: apps register theirs, who watches over disks asks for all.

    disks.register(_("Stores"), lambda: [store.root for store in stores])

Folders on the same file system are one disk, named by where that is mounted. Not for how much a folder itself holds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise

Text = str | Promise
Folders = Callable[[], Iterable[Path]]


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system. holds: what of ours lies on it, in words."""

    place: str  # where it is mounted
    used_bytes: int
    free_bytes: int
    holds: tuple[Text, ...]

    @property
    def total_bytes(self) -> int:
        """What can be used of it: room that is kept for the system doesn't count."""
        return self.used_bytes + self.free_bytes


_folders: list[tuple[Text, Folders]] = []


def register(label: Text, folders: Folders) -> None:
    """Add folders; those that aren't there (yet) are looked at where their nearest parent is."""
    if (label, folders) not in _folders:
        _folders.append((label, folders))


def look() -> list[Disk]:
    """Every disk that holds something of ours, by its place."""
    found: dict[str, list[Text]] = {}
    for label, folders in _folders:
        for folder in folders():
            names = found.setdefault(_mount_of(folder), [])
            if label not in names:
                names.append(label)
    return [_disk(place, holds) for place, holds in sorted(found.items())]


def _disk(place: str, holds: list[Text]) -> Disk:
    usage = shutil.disk_usage(place)
    return Disk(place, usage.used, usage.free, tuple(holds))


def _mount_of(folder: Path) -> str:
    """Where the file system of a folder is mounted."""
    path = folder.resolve()
    while not path.exists():
        path = path.parent
    while not os.path.ismount(path):
        path = path.parent
    return str(path)
