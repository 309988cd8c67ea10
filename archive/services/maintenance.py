"""The engine's operations as services: verify, recover, repair, compact and the rest. The rights, the task, the audit.

What each does and which invariants it keeps stands in `archive.store.operations`. All may be run again at any time; all
stop in good order. `plan_of` says before what one would do; `operate` does it to one store or to all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines, grounds
from archive import store as engine
from archive.errors import Kept, StoreRefused, StoreUnavailable, StoreUnknown
from archive.models import Compliance, LegalHold, Store
from archive.selectors import get_store, get_store_by_name, list_stores
from archive.services import attaching, evidence_checks
from archive.store.errors import KeyRefused, Stopped, StoreError, WrongFormat
from archive.store.layout import give_key
from archive.store.operations import (
    compact,
    maintain,
    rebuild_index,
    recover,
    recreate_journal,
    repair,
    seal,
    statistics,
    upgrade,
    verify,
)
from archive.store.operations.report import Plan, Progress, Report, Stop
from config.kit import secrets
from jobs.running import TaskRun

Planner = Callable[[engine.Store, "StoreArguments"], Plan]
Runner = Callable[[engine.Store, Plan, Progress, Stop], Report]


@dataclass(frozen=True, slots=True)
class StoreArguments:
    """A store by its number or its name; without either every store that is switched on. The rest is for some only."""

    store: str | None = None
    dry_run: bool = False
    id: int | None = None
    include_indexes: bool = True
    deep: bool = False
    recover_deleted_messages: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the engine. writes: not on a write-protected store; repairs: also on a damaged one.

    moves_packs: only for a store in a database whose sealed packs go somewhere else.
    destroys: bytes of deleted messages are gone afterwards.
    """

    plan: Planner
    run: Runner
    unit: str
    writes: bool = False
    repairs: bool = False
    moves_packs: bool = False
    destroys: bool = False


def _parts(arguments: StoreArguments) -> list[str]:
    return [part for part in verify.PARTS if part != "index" or arguments.include_indexes]


OPERATIONS: dict[str, Operation] = {
    "verify": Operation(lambda s, a: verify.plan(s, _parts(a), deep=a.deep), verify.run, "bytes"),
    "recover": Operation(
        lambda s, a: recover.plan(s, deleted=a.recover_deleted_messages), recover.run, "bytes", repairs=True
    ),
    "recreate_journal": Operation(lambda s, a: recreate_journal.plan(s), recreate_journal.run, "bytes", repairs=True),
    "repair": Operation(lambda s, a: repair.plan(s), repair.run, "bytes", repairs=True),
    "rebuild_index": Operation(lambda s, a: rebuild_index.plan(s), rebuild_index.run, "messages"),
    "compact": Operation(lambda s, a: compact.plan(s), compact.run, "bytes", writes=True, destroys=True),
    "upgrade": Operation(lambda s, a: upgrade.plan(s), upgrade.run, "bytes", writes=True),
    "statistics": Operation(lambda s, a: statistics.plan(s), statistics.run, "steps"),
    "seal": Operation(lambda s, a: seal.plan(s), seal.run, "bytes", writes=True, moves_packs=True),
    "maintain": Operation(lambda s, a: maintain.plan(s), maintain.run, "steps"),
}


def plan_of(actor: Actor, store: Store, name: str, arguments: StoreArguments) -> Plan:
    """What an operation would do, in numbers. Raises: Forbidden, StoreUnavailable, StoreProtected."""
    actor.require(Right.MANAGE_STORES)
    operation = OPERATIONS[name]
    if operation.destroys:
        require_nothing_held()
    with _opened(store, operation) as opened:
        return operation.plan(opened, arguments)


def operate(
    actor: Actor, run: TaskRun, name: str, arguments: StoreArguments, *, encryption_key: str | None = None
) -> dict[str, object]:
    """Run one operation over the named store, or all. `ok` is whether nothing was found to be wrong.

    Of several, one that can't be opened or fails holds up none of the others; its report says why.

    Raises: Forbidden, StoreUnknown, StoreUnavailable, StoreProtected, StoreError; Cancelled with the reports so far.
    """
    actor.require(Right.MANAGE_STORES)
    stores = chosen_stores(actor, arguments)
    if arguments.id is None and arguments.store is None and OPERATIONS[name].writes:
        stores = [store for store in stores if store.is_writable]
        stores = [store for store in stores if store.objects_kind or not OPERATIONS[name].moves_packs]
    if encryption_key and not arguments.dry_run:
        use_key(stores, encryption_key)
    reports: list[dict[str, object]] = []
    for store in stores:
        if run.stopping():
            break
        try:
            reports.append(_operate(run, name, store, arguments))
        except Stopped:
            break
        except (StoreUnavailable, StoreError, Kept) as error:
            if len(stores) == 1:
                raise
            run.log(f"{store.name}: {error}", "error")  # the others get their turn
            reports.append({"store": store.name, "id": store.pk, "ok": False, "notes": [str(error)]})
    result = result_of(run, name, reports)
    if not arguments.dry_run:
        about = stores[0] if len(stores) == 1 else None
        audit.record(actor, f"store.{name}", about, stores=[each["store"] for each in reports], ok=result["ok"])
    if run.stopping():
        raise run.cancelled(result)
    return result


