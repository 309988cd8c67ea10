"""How the parts of the house itself are: database, broker, loops, processes, disk, recovery key, stored secrets.

Stores and their index lag are reported by the archive app.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.kit import disks, health, heartbeat, paths, recovery, sealed, sealing_keys
from config.supervisor import status

LOW_DISK_SHARE = 0.10
LOWEST_DISK_BYTES = 1 << 30


def register() -> None:
    """Called once when the process starts."""
    disks.register(gettext_lazy("Home folder"), lambda: [paths.home()])
    health.register(gettext_lazy("Database"), database, needed=True)
    health.register(gettext_lazy("Broker"), broker, needed=True)
    health.register(gettext_lazy("Worker"), lambda: _loop("worker"), needed=True)
    health.register(gettext_lazy("Clock"), lambda: _loop("beat"), needed=True)
    health.register(gettext_lazy("Indexer"), lambda: _loop("indexer"), needed=True)
    health.register(gettext_lazy("Delivery"), lambda: _loop("delivery"), needed=True)
    health.register(gettext_lazy("Keeper"), lambda: _loop("keeper"), needed=True)
    health.register(gettext_lazy("Processes"), processes)
    health.register(gettext_lazy("Free disk"), disk)
    health.register(gettext_lazy("Recovery key"), recovery_key)
    health.register(gettext_lazy("Stored secrets"), stored_secrets)


def database() -> health.Report:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        row = cursor.fetchone()
    return health.Report("ok", _("answers"), {_("PostgreSQL"): str(row[0]) if row else ""})


def broker() -> health.Report:
    client = heartbeat.broker()
    client.ping()
    return health.Report("ok", _("answers"))


def _loop(part: str) -> health.Report:
    age_s = heartbeat.last_seen(part)
    if age_s is None:
        return health.Report("error", _("no sign of life"))
    return health.Report("ok", _("at work"), {_("Last seen"): _("%(seconds)d s ago") % {"seconds": round(age_s)}})


def disk() -> health.Report:
    usage = shutil.disk_usage(paths.home())
    share = usage.free / usage.total
    facts = {_("Free"): _gibibytes(usage.free), _("Of"): _gibibytes(usage.total), _("Folder"): str(paths.home())}
    if usage.free < LOWEST_DISK_BYTES:
        return health.Report("error", _("almost full"), facts)
    if share < LOW_DISK_SHARE:
        return health.Report("warning", _("getting full"), facts)
    return health.Report("ok", _("enough"), facts)


def recovery_key() -> health.Report:
    confirmed = recovery.confirmation()
    if confirmed is None:
        return health.Report("warning", _("nobody has confirmed yet that it is kept safe"))
    facts = {_("Confirmed by"): confirmed.by, _("Confirmed on"): date_format(confirmed.at, "DATETIME_FORMAT")}
    return health.Report("ok", _("kept in a safe place"), facts)


def stored_secrets() -> health.Report:
    """Whether the master key opens what passwords of relays and private keys are sealed with."""
    keys = sealing_keys.states()
    if "closed" in keys.values():
        return health.Report("error", _("sealed under another master key; recover_keys opens them again"))
    lost = sealed.count_sealed_with([key_id for key_id, state in keys.items() if state == "lost"])
    if lost:
        facts = {name: str(count) for name, count in lost.items()}
        return health.Report("error", _("some are lost and must be typed in again"), facts)
    return health.Report("ok", _("can be opened"))


def processes() -> list[health.Report]:
    """What the supervisor says about its children; nothing where another program starts them."""
    return [
        health.Report(
            "ok" if child.running and not child.recent_restarts else "warning",
            _("running") if child.running else _("starting again"),
            {
                _("Process"): str(child.pid or "-"),
                _("Since"): date_format(datetime.fromtimestamp(child.since, UTC), "DATETIME_FORMAT"),
                _("Restarts"): str(child.restarts),
                **({_("Last end"): child.last_end} if child.last_end else {}),
            },
            name=_("Process %(name)s") % {"name": child.name},
        )
        for child in status.read()
    ]


def _gibibytes(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GiB"
