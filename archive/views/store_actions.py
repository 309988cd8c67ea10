"""What can be done to a store: each action is looked at in numbers first, then becomes a task.

Not for what an action does: that is a command's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import ActorRequest
from archive import selectors, store_wording, storefacts
from archive.commands.stores import StoreIdArguments, UnlockArguments, plan_detaching
from archive.commands.upkeep import OneStoreArguments, RecoverArguments, VerifyArguments
from archive.errors import ArchiveError, StoreRefused
from archive.models import Store
from archive.services import maintenance, merging, store_changes
from archive.services.maintenance import StoreArguments
from archive.services.merging import MergeArguments
from archive.store.errors import StoreError
from archive.store_forms import DetachForm, KeyForm, MergeForm, UnlockForm
from archive.views.choices import DEEP, DELETED, INDEXES, Choice, chosen
from archive.views.doors import archive_page
from archive.views.store_frames import refusing, store_page, warn_waiting
from config.kit.pages import redirect_page, render_page, toast
from jobs import two_people
from jobs.services import submit
from jobs.views.approvals import ask_and_answer

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done to a store: the command, and the engine's operation that shows its numbers."""

    slug: str
    title: Text
    text: Text
    verb: Text
    icon: str
    command: str
    operation: str
    arguments: Callable[..., Any] = OneStoreArguments
    choices: tuple[Choice, ...] = ()
    takes_key: bool = False
    moves_packs: bool = False