def result_of(run: TaskRun, name: str, reports: list[dict[str, object]]) -> dict[str, object]:
    """What every operation answers: the report of each store, and whether all is well."""
    return {
        "task": run.task_id,
        "operation": name,
        "ok": all(bool(each["ok"]) for each in reports),
        "stores": reports,
    }


def reports_of(result: dict[str, object]) -> list[dict[str, object]]:
    """The stores' reports in such an answer."""
    found = result["stores"]
    assert isinstance(found, list)
    return found


def chosen_stores(actor: Actor, arguments: StoreArguments) -> list[Store]:
    """Raises: Forbidden, StoreUnknown."""
    if arguments.id is not None:
        return [get_store(actor, arguments.id)]
    if arguments.store is not None:
        return [get_store_by_name(actor, arguments.store)]
    return [store for store in list_stores(actor) if store.is_open]


def use_key(stores: list[Store], text: str) -> None:
    """Open a store whose key file is lost by its own key (64 hexadecimal digits), or by a recovery key.

    Raises: StoreRefused.
    """
    if len(stores) != 1:
        raise StoreRefused(_("A key belongs to one store; name it."), field="encryption_key")
    store, typed = stores[0], text.strip()
    try:
        if len(typed) != 64 and store.is_locked:
            attaching.open_by_recovery_key(store, secrets.parse_recovery_key(typed))
            return
        with grounds.files_of(store) as files:
            if len(typed) == 64:
                give_key(files, engines.keys(), bytes.fromhex(typed))
            else:
                engine.rewrap(files, engines.keys(), secrets.parse_recovery_key(typed))
    except (KeyRefused, WrongFormat, StoreError, ValueError, secrets.SecretsError) as error:
        text = _("This key does not open the store: %(why)s") % {"why": error}
        raise StoreRefused(text, field="encryption_key") from error
    engines.close_store(store)
    attaching.open_with_own_keys(store)


@contextlib.contextmanager
def _opened(store: Store, operation: Operation) -> Iterator[engine.Store]:
    if store.detached_at is not None:
        raise StoreUnknown(_("The store “%(name)s” is detached.") % {"name": store.name})
    if operation.writes:
        engines.require_writable(store)
    if operation.moves_packs and not store.objects_kind:
        raise StoreRefused(_("The packs of “%(name)s” stay where they are.") % {"name": store.name})
    if operation.repairs or not store.is_open:
        with engines.opened_for_upkeep(store, repair=operation.repairs) as opened:
            yield opened
    else:
        yield engines.open_store(store)


def require_nothing_held() -> None:
    """While a hold keeps everything, what was deleted before it isn't destroyed either. Raises: Kept."""
    if Compliance.now().legal_hold:
        raise Kept(_("A legal hold keeps everything, also the bytes of what was deleted before; nothing is compacted."))
    held = LegalHold.objects.filter(state=LegalHold.State.ACTIVE, everything=True).first()
    if held is not None:
        said = _("The legal hold “%(name)s” keeps everything, also what was deleted before it; nothing is compacted.")
        raise Kept(said % {"name": held.name})


def _operate(run: TaskRun, name: str, store: Store, arguments: StoreArguments) -> dict[str, object]:
    operation = OPERATIONS[name]
    if operation.destroys:
        require_nothing_held()
    with _opened(store, operation) as opened:
        plan = operation.plan(opened, arguments)
        figures = ", ".join(f"{key} {value:,}" for key, value in plan.numbers.items())
        run.log(f"{store.name}: {name}: {figures}")
        if arguments.dry_run:
            return {"store": store.name, "id": store.pk, "ok": True, "plan": plan.as_json()}
        report = operation.run(opened, plan, progress_of(run, store, operation.unit), run.stopping)
        if name == "verify":
            evidence_checks.add_to(report, store, opened, deep=arguments.deep)
    if operation.repairs:
        engines.close_store(store)
    _remember(run, store, name, report)
    return {"store": store.name, "id": store.pk, **report.as_json()}


def progress_of(run: TaskRun, store: Store, unit: str) -> Progress:
    def progress(done: int, total: int, note: str) -> None:
        run.progress(done, total, unit=unit, note=f"{store.name}: {note}")

    return progress


def _remember(run: TaskRun, store: Store, name: str, report: Report) -> None:
    """What pages show of a store without opening it; no change of it, so its version stays."""
    values: dict[str, Any] = {}
    if name == "verify":
        values = {"verified_at": timezone.now(), "verified_ok": report.ok, "verified_by_id": run.task_id}
    elif name == "statistics":
        values = {"figures": report.numbers, "measured_at": timezone.now()}
    elif name == "rebuild_index":
        values = {"is_index_selected": False}
    if values:
        Store.objects.filter(pk=store.pk).update(**values)
