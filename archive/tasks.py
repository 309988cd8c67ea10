"""What Celery's clock calls in the archive: the expired goes, stores follow, how long mail is kept is worked out."""

from __future__ import annotations

import logging
import time

from celery import shared_task

from accounts.actors import Actor
from archive.errors import StoreUnavailable
from archive.selectors import open_stores
from archive.services.autocreate import create_where_due
from archive.services.backup.running import watch_backups
from archive.services.exports import remove_expired_exports
from archive.services.folders import finish_interrupted_moves
from archive.services.packages import remove_expired_packages
from archive.services.profiles.automatic import EVERY_S, start_due
from archive.services.retention_dates import follow
from archive.services.sealing import seal_due
from archive.services.uploads import remove_old_uploads
from archive.store.errors import StoreError

logger = logging.getLogger("postkeep.retention")

HOUSEKEEPING = "archive.housekeeping"
STORES, STORES_EVERY_S = "archive.stores", 60.0
HOUSEKEEPING_EVERY_S = 600.0
SEALING, SEALING_EVERY_S = "archive.sealing", 120.0


@shared_task(name=STORES, ignore_result=True, acks_late=False, expires=STORES_EVERY_S)  # type: ignore[untyped-decorator]
def look_after_stores() -> None:
    """A store that has grown over the threshold is followed by a new one."""
    create_where_due(Actor.system())


@shared_task(name=HOUSEKEEPING, ignore_result=True, acks_late=False, expires=HOUSEKEEPING_EVERY_S)  # type: ignore[untyped-decorator]
def housekeeping() -> None:
    """Prepared downloads, packages and abandoned uploads whose time is over go; backups that are late are told of."""
    remove_expired_exports()
    remove_expired_packages()
    remove_old_uploads()
    watch_backups()
    finish_interrupted_moves()


@shared_task(name=SEALING, ignore_result=True, acks_late=False, expires=SEALING_EVERY_S)  # type: ignore[untyped-decorator]
def sealing() -> None:
    """Sealed packs of stores in a database go where they are to lie."""
    seal_due()


FOLLOW_RETENTION = "archive.follow_retention"
FOLLOW_EVERY_S = 15.0
FOLLOW_AT_MOST_S = 10.0


@shared_task(name=FOLLOW_RETENTION, ignore_result=True, acks_late=False, expires=FOLLOW_EVERY_S)  # type: ignore[untyped-decorator]
def follow_retention() -> None:
    """From when new messages may go is worked out within seconds; what is more than that goes on the next time."""
    until = time.monotonic() + FOLLOW_AT_MOST_S
    for store in open_stores():
        try:
            follow(store, stop=lambda: time.monotonic() > until)
        except (StoreUnavailable, StoreError) as error:
            logger.warning("how long the messages of %s are kept can't be worked out: %s", store.name, error)


PROFILES = "archive.profiles"


@shared_task(name=PROFILES, ignore_result=True, acks_late=False, expires=EVERY_S)  # type: ignore[untyped-decorator]
def profiles() -> None:
    """Profiles that run by themselves and are due."""
    start_due()