ACTIONS: dict[str, Action] = {
    action.slug: action
    for action in (
        Action(
            "verify", gettext_lazy("Verify"),
            gettext_lazy("Reads everything back and compares it with what was written. Changes nothing."),
            gettext_lazy("Verify now"), "shield-check", "VerifyStore", "verify",
            VerifyArguments, (INDEXES, DEEP),
        ),
        Action(
            "compact", gettext_lazy("Compact"),
            gettext_lazy("Gives back the room of deleted messages. They can't be brought back afterwards."),
            gettext_lazy("Compact"), "archive-box-arrow-down", "CompactStore", "compact",
        ),
        Action(
            "seal", gettext_lazy("Move packs out of the database"),
            gettext_lazy("Packs that never change again go to the folder or bucket; each is read back before its rows "
                         "go. The clock does this every few minutes."),
            gettext_lazy("Move them now"), "archive-box", "SealStorePacks", "seal", moves_packs=True,
        ),
        Action(
            "rebuild-index", gettext_lazy("Build the search index anew"),
            gettext_lazy("The old index answers until the new one is complete."),
            gettext_lazy("Build it anew"), "magnifying-glass", "RebuildIndex", "rebuild_index",
        ),
        Action(
            "repair", gettext_lazy("Repair the catalogue"),
            gettext_lazy("Mends missing indexes and wrong counters; the rest is made anew from the journal."),
            gettext_lazy("Repair"), "wrench-screwdriver", "RepairStoreDatabase", "repair",
        ),
        Action(
            "recover", gettext_lazy("Recover"),
            gettext_lazy("Makes the catalogue anew from journal and packs, and mends a damaged journal. Nothing that "
                         "can be read is thrown away."),
            gettext_lazy("Recover"), "lifebuoy", "RecoverStore", "recover", RecoverArguments,
            (DELETED,), takes_key=True,
        ),
        Action(
            "recreate-journal", gettext_lazy("Write the journal anew"),
            gettext_lazy("Only where it is damaged: from the records that prove themselves, and from what catalogue "
                         "and packs know. When and why messages were deleted by lost records can't be rebuilt, nor the "
                         "chain that old proofs refer to; the damaged journal is kept."),
            gettext_lazy("Write it anew"), "document-duplicate", "RecreateRecoveryRecords", "recreate_journal",
        ),
        Action(
            "upgrade", gettext_lazy("Upgrade"),
            gettext_lazy("Brings the store to the newest format. Older versions of Postkeep can't read it afterwards."),
            gettext_lazy("Upgrade"), "arrow-up-circle", "UpgradeStore", "upgrade",
        ),
    )
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_action(request: ActorRequest, store_id: int, action: str) -> HttpResponse:
    """What an action would do, in numbers; then the task that does it."""
    store = selectors.get_store(request.actor, store_id)
    found = ACTIONS.get(action)
    if found is None or (found.moves_packs and not store.objects_kind):
        raise Http404(action)
    ticked = chosen(found.choices, request.POST if request.method == "POST" else request.GET)
    form = KeyForm(request.POST if request.method == "POST" else None) if found.takes_key else None
    if request.method == "POST" and (form is None or form.is_valid()):
        key = form.given() if form is not None else {}
        task = submit(request.actor, found.command, found.arguments(id=store.pk, **ticked, **key))
        return redirect_page(request, "jobs:task-detail", task.pk)
    numbers, problem = _preview(request, store, found, ticked)
    context = {
        "object": store_page(request, store),
        "store": store,
        "action": found,
        "numbers": numbers,
        "problem": problem,
        "form": form,
        "choices": [(choice, ticked[choice.name]) for choice in found.choices],
    }
    status = 422 if form is not None and form.errors else 200
    return render_page(request, "archive/store_action.html", context, status=status)


def _preview(
    request: ActorRequest, store: Store, action: Action, ticked: dict[str, Any]
) -> tuple[list[tuple[str, str]], str]:
    arguments = StoreArguments(id=store.pk, **ticked)
    try:
        plan = maintenance.plan_of(request.actor, store, action.operation, arguments)
    except (ArchiveError, StoreError) as error:
        return [], str(error)
    return store_wording.shown(plan.numbers, operation=action.operation), ""


@require_POST
@archive_page
def store_state(request: ActorRequest, store_id: int) -> HttpResponse:
    """Current, normal, write-protected, disabled."""
    store = selectors.get_store(request.actor, store_id)
    try:
        store_changes.set_state(request.actor, store, request.POST.get("requested_state", ""))
    except StoreRefused as error:
        toast(request, str(error), "error")
    else:
        said = {"name": store.name, "state": store.get_state_display()}
        toast(request, _("“%(name)s” is now: %(state)s.") % said)
        warn_waiting(request, store)
    return redirect_page(request, "archive:store-upkeep", store.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_merge(request: ActorRequest, store_id: int) -> HttpResponse:
    """Which store comes into this one, and what that brings."""
    store = selectors.get_store(request.actor, store_id)
    others = [each for each in selectors.list_stores(request.actor) if each.pk != store.pk and each.is_open]
    data = request.POST if request.method == "POST" else request.GET if "source" in request.GET else None
    form = MergeForm(data, stores=others)
    numbers: list[tuple[str, str]] = []
    source = None
    if form.is_bound and form.is_valid():
        source = next(each for each in others if str(each.pk) == form.cleaned_data["source"])
        with refusing(form):
            plan = merging.plan_merge(request.actor, store, source)
            numbers = store_wording.shown(plan.numbers)
        if request.method == "POST" and form.is_valid():
            task = submit(request.actor, "MergeStore", MergeArguments(store.pk, source.pk))
            return redirect_page(request, "jobs:task-detail", task.pk)
    context = {
        "object": store_page(request, store),
        "store": store,
        "form": form,
        "source": source,
        "numbers": numbers if form.is_valid() else [],
        "others": others,
    }
    status = 422 if request.method == "POST" and form.errors else 200
    return render_page(request, "archive/store_merge.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_unlock(request: ActorRequest, store_id: int) -> HttpResponse:
    """Open a store that came from elsewhere with that installation's recovery key."""
    store = selectors.get_store(request.actor, store_id)
    form = UnlockForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        task = submit(request.actor, "UnlockStore", UnlockArguments(store.pk, form.cleaned_data["passphrase"]))
        return redirect_page(request, "jobs:task-detail", task.pk)
    context = {"object": store_page(request, store), "store": store, "form": form}
    return render_page(request, "archive/store_unlock.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def store_detach(request: ActorRequest, store_id: int) -> HttpResponse:
    """Let a store go, which takes two people."""
    store = selectors.get_store(request.actor, store_id)
    form = DetachForm(request.POST if request.method == "POST" else None, store=store)
    if request.method == "POST" and form.is_valid():
        answer = ask_and_answer(request, form, store_changes.DETACH, StoreIdArguments(store.pk))
        if answer is not None:
            return answer
    problem, numbers = "", []
    try:
        numbers = list(plan_detaching(request.actor, StoreIdArguments(store.pk)).numbers)
    except StoreRefused as error:
        problem = str(error)
    context = {
        "object": store_page(request, store, storefacts.store_line(store)),
        "store": store,
        "form": form,
        "numbers": numbers,
        "problem": problem,
        "waits": two_people.needed(request.actor, "manage_stores", None),
    }
    return render_page(request, "archive/store_detach.html", context, status=422 if form.errors else 200)
