"""The stores, for administrators: how big, how much saved, how far the index is behind; and verifying one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import ActorRequest
from archive import selectors, storefacts
from archive.services.maintenance import StoreArguments
from archive.tables import MailboxTable, StoreTable
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from jobs.services import submit


@require_safe
@archive_page
def store_list(request: ActorRequest) -> HttpResponse:
    lines = [storefacts.store_line(store) for store in selectors.list_stores(request.actor)]
    empty = Empty(_("No store yet"), _("The first one, “Main”, is made with the first import."), icon="circle-stack")
    table = StoreTable(lines, request=request, empty=empty)
    return render_page(request, "archive/store_list.html", {"table": table, "count": len(lines)})


@require_safe
@archive_page
def store_detail(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    line = storefacts.store_line(store)
    mailboxes: list[dict[str, Any]] = (
        [] if line.problem else [asdict(each) for each in storefacts.list_mailboxes(store)]
    )
    context = {
        "store": store,
        "line": line,
        "free_bytes": storefacts.free_bytes(store.root),
        "work_bytes": storefacts.work_bytes(store),
        "table": MailboxTable(mailboxes, request=request),
        "last_verified": storefacts.last_verified(store),
    }
    return render_page(request, "archive/store_detail.html", context)


@require_POST
@archive_page
def store_verify(request: ActorRequest, store_id: int) -> HttpResponse:
    store = selectors.get_store(request.actor, store_id)
    task = submit(request.actor, "VerifyStore", StoreArguments(store=store.name))
    toast(request, _("Verifying “%(name)s” has begun.") % {"name": store.name})
    return redirect_page(request, "jobs:task-detail", task.pk)
