"""Webhooks: programs hear of events by requests that we send them, signed, retried for a day, and logged.

    catalogue.register(EventType("message.quarantined", _("…"), needs=Right.MANAGE_QUARANTINE))
    outbox.emit("message.quarantined", domain, key=f"kept-{row.pk}", data={"message": row.key})

Most events are those of the audit trail, which is followed in the order of its seals (`outbox.follow_audit`), so that
no service has to think of webhooks. What is sent is small and has a version; it never holds mail. Source: Standard
Webhooks (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
"""
