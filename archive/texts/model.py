"""What is to be read of attached files, within which bounds, and the reasons why something was not."""

from __future__ import annotations

from dataclasses import dataclass

from archive.mail.attached import BOMB, CRASHED, CUT, DAMAGED, DEEP, ENCRYPTED, KIND, LARGE, MANY, MEMORY, REASONS, TIME

__all__ = [
    "BOMB", "CRASHED", "CUT", "DAMAGED", "DEEP", "ENCRYPTED", "GROUPS", "GROUP_OF", "KIND", "LARGE", "MANY", "MEMORY",
    "REASONS", "TIME", "UNSURE", "Policy",
]  # fmt: skip

# Groups of kinds, as an administrator chooses them.
GROUPS = ("pdf", "office", "text", "archives", "messages")
GROUP_OF = {
    "pdf": "pdf",
    "rtf": "office", "ole": "office", "ooxml": "office", "odf": "office",
    "text": "text",
    "zip": "archives", "tar": "archives", "gz": "archives", "bz2": "archives", "xz": "archives",
    "7z": "archives", "rar": "archives",
    "message": "messages", "tnef": "messages", "msg": "messages",
}  # fmt: skip

# A text may stand there that was not read: another day, or with other bounds, it might be.
UNSURE = frozenset({TIME, MEMORY, CRASHED, LARGE, DEEP, BOMB, MANY, CUT})


@dataclass(frozen=True, slots=True)
class Policy:
    """Which groups are read, and the bounds for one attached file (of a message: `files` of them)."""

    groups: frozenset[str] = frozenset(GROUPS)
    file_bytes: int = 25 << 20
    seconds: int = 20
    files: int = 200
    text_chars: int = 2_000_000
    memory_bytes: int = 1 << 30
    unpacked_bytes: int = 200 << 20
    ratio: int = 200
    ratio_from_bytes: int = 4 << 20
    members: int = 2_000
    depth: int = 5

    def reads(self, kind: str) -> bool:
        """Whether a file of that kind is looked at. A container is opened for what may be in it."""
        if kind in ("zip", "ole"):  # an office file, an archive, a message: only its inside tells
            return bool(self.groups & {"office", "archives", "messages"})
        return GROUP_OF.get(kind, "") in self.groups
