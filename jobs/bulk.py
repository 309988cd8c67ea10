"""Bulk actions of lists as a task: for orders too large to wait for.

What is done to which rows is the registered action's (config.kit.bulk); it runs as the person who asked, with their
rights at that time. Not for small orders; those run while the person waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from config.kit import bulk
from jobs import services
from jobs.commands import command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class BulkArguments:
    """An order of config.kit.bulk, with its objects as JSON texts; `filter` None means the ids."""

    list_name: str
    action: str
    ids: list[str] = field(default_factory=list)
    filter: str | None = None
    scope: str = "{}"
    values: str = "{}"


@command("ChangeManyRows", needs=None, arguments=BulkArguments, label=_("Change of many rows"), plannable=False)
def change_many_rows(actor: Actor, run: TaskRun, arguments: BulkArguments) -> dict[str, object]:
    """Do a bulk action of a list to all rows its order means."""
    order = bulk.BulkOrder(
        arguments.list_name,
        arguments.action,
        tuple(arguments.ids),
        arguments.filter,
        _object(arguments.scope, "scope"),
        _object(arguments.values, "values"),
    )
    try:
        outcome = bulk.run_order(
            actor,
            order,
            progress=lambda done, total: run.progress(done=done, total=total, unit="rows"),
            stop=run.stopping,
        )
    except Http404 as error:
        raise BadArguments(str(error), field="action") from error
    result: dict[str, object] = {
        "what": bulk.outcome_text(bulk.get_action(order.list_name, order.action, actor), outcome),
        "changed": outcome.done,
        "skipped": sum(outcome.refused.values()),
    }
    for reason, count in outcome.refused.items():
        run.log(f"{count}: {reason}", "warning")
    if run.stopping():
        raise run.cancelled(result)
    return result


def _object(text: str, name: str) -> dict[str, Any]:
    """Raises: BadArguments."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadArguments(gettext("%(name)s must be %(kind)s") % {"name": name, "kind": "json object"}, field=name)
    return found


def make_bulk_task(actor: Actor, order: bulk.BulkOrder) -> Task:
    """Make a task of an order. Raises: Forbidden."""
    arguments = BulkArguments(
        order.list_name,
        order.action,
        list(order.ids),
        order.filter,
        json.dumps(dict(order.scope)),
        json.dumps(dict(order.values)),
    )
    return services.submit(actor, "ChangeManyRows", arguments)


def submit_bulk(actor: Actor, order: bulk.BulkOrder) -> str:
    """Make a task of an order; gives the address of its page. Raises: Forbidden."""
    return reverse("jobs:task-detail", args=[make_bulk_task(actor, order).pk])
