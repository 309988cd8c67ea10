"""Indexing again: everything, a store, somebody's archive, a folder, a message; and indexes marked for rebuilding.

Only the index changes, so this is administration: it takes the right to manage stores and shows nobody's mail. Not for
how documents are made (`archive.store.indexer`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from archive import engines
from archive import store as engine
from archive.errors import MessageUnknown, StoreUnavailable
from archive.models import Store
from archive.selectors import get_mailbox, get_store, get_store_by_name, list_stores
from archive.services.sharing import parse_folder
from archive.store.errors import Stopped, StoreError
from archive.store.operations import rebuild_index, reindex
from archive.store.operations.reindex import Wanted
from archive.store.searching import folders_below
from domains.models import Mailbox
from jobs.commands import About
from jobs.errors import BadArguments
from jobs.running import TaskRun

Result = dict[str, object]
_NUMBERED = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReindexArguments:
    """What is indexed again; nothing said: all messages of all stores."""

    store: Annotated[str | None, About(gettext_lazy("Store"), gettext_lazy("Its name. None: every store."))] = None
    user: Annotated[str | None, About(gettext_lazy("User"), gettext_lazy("The address of an archive."))] = None
    folder: Annotated[
        str | None, About(gettext_lazy("Folder"), gettext_lazy("name@example.org/Inbox, with what lies below it."))
    ] = None
    message: Annotated[
        str | None, About(gettext_lazy("Message"), gettext_lazy("Its number here (1:17) or its Message-ID."))
    ] = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class IndexLine:
    """The full-text index of one store."""

    id: int
    name: str
    path: str = ""
    messages: int = 0
    indexed: int = 0
    size_bytes: int = 0
    lag: int = 0
    needs_rebuild: bool = False
    problem: str = ""
    unread: tuple[tuple[str, int], ...] = ()  # why the text of an attached file is missing, and in how many messages

    @property
    def unread_total(self) -> int:
        return sum(count for _reason, count in self.unread)


def list_indexes(actor: Actor, store_id: int | None = None) -> list[IndexLine]:
    """The indexes of all stores, or of one. Raises: Forbidden, StoreUnknown."""
    stores = list(list_stores(actor)) if store_id is None else [get_store(actor, store_id)]
    return [_line(store) for store in stores if store.is_open]


def _line(store: Store) -> IndexLine:
    try:
        opened = engines.open_store(store)
        return IndexLine(
            store.pk, store.name, str(opened.index_path), opened.catalogue.counter("messages"),
            opened.index.searcher().num_docs, opened.index.size_bytes(), opened.lag(),
            rebuild_index.is_selected(opened), unread=tuple(opened.index.count_unread().items()),
        )  # fmt: skip
    except (StoreUnavailable, StoreError, OSError) as error:
        return IndexLine(store.pk, store.name, problem=str(error), needs_rebuild=True)


def select_indexes(actor: Actor, *, store: Store | None = None, on: bool = True) -> list[Store]:
    """Mark the index of a store, or of every open one, for rebuilding. Raises: Forbidden, StoreUnavailable."""
    actor.require(Right.MANAGE_STORES)
    actor.require_writing()
    chosen = [store] if store is not None else [each for each in list_stores(actor) if each.is_open]
    for each in chosen:
        rebuild_index.select(engines.open_store(each), on=on)
    audit.record(actor, "index.select", None, stores=[each.name for each in chosen], selected=on)
    return chosen


def rebuild_selected(actor: Actor, run: TaskRun) -> Result:
    """Rebuild every index that is marked. Raises: Forbidden, Cancelled with what was done."""
    actor.require(Right.MANAGE_STORES)
    reports: list[Result] = []
    for store in [each for each in list_stores(actor) if each.is_open]:
        opened = engines.open_store(store)
        if run.stopping() or not rebuild_index.is_selected(opened):
            continue

        def progress(done: int, total: int, note: str, name: str = store.name) -> None:
            run.progress(done, total, note=f"{name}: {note}")

        try:
            report = rebuild_index.run(opened, rebuild_index.plan(opened), progress, run.stopping)
        except Stopped:
            break
        reports.append({"store": store.name, **report.as_json()})
    result = _result(run, "rebuild_index", reports)
    audit.record(actor, "store.rebuild_index", None, stores=[each["store"] for each in reports], ok=result["ok"])
    if run.stopping():
        raise run.cancelled(result)
    return result


def reindex_messages(actor: Actor, run: TaskRun, arguments: ReindexArguments) -> Result:
    """Index messages again, in the indexes that are there; each one that can't be read is named, and stays as it was.

    Raises: Forbidden, StoreUnknown, ArchiveClosed, MessageUnknown, BadArguments; Cancelled with the reports so far.
    """
    chosen = choose(actor, arguments)
    reports: list[Result] = []
    begin, after = int(run.kept.get("store", 0)), int(run.kept.get("after", 0))
    for store, wanted in sorted(chosen, key=lambda pair: pair[0].pk):
        if store.pk < begin or run.stopping():
            continue
        opened = engines.open_store(store)
        since = after if store.pk == begin else 0
        plan = reindex.plan(opened, wanted, since)
        run.log(f"{store.name}: {plan.total:,} messages")
        if arguments.dry_run:
            reports.append({"store": store.name, "ok": True, "plan": plan.as_json()})
            continue

        def progress(done: int, total: int, note: str, name: str = store.name) -> None:
            run.progress(done, total, note=f"{name}: {note}")

        def keep(number: int, pk: int = store.pk) -> None:
            run.keep(store=pk, after=number)

        try:
            report = reindex.run(opened, plan, progress, run.stopping, wanted=wanted, after=since, keep=keep)
        except Stopped:
            break
        for problem in report.problems:
            run.log(f"{store.name}: {problem.where}: {problem.what}", "warning")
        reports.append({"store": store.name, **report.as_json()})
    result = _result(run, "reindex", reports)
    if not arguments.dry_run:
        said = {name: getattr(arguments, name) for name in ("store", "user", "folder", "message")}
        audit.record(
            actor, "index.again", None, **{name: value for name, value in said.items() if value},
            messages=result["messages"], failed=result["failed"],
        )  # fmt: skip
    if run.stopping():
        raise run.cancelled(result)
    return result


def _result(run: TaskRun, operation: str, reports: list[Result]) -> Result:
    def total(name: str) -> int:
        found: list[Any] = [each.get("numbers") or {} for each in reports]
        return sum(int(numbers.get(name, 0)) for numbers in found)

    return {
        "task": run.task_id,
        "operation": operation,
        "ok": all(bool(each["ok"]) for each in reports),
        "messages": total("messages"),
        "failed": total("failed"),
        "stores": reports,
    }


def choose(actor: Actor, arguments: ReindexArguments) -> list[tuple[Store, Wanted]]:
    """What is meant, per store; at most one of user, folder and message is said.

    Raises: Forbidden, StoreUnknown, StoreUnavailable, ArchiveClosed, MessageUnknown, BadArguments.
    """
    actor.require(Right.MANAGE_STORES)
    said = [name for name in ("user", "folder", "message") if getattr(arguments, name)]
    if len(said) > 1:
        raise BadArguments(_("Say one of user, folder and message."), field=said[1])
    if arguments.store:
        stores = [get_store_by_name(actor, arguments.store)]
    else:
        stores = [each for each in list_stores(actor) if each.is_open]
    if arguments.message:
        return _with_message(stores, arguments.message)
    if arguments.user or arguments.folder:
        address, path = (arguments.user or "", "") if arguments.user else parse_folder(arguments.folder or "")
        return _with_folders(stores, get_mailbox(address), path)
    return [(store, Wanted()) for store in stores]


def _with_folders(stores: list[Store], mailbox: Mailbox, path: str) -> list[tuple[Store, Wanted]]:
    """The folders of an archive (below a path), in the stores that have some. Raises: MessageUnknown."""
    found = []
    for store in stores:
        opened = engines.open_store(store)
        numbers = frozenset(_folders(opened, mailbox.pk, path))
        if numbers:
            found.append((store, Wanted(folders=numbers)))
    if path and not found:
        raise MessageUnknown(_("There is no folder “%(path)s” in this archive.") % {"path": path})
    return found


def _folders(opened: engine.Store, mailbox: int, path: str) -> list[int]:
    if path.strip("/ "):
        return folders_below(opened, path, {mailbox})
    return [each.number for each in opened.folders(mailbox)]


def _with_message(stores: list[Store], message: str) -> list[tuple[Store, Wanted]]:
    """One message by its number, or every one with a Message-ID. Raises: MessageUnknown."""
    found = []
    numbered = _NUMBERED.fullmatch(message.strip())
    for store in stores:
        if numbered and int(numbered[1]) != store.pk:
            continue
        opened = engines.open_store(store)
        if numbered:
            numbers = [int(numbered[2])] if opened.row(int(numbered[2])) is not None else []
        else:
            numbers = opened.catalogue.numbers_called(message.strip().strip("<>"))
        if numbers:
            found.append((store, Wanted(numbers=tuple(numbers))))
    if not found:
        raise MessageUnknown(_("There is no message “%(name)s”.") % {"name": message})
    return found
