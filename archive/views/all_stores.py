"""What is done to all stores at once, and to the master database: looked at in numbers, then a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import selectors, store_wording
from archive.commands.indexes import FolderArguments
from archive.commands.upkeep import VerifyAllArguments
from archive.errors import ArchiveError
from archive.services import indexes, maintenance, master_database
from archive.services.maintenance import StoreArguments
from archive.store.errors import StoreError
from archive.store_forms import FolderForm
from archive.views.choices import DEEP, INDEXES, Choice, chosen
from archive.views.doors import archive_page
from archive.views.store_frames import refusing, store_page
from config.kit.pages import redirect_page, render_page
from jobs.commands import NoArguments
from jobs.services import submit

Text = str | Promise


@dataclass(frozen=True, slots=True)
class WideAction:
    """Something done to all stores; `operation` names the engine's, empty for the master database."""

    slug: str
    title: Text
    text: Text
    verb: Text
    command: str
    operation: str = ""
    arguments: Callable[..., object] = NoArguments
    right: Right = Right.MANAGE_STORES
    choices: tuple[Choice, ...] = ()


WIDE: dict[str, WideAction] = {
    action.slug: action
    for action in (
        WideAction(
            "verify", gettext_lazy("Verify all stores"),
            gettext_lazy("Reads everything back and compares it with what was written. Changes nothing."),
            gettext_lazy("Verify all"), "VerifyStores", "verify", VerifyAllArguments,
            choices=(INDEXES, DEEP),
        ),
        WideAction(
            "statistics", gettext_lazy("Refresh all statistics"),
            gettext_lazy("Counts what every store holds and takes, file by file."),
            gettext_lazy("Count now"), "RefreshAllStoreStatistics", "statistics",
        ),
        WideAction(
            "maintain", gettext_lazy("Tidy the catalogues"),
            gettext_lazy("Gives back free pages of every catalogue and folds its log back; a writer may wait a bit."),
            gettext_lazy("Tidy them"), "MaintainFileSystemDatabases", "maintain",
        ),
        WideAction(
            "upgrade", gettext_lazy("Upgrade all stores"),
            gettext_lazy("Brings every store that may be written to the newest format."),
            gettext_lazy("Upgrade all"), "UpgradeStores", "upgrade",
        ),
        WideAction(
            "compact-database", gettext_lazy("Compact the master database"),
            gettext_lazy("Gives back the room of deleted rows. Tables of which much is dead are written anew, for "
                         "which they are locked for a moment."),
            gettext_lazy("Compact it"), "CompactMasterDatabase", right=Right.MANAGE_SERVER,
        ),
    )
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def stores_action(request: ActorRequest, action: str) -> HttpResponse:
    """What it would do to all stores together; then the task that does it."""
    request.actor.require(Right.MANAGE_STORES)
    found = WIDE.get(action)
    if found is None:
        raise Http404(action)
    request.actor.require(found.right)
    ticked = chosen(found.choices, request.POST if request.method == "POST" else request.GET)
    if request.method == "POST":
        task = submit(request.actor, found.command, found.arguments(**ticked))
        return redirect_page(request, "jobs:task-detail", task.pk)
    numbers, problems = _preview(request, found, ticked)
    choices = [(choice, ticked[choice.name]) for choice in found.choices]
    context = {"action": found, "numbers": numbers, "problems": problems, "choices": choices}
    return render_page(request, "archive/stores_action.html", context)


def _preview(
    request: ActorRequest, action: WideAction, ticked: dict[str, Any]
) -> tuple[list[tuple[str, str]], list[str]]:
    if not action.operation:
        return store_wording.shown(master_database.plan_compaction(request.actor)), []
    summed, problems, stores = Counter[str](), list[str](), 0
    for store in selectors.list_stores(request.actor):
        if not store.is_open:
            continue
        try:
            plan = maintenance.plan_of(request.actor, store, action.operation, StoreArguments(id=store.pk, **ticked))
        except (ArchiveError, StoreError) as error:
            problems.append(f"{store.name}: {error}")
            continue
        stores += 1
        summed.update({name: value for name, value in plan.numbers.items() if name != "format"})
    return store_wording.shown({"stores": stores, **summed}, operation=action.operation), problems


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_index_folder(request: ActorRequest, store_id: int) -> HttpResponse:
    """Index the messages of one archive folder again: how many, then the task."""
    store = selectors.get_store(request.actor, store_id)
    data = request.POST if request.method == "POST" else request.GET if "folder" in request.GET else None
    form = FolderForm(data)
    numbers: list[tuple[str, str]] = []
    if form.is_bound and form.is_valid():
        folder = form.cleaned_data["folder"]
        with refusing(form):
            found = indexes.folders_named(store, folder)
            if request.method == "POST":
                task = submit(request.actor, "RebuildStoreIndex", FolderArguments(store.pk, folder))
                return redirect_page(request, "jobs:task-detail", task.pk)
            numbers = store_wording.shown(indexes.plan_folders(store, found).numbers)
    context = {"object": store_page(request, store), "store": store, "form": form, "numbers": numbers}
    status = 422 if request.method == "POST" and form.errors else 200
    return render_page(request, "archive/store_index_folder.html", context, status=status)
