"""The stores, for administrators: all of them, one with its figures, whose mail is in it, its upkeep, its history."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import selectors, store_wording, storefacts
from archive.models import AutoCreation, Store, StoreKind
from archive.services import indexes, store_changes
from archive.storefacts import IndexLine
from archive.tables import IndexTable, MailboxTable, StoreTable
from archive.views.all_stores import WIDE
from archive.views.doors import archive_page
from archive.views.store_actions import ACTIONS
from archive.views.store_frames import store_page
from config.kit.objects import ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from config.kit.templatetags.kit import exact, filesize_exact, number
from domains.selectors import history_of
from domains.wording import history_lines
from jobs.commands import NoArguments
from jobs.services import submit


@require_safe
@archive_page
def store_list(request: ActorRequest) -> HttpResponse:
    lines = [storefacts.store_line(store) for store in selectors.list_stores(request.actor)]
    empty = Empty(_("No store yet"), _("The first one, “Main”, is made with the first import."), icon="circle-stack")
    hidden = [name for name, values in _columns(lines).items() if not any(values)]
    table = StoreTable(lines, request=request, empty=empty, exclude=hidden)
    context = {
        "table": table,
        "count": len(lines),
        "failed": [line for line in lines if line.problem],
        "threshold": AutoCreation.load().size_threshold_bytes,
        "wide": [action for action in WIDE.values() if request.actor.has(action.right)],
        "may_renew": request.actor.has(Right.MANAGE_SERVER),
    }
    return render_page(request, "archive/store_list.html", context)


def _columns(lines: list[storefacts.StoreLine]) -> dict[str, list[object]]:
    """Columns that are shown only where they say something."""
    said = {name: [getattr(line, name) for line in lines] for name in ("fill", "customer", "verified_at")}
    return said | {"kind": [line.kind != str(StoreKind.FOLDER.label) for line in lines]}


@require_safe
@archive_page
def store_detail(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    line = storefacts.store_line(store)
    context = {
        "object": store_page(request, store, line),
        "store": store,
        "line": line,
        "figures_now": _values(store, line),
        "places": _places(store),
        "figures": store_wording.counted(store.figures),
        "api_path": f"/api/v1/stores/{store.pk}",
        "is_locked": store.is_locked or "KeyRefused" in line.problem or "does not open this store" in line.problem,
    }
    return render_page(request, "archive/store_detail.html", context)


def _values(store: Store, line: storefacts.StoreLine) -> list[ShownValue]:
    """What it holds and takes; what can't be said is left out."""
    saved = _("%(saved)s saved") % {"saved": line.saved} if line.saved not in ("", "–") else ""
    on_disk = [part for part in (filesize_exact(line.stored_bytes), saved) if part]
    shown = [
        ShownValue(_("Mail"), filesize_exact(line.raw_bytes)),
        ShownValue(_("On disk"), format_html_join(" · ", "{}", [(part,) for part in on_disk])),
        ShownValue(
            _("Catalogue and index"),
            filesize_exact(storefacts.work_bytes(store)),
            help=_("Working copies; they can be made anew."),
        ),
        ShownValue(_("Not yet indexed"), number(line.lag), help=_("Journal records.")),
        ShownValue(_("Of the threshold"), line.fill, help=_("For making a new store.")),
        ShownValue(
            _("In the database"),
            filesize_exact(storefacts.in_database_bytes(store)),
            help=_("Catalogue, journal and packs that have not left it; with their indexes."),
        ),
        ShownValue(_("Free on its disk"), filesize_exact(storefacts.free_of(store))),
    ]
    return [value for value in shown if value.value]


def _places(store: Store) -> list[ShownValue]:
    """Where it lies, whose it is, which one it is."""
    return [
        ShownValue(_("For"), store.customer or _("Everybody")),
        ShownValue(_("Kind"), store.get_kind_display()),
        *(_folder_places(store) if store.is_folder else _database_places(store)),
        ShownValue(_("Index"), str(store.index), css="mono"),
        ShownValue(_("Identity"), store.identity, css="mono"),
        ShownValue(_("Made"), exact(store.created_at)),
    ]


def _folder_places(store: Store) -> list[ShownValue]:
    return [
        ShownValue(_("Folder"), str(store.root), css="mono"),
        ShownValue(_("Catalogue"), str(store.work), css="mono"),
    ]


def _database_places(store: Store) -> list[ShownValue]:
    """Which database and schema, and where sealed packs go; no password, no key."""
    return [
        ShownValue(_("Database"), store.database_shown, css="mono" if store.dsn else ""),
        ShownValue(_("Schema"), store.schema, css="mono"),
        ShownValue(_("Sealed packs"), store.objects_shown, css="mono" if store.objects_kind else ""),
        ShownValue(_("Working copies"), str(store.work), css="mono"),
    ]


@require_safe
@archive_page
def store_mailboxes(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    line = storefacts.store_line(store)
    rows: list[storefacts.MailboxLine] = []
    if store.is_open and not line.problem:
        rows = storefacts.list_mailboxes(store)
    context = {
        "object": store_page(request, store, line),
        "store": store,
        "nobodys": any(row.is_nobodys for row in rows),
        "table": MailboxTable(rows, request=request, store_id=store.pk),
    }
    return render_page(request, "archive/store_mailboxes.html", context)


@require_safe
@archive_page
def store_upkeep(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    context = {
        "object": store_page(request, store),
        "store": store,
        "actions": [action for action in ACTIONS.values() if store.objects_kind or not action.moves_packs],
        "states": [(name, state.label) for name, state in store_changes.STATE_NAMES.items()],
    }
    return render_page(request, "archive/store_upkeep.html", context)


@require_safe
@archive_page
def store_history(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    events = history_lines(history_of(request.actor, store))
    return render_page(request, "archive/store_history.html", {"object": store_page(request, store), "events": events})


@require_POST
@archive_page
def store_retry(request: ActorRequest) -> HttpResponse:
    failed = store_changes.retry_open_stores(request.actor)
    for name, why in failed.items():
        toast(request, f"{name}: {why}", "error")
    if not failed:
        toast(request, _("Every store that is switched on can be opened."))
    return redirect_page(request, "archive:store-list")


@require_safe
@archive_page
def index_list(request: ActorRequest) -> HttpResponse:
    found = indexes.list_indexes(request.actor)
    lines = [
        IndexLine(
            each.store.pk, each.store.name, each.documents, each.size_bytes, each.lag,
            each.problem or (_("to be built anew") if each.store.is_index_selected else ""),
        )
        for each in found
    ]  # fmt: skip
    marked = [each for each in found if each.store.is_index_selected]
    context = {
        "table": IndexTable(lines, request=request),
        "count": len(lines),
        "marked": len(marked),
        "marked_messages": sum(each.documents for each in marked),
        "stores_url": reverse("archive:store-list"),
    }
    return render_page(request, "archive/index_list.html", context)


@require_POST
@archive_page
def index_select(request: ActorRequest) -> HttpResponse:
    """Mark every index, or with `store` one (or take its mark back)."""
    if "store" in request.POST:
        store = selectors.get_store(request.actor, _number(request.POST["store"]))
        indexes.set_selected(request.actor, store, request.POST.get("selected") == "1")
    else:
        indexes.select_all(request.actor)
        toast(request, _("Every search index is marked to be built anew."))
    return redirect_page(request, "archive:index-list")


@require_POST
@archive_page
def index_rebuild(request: ActorRequest) -> HttpResponse:
    task = submit(request.actor, "RebuildSelectedStoreIndexes", NoArguments())
    return redirect_page(request, "jobs:task-detail", task.pk)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0
