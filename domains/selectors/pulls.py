"""Reads of the accounts elsewhere from which a mailbox fetches."""

from __future__ import annotations

from django.http import Http404

from domains.models import Mailbox, RemotePull


def list_pulls(mailbox: Mailbox) -> list[RemotePull]:
    """All of a mailbox; the caller asked whether the actor may see them."""
    return list(RemotePull.objects.filter(mailbox=mailbox))


def get_pull(mailbox: Mailbox, pull_id: int) -> RemotePull:
    """One of them. Raises: Http404."""
    found = RemotePull.objects.select_related("mailbox__domain").filter(mailbox=mailbox, pk=pull_id).first()
    if found is None:
        raise Http404("no such account")
    return found
