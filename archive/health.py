"""How the archive is: every store, how far its index is behind, and the room on its disk."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from archive import storefacts
from archive.models import BackupDestination, Store
from archive.selectors import open_stores
from archive.services.backup import running
from archive.services.stores import closed_store
from archive.storefacts import StoreLine
from config.kit import health
from config.kit.health import Report
from config.kit.templatetags.kit import exact_time, number, size_text

LAG_WARNING = 200  # journal records, each up to 256 messages: an import at full speed stays below
FREE_WARNING_BYTES = 5 << 30
FREE_ERROR_BYTES = 512 << 20


def register() -> None:
    health.register(gettext_lazy("Stores"), check_stores)
    health.register(gettext_lazy("Backups"), check_backups)


def check_stores() -> Iterable[Report]:
    """One report per store that is switched on; none at all before the first import."""
    stores = open_stores()
    if not stores:
        return [Report("ok", _("none yet; the first import makes one"))]
    return [*(_check(store) for store in stores), *_waiting()]


def _waiting() -> list[Report]:
    """Customers whose new mail goes nowhere, since no store of theirs takes it."""
    bound = Store.objects.exclude(customer=None).values_list("customer", flat=True).order_by("customer").distinct()
    closed = [found for customer in bound if (found := closed_store(customer)) is not None]
    text = _("no store of theirs is current: their new mail waits")
    return [Report("error", text, name=_("New mail of %(name)s") % {"name": each.customer}) for each in closed]


def check_backups() -> Iterable[Report]:
    """One report per destination: whether its last backup is young enough and whole."""
    found = list(BackupDestination.objects.all())
    if not found:
        return [Report("ok", _("no destination yet; add one under “Backups”"))]
    return [_check_backups(each) for each in found]


def _check_backups(destination: BackupDestination) -> Report:
    name = _("Backups to “%(name)s”") % {"name": destination.name}
    last = destination.sets.filter(is_readable=True).first()
    if running.is_late(destination):
        text = _("the last backup is older than %(days)s days") % {"days": number(destination.warn_days)}
        return Report("warning", text, name=name)
    if last is None:
        return Report("ok", _("none yet"), name=name)
    facts = {_("Last backup"): exact_time(last.made_at), _("Messages"): number(last.messages)}
    if last.state in ("damaged", "incomplete"):
        return Report("warning", _("something is wrong with the last backup"), facts, name=name)
    return Report("ok", _("up to date"), facts, name=name)


def _check(store: Store) -> Report:
    line, free = storefacts.store_line(store), storefacts.free_of(store)
    name = _("Store “%(name)s”") % {"name": store.name}
    if line.problem:
        return Report("error", line.problem, name=name)
    return Report(_state(line, free), _text(line, free), _facts(line, free), name=name)


def _state(line: StoreLine, free: int | None) -> health.State:
    if free is not None and free < FREE_ERROR_BYTES:
        return "error"
    if (free is not None and free < FREE_WARNING_BYTES) or (line.lag or 0) > LAG_WARNING:
        return "warning"
    return "ok"


def _text(line: StoreLine, free: int | None) -> str:
    if free is not None and free < FREE_WARNING_BYTES:
        return _("little room is left: %(free)s") % {"free": size_text(free)}
    if (line.lag or 0) > LAG_WARNING:
        return _("the index is behind: search does not find the newest mail yet")
    return _("open")


def _facts(line: StoreLine, free: int | None) -> dict[str, str]:
    facts = {_("Messages"): number(line.messages), _("Journal records not yet indexed"): number(line.lag)}
    if free is not None:
        facts[_("Free on its disk")] = size_text(free)
    return facts
