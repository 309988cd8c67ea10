"""Reads of domains and mailboxes."""

from __future__ import annotations

from accounts.models import User
from domains.models import Mailbox


def mailbox_of(user: User) -> Mailbox | None:
    """The person's own mailbox; an administrator need not have one."""
    return Mailbox.objects.filter(user=user).first()
