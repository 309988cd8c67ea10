"""Results of profiles: which runs there were, and the report of one, live while it runs."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.errors import Forbidden
from accounts.requests import ActorRequest
from archive.models import ProfileKind
from archive.profile_tables import RESULTS, FolderTable, outcome_html
from archive.selectors import is_index_behind
from archive.services.profiles import results
from archive.services.profiles.keeping import right_for
from archive.views.doors import archive_page
from config.kit.pages import render_page
from config.kit.paging import keyset

# So long after its end a run that left the index behind (it was stopped, say) may still be why something isn't found.
CATCHING_UP = timedelta(hours=1)


@require_safe
def result_list(request: ActorRequest) -> HttpResponseBase:
    if not any(request.actor.has(right_for(kind)) for kind in ProfileKind.values):
        raise Forbidden("neither importing nor exporting mail of others")
    return RESULTS.answer(request, results.list_results(request.actor), "archive/result_list.html")


@require_safe
@archive_page
def result_detail(request: ActorRequest, run_id: int) -> HttpResponse:
    run = results.get_result(request.actor, run_id)
    is_live = run.task is not None and run.task.is_active
    since = run.started_at if run.ended_at is None else run.ended_at
    is_recent = is_live or timezone.now() - since < CATCHING_UP
    page = keyset(request, run.folders.all(), order="pk", per_page=100)
    context = {
        "result": run,
        "outcome": outcome_html(run.outcome),
        "is_live": is_live,
        "kept_after": None if run.kept_at is None else (run.kept_at - run.started_at).total_seconds(),
        "is_behind": run.kept_at is not None and is_recent and is_index_behind(),
        "task": run.task,
        "table": FolderTable(page.rows, request=request, pager=page.pager),
    }
    return render_page(request, "archive/result_detail.html", context, partial="live")
