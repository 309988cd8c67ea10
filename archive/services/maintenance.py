"""The engine's operations as services: verify, recover, rebuild the index, compact. The rights, the task, the audit.

What each does and which invariants it keeps stands in `archive.store.operations`. All may be run again at any time; all
stop in good order.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.models import Store
from archive.selectors import get_store_by_name, list_stores
from archive.services import evidence_checks
from archive.store.errors import Stopped
from archive.store.operations import compact, rebuild_index, recover, verify
from jobs.running import TaskRun

OPERATIONS: dict[str, ModuleType] = {
    "verify": verify,
    "recover": recover,
    "rebuild_index": rebuild_index,
    "compact": compact,
}
UNITS = {"verify": "bytes", "recover": "messages", "rebuild_index": "messages", "compact": "bytes"}


@dataclass(frozen=True, slots=True)
class StoreArguments:
    """The store's name; without one every store that is switched on."""

    store: str | None = None
    dry_run: bool = False


def operate(actor: Actor, run: TaskRun, name: str, arguments: StoreArguments) -> dict[str, object]:
    """Run one operation over the named store, or all. `ok` is whether nothing was found to be wrong.

    Raises: Forbidden, StoreUnknown, StoreUnavailable, StoreError; Cancelled with the reports so far.
    """
    actor.require(Right.MANAGE_STORES)
    stores = _stores(actor, arguments.store)
    reports: list[dict[str, object]] = []
    for store in stores:
        if run.stopping():
            break
        try:
            reports.append(_operate(run, name, store, dry_run=arguments.dry_run))
        except Stopped:
            break
    result: dict[str, object] = {
        "task": run.task_id,
        "operation": name,
        "ok": all(bool(each["ok"]) for each in reports),
        "stores": reports,
    }
    if not arguments.dry_run:
        audit.record(actor, f"store.{name}", None, stores=[each["store"] for each in reports], ok=result["ok"])
    if run.stopping():
        raise run.cancelled(result)
    return result


def _stores(actor: Actor, name: str | None) -> list[Store]:
    if name is not None:
        return [get_store_by_name(actor, name)]
    return [store for store in list_stores(actor) if store.is_open]


def _operate(run: TaskRun, name: str, store: Store, *, dry_run: bool) -> dict[str, object]:
    operation = OPERATIONS[name]
    opened = engines.open_store(store)
    plan = operation.plan(opened)
    figures = ", ".join(f"{key} {value:,}" for key, value in plan.numbers.items())
    run.log(f"{store.name}: {name}: {figures}")
    if dry_run:
        return {"store": store.name, "ok": True, "plan": plan.as_json()}

    def progress(done: int, total: int, note: str) -> None:
        run.progress(done, total, unit=UNITS[name], note=f"{store.name}: {note}")

    report = operation.run(opened, plan, progress, run.stopping)
    if name == "verify":
        evidence_checks.add_to(report, store, opened, deep=bool(plan.options.get("deep")))
    return {"store": store.name, **report.as_json()}
