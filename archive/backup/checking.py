"""Checking a set: everything it names is there, and, read back, is what was written."""

from __future__ import annotations

from archive.store.journal import CHAIN_BYTES, segment_name
from archive.store.operations.report import Meter, Plan, Problem, Progress, Report, Stop, never, quiet

from .destination import Destination, hash_of, pieces_of
from .errors import ObjectMissing
from .manifest import Item, Manifest, StorePart


def plan(manifest: Manifest, *, deep: bool = True) -> Plan:
    """How much would be read."""
    items = {item.object: item for item in manifest.items()}
    total = sum(item.bytes for item in items.values())
    numbers = {"objects": len(items), "bytes": total, "messages": manifest.messages}
    return Plan("check_backup", total, numbers, {"deep": deep})


def run(
    destination: Destination, manifest: Manifest, plan: Plan, progress: Progress = quiet, stop: Stop = never
) -> Report:
    """Sizes of all objects; with `deep` every byte, against the manifest's hashes. Raises: Stopped, BackupError."""
    report = Report("check_backup", {"objects": 0, "bytes": 0})
    meter = Meter(plan.total, progress, stop)
    there = destination.sizes("stores") | destination.sizes("database")
    for item in {item.object: item for item in manifest.items()}.values():
        meter.step(0, item.name)
        wrong = _wrong_size(there, item) or (_wrong_content(destination, item, meter) if plan.options["deep"] else "")
        if wrong:
            report.problems.append(Problem.of("backup", item.object, wrong))
        report.count("objects")
        report.count("bytes", item.bytes)
    for store in manifest.stores:
        if (wrong := _wrong_end(destination, store)) and report.ok:
            report.problems.append(Problem.of("journal", store.name, wrong))
    report.notes += manifest.problems
    return report


def _wrong_size(there: dict[str, int], item: Item) -> str:
    if item.object not in there:
        return "it is missing"
    if there[item.object] != item.bytes:
        return f"it has {there[item.object]} bytes, {item.bytes} were expected"
    return ""


def _wrong_content(destination: Destination, item: Item, meter: Meter) -> str:
    try:
        digest, _size = hash_of(pieces_of(destination, item.object, item.bytes))
    except ObjectMissing:
        return "it is missing"
    meter.step(item.bytes, item.name)
    return "" if digest == item.sha256 else "it is not what was written"


def _wrong_end(destination: Destination, store: StorePart) -> str:
    """The last record of the journal's copy must end in the chain that the set names."""
    if not store.record:
        return ""
    item = next((each for each in store.items if each.name == segment_name(store.segment)), None)
    if item is None:
        return "the journal's last segment is not among its files"
    try:
        said = destination.read(item.object, item.bytes - CHAIN_BYTES, CHAIN_BYTES)
    except ObjectMissing:
        return "the journal's last segment is missing"
    return "" if said.hex() == store.chain else "the journal does not end in the record that the set names"
