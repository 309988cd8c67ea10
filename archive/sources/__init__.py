"""Mail on disk: read it, count it, and write it back out. README.md has the rules by which mail is recognised.

Not for: what a message says (archive.mail) or where it is kept (archive.store). No Django here.
"""

from archive.sources.counting import count, estimate
from archive.sources.model import Found, Limits, MboxKind, Rejected, SourceError, SpoolFailed, Watch, WriteFailed
from archive.sources.reading import read

__all__ = [
    "Found",
    "Limits",
    "MboxKind",
    "Rejected",
    "SourceError",
    "SpoolFailed",
    "Watch",
    "WriteFailed",
    "count",
    "estimate",
    "read",
]
