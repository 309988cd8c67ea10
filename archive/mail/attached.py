"""Attachments whose text only a parser of a hostile format can tell: which those are, by name and first bytes.

Nothing is parsed here; that is done by `archive.texts`, in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 1024

# Why a text, or the rest of it, is missing.
ENCRYPTED, DAMAGED, KIND = "encrypted", "damaged", "kind"
TIME, MEMORY, CRASHED = "time", "memory", "crashed"
LARGE, DEEP, BOMB, MANY, CUT = "large", "deep", "bomb", "many", "cut"
REASONS = (ENCRYPTED, DAMAGED, KIND, TIME, MEMORY, CRASHED, LARGE, DEEP, BOMB, MANY, CUT)

TEXT_SUFFIXES = (
    ".txt", ".csv", ".tsv", ".ics", ".vcf", ".json", ".xml", ".log", ".md", ".patch", ".diff", ".yaml", ".yml",
    ".ini", ".conf", ".c", ".h", ".py", ".sh", ".pl", ".sql", ".tex", ".html", ".htm",
)  # fmt: skip
MESSAGE_SUFFIXES = (".eml", ".mht", ".mhtml")

# What begins so is of that kind, whatever it is called.
_MAGIC = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"\x1f\x8b\x08", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\xff\xfe", "text"),
    (b"\xfe\xff", "text"),
)


@dataclass(slots=True)
class FileText:
    """What was read of one attached file, or of one in it (`offer.zip/plan.docx`).

    reason: one of REASONS where its text is missing or cut.
    """

    name: str
    text: str = ""
    reason: str = ""


def kind_of(head: bytes, name: str) -> str:
    """The kind of a file by its first bytes and its name; "" for what holds no text (pictures, programs, sounds)."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if b"%PDF-" in head[:HEAD_BYTES]:  # some programs write a line before it
        return "pdf"
    if head[257:262] == b"ustar":
        return "tar"
    lower = name.lower()
    if lower.endswith(MESSAGE_SUFFIXES):
        return "message"
    if lower.endswith(TEXT_SUFFIXES) and b"\0" not in head:
        return "text"
    return ""
