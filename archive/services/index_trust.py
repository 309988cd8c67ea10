"""Whether a store's full-text index may choose what is deleted: it has seen everything, and it is whole.

The files of the index are read back and its messages compared with the catalogue (`verify`, its part "index"). Not for
searching: a page shows what there is, and says when the index is behind.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from archive import engines
from archive.errors import ProcessingStopped
from archive.models import Store
from archive.store.errors import Busy
from archive.store.operations import verify


def require_current(store: Store) -> None:
    """Raises: ProcessingStopped where the index is behind, StoreUnavailable."""
    if engines.open_store(store).lag():
        text = _("The search index of “%(store)s” is behind; try again when it has caught up.")
        raise ProcessingStopped(text % {"store": store.name})


def require_whole(store: Store, stop: Callable[[], bool]) -> None:
    """Raises: ProcessingStopped, which says what is wrong; StoreUnavailable, StoreError, Stopped."""
    require_current(store)
    opened = engines.open_store(store)
    try:
        report = verify.run(opened, verify.plan(opened, ["index"], resume=False), stop=stop)
    except Busy as error:
        text = _("“%(store)s” is being verified just now; try again afterwards.")
        raise ProcessingStopped(text % {"store": store.name}) from error
    if report.problems:
        text = _(
            "The search index of “%(store)s” isn't whole, so nothing is deleted by it: %(what)s. Rebuild it first."
        )
        first = report.problems[0]
        raise ProcessingStopped(text % {"store": store.name, "what": f"{first.where}: {first.what}"})
    require_current(store)
