"""What Celery's clock calls in the archive: removing what has expired."""

from __future__ import annotations

from celery import shared_task

from archive.services.exports import remove_expired_exports
from archive.services.packages import remove_expired_packages
from archive.services.uploads import remove_old_uploads

HOUSEKEEPING = "archive.housekeeping"
HOUSEKEEPING_EVERY_S = 600.0


@shared_task(name=HOUSEKEEPING, ignore_result=True, acks_late=False, expires=HOUSEKEEPING_EVERY_S)  # type: ignore[untyped-decorator]
def housekeeping() -> None:
    """Prepared downloads, packages and abandoned uploads whose time is over go."""
    remove_expired_exports()
    remove_expired_packages()
    remove_old_uploads()
