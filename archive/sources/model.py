"""What reading a source yields, and the bounds it keeps.

For: the importer, which turns `Found` into stored messages and `Rejected` into lines of its result.
Not for: parsing mail (archive.mail) or keeping it (archive.store).
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

MboxKind = Literal["rd", "o", "cl", "cl2"]

MIB = 1 << 20
SPOOL_OVER_BYTES = 4 * MIB  # a message longer than this is handed over in an anonymous file, not in memory


class SourceError(Exception):
    """Root of what goes wrong here; `permanent` says whether trying again can help."""

    permanent = True


class WriteFailed(SourceError):
    """Exported mail could not be written (full disk, lost right); what is complete stays, nothing half stays."""

    permanent = False


class SpoolFailed(SourceError):
    """The spool folder has no room for a large message: the whole run must end, the source is not at fault."""

    permanent = False


def no_room(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(slots=True)
class Found:
    """One message. Exactly one of `content` and `spool` is set; whoever takes `spool` closes it.

    path: where it lies, safe to print (`mail.zip!/a/b.eml` for a member); offset: byte in that file, None for a
    whole file; folder: "" or "a/b"; received_at: epoch seconds UTC from the mbox From_ line; consumed: bytes of
    the whole source read so far (compressed bytes inside archives), on the scale of `estimate()`.
    """

    path: str
    offset: int | None
    folder: str
    content: bytes | None
    spool: BinaryIO | None
    size: int
    received_at: int | None
    consumed: int = 0


@dataclass(slots=True)
class Rejected:
    """One thing that holds no message, or can't be read; it counts as one in `count()`."""

    path: str
    offset: int | None
    reason: str
    consumed: int = 0


class Watch(Protocol):
    """Who is asked before each file of a source is read, and told after it (archives count as one file)."""

    def skips(self, path: str, status: os.stat_result) -> bool:
        """Whether this file need not be read."""
        ...

    def finished(self, path: str) -> None:
        """Everything of this file was given out."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one archive may unpack to. All of them are generous for mail and fatal for bombs.

    Real mail compresses 2 to 10 times, a mailbox of near-identical reports 50 times; deflate can reach 1,032,
    zstd and bzip2 far more. So: after the first 64 MiB (where a ratio says nothing yet) 200 bytes out for each byte
    in. A 10 GiB mbox.zst of ratio 4 passes; a gzip of zeros stops at 64 MiB.
    """

    nesting: int = 3  # an archive in an archive in an archive; `.tar.gz` is one
    members: int = 2_000_000
    total_bytes: int = 1 << 40
    ratio: int = 200
    ratio_from_bytes: int = 64 * MIB
    nested_zip_bytes: int = 2 << 30  # a zip inside an archive needs seeking: it is spooled up to this size
    memory_bytes: int = 768 * MIB  # address space of the unpacking process
    directory_levels: int = 256
