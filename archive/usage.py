"""Tells the directory how much each mailbox holds in the archive, over all open stores (domains.usage)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from archive import engines
from archive.errors import StoreUnavailable
from archive.models import Store
from archive.store.errors import StoreError
from archive.store.usage import usage

log = logging.getLogger("postkeep.archive")


def held() -> Iterator[tuple[int, int, int]]:
    """(mailbox id, messages, bytes) per store; a store that doesn't answer is named in the log and left out."""
    for store in Store.objects.filter(detached_at=None):
        if not store.is_open:
            continue
        try:
            found = usage(engines.open_store(store))
        except (StoreUnavailable, StoreError, OSError) as error:
            log.warning("the store %s is not counted in quotas: %s", store.name, error)
            continue
        for mailbox, (messages, size) in found.items():
            yield mailbox, messages, size
