"""Letting old sets go: the manifests of those that aren't kept, then the objects that no set names any more.

Killed in between, the next run takes what is left. Where one manifest can't be read nobody knows what it needs, and
nothing goes.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from archive.store.operations.report import Meter, Plan, Progress, Report, Stop, never, quiet

from .destination import Destination
from .errors import SetDamaged
from .manifest import SETS, Listed, list_sets, set_name


def too_old(sets: Sequence[Listed], *, keep_last: int, keep_days: int, now: datetime.datetime) -> list[str]:
    """The sets to let go: neither among the last ones nor young enough. The newest stays whatever was said."""
    since = now - datetime.timedelta(days=keep_days)
    readable = sorted((each for each in sets if each.manifest is not None), key=lambda each: each.set, reverse=True)
    found = []
    for place, each in enumerate(readable):
        young = each.manifest is not None and keep_days > 0 and each.manifest.when() >= since
        if place >= max(keep_last, 1) and not young:
            found.append(each.set)
    return found


def plan(destination: Destination, going: Sequence[str]) -> Plan:
    """What would go, in numbers: sets, objects, bytes. Raises: SetDamaged where a set can't be read."""
    sets = list_sets(destination)
    objects = _unneeded(destination, sets, set(going))
    numbers = {"sets": len(going), "objects": len(objects), "bytes": sum(objects.values())}
    return Plan("prune_backups", len(objects) + len(going), numbers, {"sets": list(going)})


def run(destination: Destination, plan: Plan, progress: Progress = quiet, stop: Stop = never) -> Report:
    """While the destination is held. Raises: SetDamaged, Stopped, BackupError."""
    report = Report("prune_backups", {"sets": 0, "objects": 0, "bytes": 0})
    going = set(plan.options["sets"])
    # Asked before anything goes, so that a damaged set stops all of it.
    objects = _unneeded(destination, list_sets(destination), going)
    meter = Meter(len(objects) + len(going), progress, stop)
    for set_id in sorted(going):
        destination.delete(set_name(set_id))
        report.count("sets")
        meter.step(1, f"{SETS}/{set_id}")
    for name, size in objects.items():
        destination.delete(name)
        report.count("objects")
        report.count("bytes", size)
        meter.step(1, name)
    destination.sweep()
    return report


def _unneeded(destination: Destination, sets: Sequence[Listed], going: set[str]) -> dict[str, int]:
    needed: set[str] = set()
    for each in sets:
        if each.set in going:
            continue
        if each.manifest is None:
            raise SetDamaged(f"nothing is removed: {each.problem}")
        needed.update(item.object for item in each.manifest.items())
    there = destination.sizes("stores") | destination.sizes("database")
    return {name: size for name, size in there.items() if name not in needed}
