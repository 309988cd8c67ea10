"""Whose mail a profile is about: one mailbox, those of domains, those that were named, or all."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from archive.models import Profile
from domains.models import Mailbox


def mailboxes_of(profile: Profile) -> Iterator[Mailbox]:
    """The mailboxes, by address; none that was purged."""
    if "users" not in profile.settings:
        if profile.mailbox is not None:
            yield profile.mailbox
        return
    users, domains = profile.settings["users"], profile.settings["domains"]
    found = Mailbox.objects.exclude(status="purged").order_by("address")
    if users or domains:
        found = found.filter(Q(pk__in=users) | Q(domain__in=domains))
    yield from found.iterator(chunk_size=500)
