"""What is taken out of a message before it goes on: results of checks that claim to be ours and came from outside.

A reader that trusts our name in Authentication-Results must never see one that we didn't write (RFC 8601 §5). All other
bytes stay as they came. Not for adding ours (`inspecting`).
"""

from __future__ import annotations

import hashlib
import tempfile

from gateway.flow import Body, Incoming, InFile, InMemory, Inspection
from gateway.judging.authentication.results import NAME, without_ours

IN_MEMORY_BYTES = 1 << 20


def cleaned_body(incoming: Incoming, inspection: Inspection) -> Body | None:
    """What goes on instead of what came in; None: that itself. Only of messages that get results of ours."""
    for line in inspection.headers:
        name, _colon, value = line.partition(": ")
        if name == NAME:
            return without_forged(incoming.body, value.partition(";")[0])
    return None


def without_forged(body: Body, authserv_id: str) -> Body | None:
    """The message without them, None where there are none. Only the first piece, with all of the header, is changed."""
    pieces = body.chunks()
    first = next(pieces, b"")
    cleaned = without_ours(first, authserv_id)
    if cleaned is first or cleaned == first:
        return None
    if body.size_bytes <= IN_MEMORY_BYTES:
        return InMemory(cleaned + b"".join(pieces))
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when nobody holds it any more
    digest, size = hashlib.sha256(), 0
    for piece in (cleaned, *pieces):
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return InFile(file, size, digest.digest())
