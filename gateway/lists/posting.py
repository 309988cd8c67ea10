"""A message that came for a mailing list, as the row that distributes it later. Not for whether it may be posted."""

from __future__ import annotations

from gateway.flow import Route
from gateway.models import Content, ListPosting, Message, Recipient
from gateway.storable import storable


def posting_for(message: Message, recipient: Recipient | None, content: Content, route: Route) -> ListPosting:
    """An unsaved row."""
    assert route.list_id is not None
    return ListPosting(
        list_id=route.list_id,
        message=message,
        recipient=recipient,
        content=content,
        command=route.command,
        argument=storable(route.argument, 100),
        created_at=message.received_at,
    )
