"""What is taken out of a message before it goes on: results of checks that claim to be ours and came from outside, and
the login that a Postfix in front of us wrote into it for us.

A reader that trusts our name in Authentication-Results must never see one that we didn't write (RFC 8601 §5). All other
bytes stay as they came. Not for adding ours (`inspecting`).
"""

from __future__ import annotations

import hashlib
import tempfile

from gateway.flow import Body, Door, Incoming, InFile, InMemory, Inspection
from gateway.judging.authentication.results import NAME, without_ours
from gateway.smtp.authenticated import without_login

IN_MEMORY_BYTES = 1 << 20


def cleaned_body(incoming: Incoming, inspection: Inspection) -> Body | None:
    """What goes on instead of what came in; None: that itself. Results go only out of messages that get ours."""
    names = [line.partition(": ") for line in inspection.headers]
    ours = next((value.partition(";")[0] for name, _colon, value in names if name == NAME), "")
    number = incoming.client.number if incoming.door is Door.FILTER else ""
    return cleaned(incoming.body, ours, number) if ours or number else None


def cleaned(body: Body, authserv_id: str = "", number: str = "") -> Body | None:
    """The message without them, None where there are none. Only the first piece, with all of the header, is changed.

    number: of the message in the queue of Postfix; "": it is from elsewhere.
    """
    pieces = body.chunks()
    first = next(pieces, b"")
    changed = without_login(first, number) if number else first
    changed = without_ours(changed, authserv_id) if authserv_id else changed
    if changed == first:
        return None
    if body.size_bytes <= IN_MEMORY_BYTES:
        return InMemory(changed + b"".join(pieces))
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when nobody holds it any more
    digest, size = hashlib.sha256(), 0
    for piece in (changed, *pieces):
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return InFile(file, size, digest.digest())
