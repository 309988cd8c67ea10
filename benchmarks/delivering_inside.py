"""Fills the queue of a house with messages for one sink; runs in the house's own shell."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from gateway.content import write
from gateway.flow import InMemory
from gateway.keys import new_key
from gateway.models import Message, QueueItem, Recipient

HEADER = b"From: ada@example.org\r\nTo: bob@example.net\r\nSubject: measured\r\nMessage-ID: <m@example.org>\r\n\r\n"
LINE = b"x" * 70 + b"\r\n"

_COPIES = """
    WITH c AS (
        INSERT INTO gateway_content (sha256, size_bytes, data, created_at)
        SELECT sha256, size_bytes, data, created_at FROM gateway_content, generate_series(2, %(count)s)
        WHERE id = %(content)s RETURNING id
    ), m AS (
        INSERT INTO gateway_message (key, received_at, door, direction, client_name, helo, tls, sender, header_from,
                                     subject, message_id, size_bytes, sha256, facts, content_id)
        SELECT 'copy' || c.id, received_at, door, direction, client_name, helo, tls, sender, header_from, subject,
               message_id, size_bytes, sha256, facts, c.id
        FROM gateway_message, c WHERE gateway_message.id = %(message)s RETURNING id, content_id
    ), r AS (
        INSERT INTO gateway_recipient (message_id, received_at, direction, asked, address, way, category, action,
                                       decision, state, state_at)
        SELECT m.id, received_at, direction, asked, address, way, category, action, decision, state, state_at
        FROM gateway_recipient, m WHERE gateway_recipient.message_id = %(message)s RETURNING id, message_id
    )
    INSERT INTO gateway_queueitem (queue, message_id, recipient_id, content_id, sender, address, destination, headers,
                                   subject_prefix, parameters, priority, state, next_at, expires_at, claimed_by,
                                   attempts, last_reply, was_warned, created_at)
    SELECT queue, m.id, r.id, m.content_id, q.sender, q.address, destination, headers, subject_prefix, parameters,
           priority, q.state, next_at, expires_at, claimed_by, attempts, last_reply, was_warned, q.created_at
    FROM m JOIN r ON r.message_id = m.id, gateway_queueitem q WHERE q.message_id = %(message)s
"""


def fill(count: int, port: int, size_bytes: int) -> None:
    """So many messages of that size, each for one recipient, for the sink at this port of loopback."""
    now = timezone.now()
    body = InMemory(HEADER + LINE * (size_bytes // len(LINE)))
    content = write([body])[0]
    message = Message.objects.create(
        key=new_key(), received_at=now, door="submission", direction="outgoing", sender="ada@example.org",
        size_bytes=body.size_bytes, sha256=body.sha256, content=content,
    )  # fmt: skip
    recipient = Recipient.objects.create(
        message=message, received_at=now, direction="outgoing", asked="bob@example.net", address="bob@example.net",
        category="clean", action="deliver", state="queued",
    )  # fmt: skip
    QueueItem.objects.create(
        message=message, recipient=recipient, content=content, sender="ada@example.org", address="bob@example.net",
        destination=f"route:127.0.0.1:{port}", next_at=now, expires_at=now + timedelta(days=5),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_COPIES, {"count": count, "content": content.pk, "message": message.pk})
        cursor.execute("ANALYZE gateway_queueitem, gateway_content, gateway_message, gateway_recipient")
