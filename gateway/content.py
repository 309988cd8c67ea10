"""Writing, reading and clearing away the bytes of messages on their way.

Large ones go in and out in parts, so that 50 MB cost neither 50 MB of memory here nor in the driver. Everything is
written in the caller's transaction. Not for kept mail (`archive`).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from django.db import connection, transaction
from django.utils import timezone

from gateway.flow import Body, InFile, InMemory
from gateway.inserting import Batch, unsaved
from gateway.models import Content, ContentPart

INLINE_BYTES = 256 * 1024
IN_MEMORY_BYTES = 1 << 20
UNUSED_FOR = timedelta(minutes=10)


def write(bodies: Sequence[Body]) -> list[Content]:
    """Rows for these bodies, in the caller's transaction, in their order."""
    batch = Batch()
    rows = add(batch, bodies)
    batch.write()
    return rows


def add(batch: Batch, bodies: Sequence[Body]) -> list[Content]:
    """The same for a batch; the parts of large ones are written right after its rows."""
    rows = [
        unsaved(
            Content,
            sha256=body.sha256,
            size_bytes=body.size_bytes,
            data=body.read() if body.size_bytes <= INLINE_BYTES else None,
        )
        for body in bodies
    ]
    batch.add(rows)
    for row, body in zip(rows, bodies, strict=True):
        if body.size_bytes > INLINE_BYTES:
            batch.after(partial(_write_parts, row, body))
    return rows


def _write_parts(row: Content, body: Body) -> None:
    for number, piece in enumerate(_even(body.chunks())):
        ContentPart.objects.create(content=row, number=number, data=piece)


def _even(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of INLINE_BYTES."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= INLINE_BYTES:
            yield bytes(waiting[:INLINE_BYTES])
            del waiting[:INLINE_BYTES]
    if waiting:
        yield bytes(waiting)


def chunks_of(row: Content) -> Iterator[bytes]:
    """Its bytes in order, part by part. Raises: DamagedContent where a part is missing."""
    if row.data is not None:
        yield bytes(row.data)
        return
    seen = number = 0
    while part := ContentPart.objects.filter(content=row, number=number).first():
        piece = bytes(part.data)
        yield piece
        seen, number = seen + len(piece), number + 1
    if seen != row.size_bytes:
        raise DamagedContent(f"content {row.pk} has {seen} of {row.size_bytes} bytes")


def body_of(row: Content) -> Body:
    """Its bytes as a body (many: in a temporary file), which the caller closes. Raises: DamagedContent."""
    if row.size_bytes <= IN_MEMORY_BYTES:
        body: Body = InMemory(b"".join(chunks_of(row)))
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the body
        digest = hashlib.sha256()
        for piece in chunks_of(row):
            digest.update(piece)
            file.write(piece)
        body = InFile(file, row.size_bytes, digest.digest())
    if body.sha256 != bytes(row.sha256):
        raise DamagedContent(f"content {row.pk} is not what was written")
    return body


class DamagedContent(Exception):
    """The bytes in the database are not those that came in. The text says which row."""


_UNUSED = """
    DELETE FROM gateway_contentpart WHERE content_id IN (SELECT id FROM unnest(%(ids)s::bigint[]) AS u(id))
"""
_FIND = """
    SELECT c.id FROM gateway_content c
    WHERE c.created_at < %(before)s
      AND NOT EXISTS (SELECT FROM gateway_queueitem q WHERE q.content_id = c.id)
      AND NOT EXISTS (SELECT FROM gateway_listposting p WHERE p.content_id = c.id)
      AND NOT EXISTS (SELECT FROM gateway_kept k WHERE k.content_id = c.id)
      AND NOT EXISTS (SELECT FROM gateway_repositoryitem r WHERE r.content_id = c.id)
      AND NOT EXISTS (SELECT FROM gateway_attachment a WHERE a.content_id = c.id)
    ORDER BY c.id LIMIT %(most)s
    FOR UPDATE OF c SKIP LOCKED
"""


@transaction.atomic
def sweep(most: int = 500) -> int:
    """Remove bytes that nothing needs any more; how many messages' they were.

    A row that came in just now is left alone: whoever wrote it may still be adding what refers to it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"before": timezone.now() - UNUSED_FOR, "most": most})
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute("UPDATE gateway_message SET content_id = NULL WHERE content_id = ANY(%s)", [ids])
        cursor.execute(_UNUSED, {"ids": ids})
        cursor.execute("DELETE FROM gateway_content WHERE id = ANY(%s)", [ids])
    return len(ids)
