"""Merging one store into another: the source is protected meanwhile, and switched off when all of it has arrived.

What was stopped, killed or full goes on after its last batch (`archive.store.operations.merge`). Nobody's mail becomes
another's: a store of a customer takes only a store of the same customer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive.errors import StoreRefused
from archive.models import Store, StoreState
from archive.selectors import get_store
from archive.services import retention_dates
from archive.services.maintenance import progress_of, result_of
from archive.services.store_changes import set_state
from archive.store.errors import Stopped, WrongFormat
from archive.store.operations import merge
from archive.store.operations.report import Plan
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class MergeArguments:
    """Into which store, and which one."""

    id: int
    source_id: int


def plan_merge(actor: Actor, store: Store, source: Store) -> Plan:
    """What would come, in numbers. Raises: Forbidden, StoreRefused, StoreProtected, StoreUnavailable."""
    actor.require(Right.MANAGE_STORES)
    _require_mergeable(store, source)
    try:
        return merge.plan(engines.open_store(store), engines.open_store(source))
    except WrongFormat as error:
        raise StoreRefused(str(error)) from error


def merge_stores(actor: Actor, run: TaskRun, arguments: MergeArguments) -> dict[str, object]:
    """Bring every message of the source into the store; then switch the source off, so that nothing is found twice.

    Raises: Forbidden, StoreUnknown, StoreRefused, StoreProtected, StoreUnavailable, StoreError; Cancelled.
    """
    store, source = get_store(actor, arguments.id), get_store(actor, arguments.source_id)
    plan = plan_merge(actor, store, source)
    if source.is_writable:
        set_state(actor, source, StoreState.WRITE_PROTECTED)
    opened, from_ = engines.open_writable(store), engines.open_store(source)
    opened.refresh()
    from_.refresh()
    try:
        report = merge.run(opened, from_, plan, progress_of(run, store, "bytes"), run.stopping)
    except Stopped:
        raise run.cancelled(result_of(run, "merge", [])) from None
    result = result_of(run, "merge", [{"store": store.name, "id": store.pk, **report.as_json()}])
    audit.record(actor, "store.merge", store, source=source.name, ok=report.ok, messages=report.numbers["messages"])
    if report.ok:
        retention_dates.follow(store, stop=run.stopping)
        retention_dates.carry(source, store)
        set_state(actor, source, StoreState.DISABLED)
        run.log(_("“%(name)s” is switched off: all of it is here. It can be detached.") % {"name": source.name})
    return result


def _require_mergeable(store: Store, source: Store) -> None:
    if store.pk == source.pk:
        raise StoreRefused(_("A store can't be merged into itself."), field="source_id")
    if store.customer_id is not None and store.customer_id != source.customer_id:
        said = {"name": store.name, "customer": store.customer}
        raise StoreRefused(
            _("“%(name)s” takes mail of %(customer)s only; the other store isn't bound to them.") % said,
            field="source_id",
        )
    if source.customer_id is not None and store.customer_id != source.customer_id:
        said = {"name": source.name, "customer": source.customer}
        raise StoreRefused(
            _("“%(name)s” is kept apart for %(customer)s; it goes into a store of theirs only.") % said,
            field="source_id",
        )
    if source.state == StoreState.CURRENT:
        raise StoreRefused(_("New mail goes into the source. Make another store current first."), field="source_id")
    if not source.is_open:
        raise StoreRefused(_("The source is switched off."), field="source_id")
    engines.require_writable(store)
