"""Indexing again: everything, a store, somebody's archive, a folder, a message.

Only the index changes, so this is administration: it takes the right to manage stores and shows nobody's mail. Not for
building whole indexes anew (`services.indexes`).
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
from archive.selectors import get_mailbox, get_store_by_name, list_stores
from archive.services.sharing import parse_folder
from archive.store.errors import Stopped, StoreError
from archive.store.operations import reindex
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


def count_unread(actor: Actor) -> dict[str, int]:
    """Why the text of attached files is missing, and in how many messages of all stores. Raises: Forbidden."""
    counts: dict[str, int] = {}
    for store in [each for each in list_stores(actor) if each.is_open]:
        try:
            found = engines.open_store(store).index.count_unread()
        except (StoreUnavailable, StoreError, OSError):
            continue  # the page of indexes says what is wrong with it
        for reason, count in found.items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


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
    result = _result(run, reports)
    if not arguments.dry_run:
        said = {name: getattr(arguments, name) for name in ("store", "user", "folder", "message")}
        audit.record(
            actor, "index.again", None, **{name: value for name, value in said.items() if value},
            messages=result["messages"], failed=result["failed"],
        )  # fmt: skip
    if run.stopping():
        raise run.cancelled(result)
    return result


def _result(run: TaskRun, reports: list[Result]) -> Result:
    def total(name: str) -> int:
        found: list[Any] = [each.get("numbers") or {} for each in reports]
        return sum(int(numbers.get(name, 0)) for numbers in found)

    return {
        "task": run.task_id,
        "operation": "reindex",
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


def find_in_folder(actor: Actor, folder: str, number: str) -> str:
    """The name (`1:17`) of a message that lies in a folder, by its number alone; of several stores the first.

    Raises: Forbidden, StoreUnavailable, ArchiveClosed, BadArguments, MessageUnknown.
    """
    actor.require(Right.MANAGE_STORES)
    address, path = parse_folder(folder)
    mailbox = get_mailbox(address)
    wanted = int(number) if number.isascii() and number.isdecimal() and len(number) < 18 else 0
    for store in list_stores(actor):
        if store.is_open:
            opened = engines.open_store(store)
            for each in opened.folders(mailbox.pk):
                if each.path == path and opened.catalogue.placed(each.number, [wanted]):
                    return f"{store.pk}:{wanted}"
    raise MessageUnknown(_("There is no message “%(name)s”.") % {"name": number})


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
