"""Synchronisation with a directory: its runs, one with its list (also as CSV), and asking for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Forbidden
from accounts.models import Source
from accounts.requests import ActorRequest
from accounts.selectors.sources import get_source
from accounts.views.sources import source_page
from config.kit.csv import stream_csv
from config.kit.pages import redirect_page, render_page, toast
from domains.commands.directory import SyncArguments
from domains.errors import DomainsError
from domains.models import DirectoryChange, DirectoryRun
from domains.services.syncing.running import require_syncing
from jobs.services import submit

SHOWN = 500


class SyncForm(forms.Form):
    """How it is run. confirm: only where a run asked for it."""

    mode = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        widget=forms.RadioSelect,
        choices=[
            ("try", gettext_lazy("Only try: say what would change")),
            ("run", gettext_lazy("Take over what changed")),
        ],
    )
    confirm = forms.IntegerField(
        label=gettext_lazy("Confirm how many are shut out"),
        required=False,
        min_value=0,
        help_text=gettext_lazy("Where a run stopped because so many people were missing. Else leave it empty."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def source_sync(request: ActorRequest, source_id: int) -> HttpResponse:
    """The runs so far, and a new one as a task."""
    source = _directory(request, source_id)
    form = SyncForm(request.POST or None, initial={"mode": "try"})
    if request.method == "POST":
        require_syncing(request.actor, source)
        if form.is_valid():
            arguments = SyncArguments(
                dry_run=form.cleaned_data["mode"] == "try", source=source.pk, confirm=form.cleaned_data["confirm"]
            )
            task = submit(request.actor, "SyncUsersWithDirectoryServices", arguments)
            toast(request, _("The directory is being read."))
            return redirect_page(request, "jobs:task-detail", task.pk)
    context = {
        "object": source_page(request, source),
        "source": source,
        "form": form,
        "runs": list(source.runs.all()[:20]),
        "may_sync": _may_sync(request, source),
    }
    return render_page(request, "domains/source_sync.html", context)


@require_safe
def directory_run(request: ActorRequest, source_id: int, run_id: int) -> HttpResponseBase:
    """What one run did, or would have done; with ?format=csv the whole list."""
    source = _directory(request, source_id)
    run = source.runs.filter(pk=run_id).first()
    if run is None:
        raise Http404("no such run")
    kind = request.GET.get("kind", "")
    changes = run.changes.filter(kind=kind) if kind in DirectoryChange.Kind.values else run.changes.all()
    if request.GET.get("format") == "csv":
        heads = [_("What"), _("Address"), _("Detail")]
        return stream_csv(heads, _rows(run), filename=f"{source.name}-{run.pk}.csv")
    shown = list(changes[: SHOWN + 1])
    context: dict[str, Any] = {
        "object": source_page(request, source),
        "source": source,
        "run": run,
        "changes": shown[:SHOWN],
        "more": len(shown) > SHOWN,
        "kinds": [(key, label, run.counts.get(key, 0)) for key, label in DirectoryChange.Kind.choices],
        "kind": kind,
        "left": [(_("As they were"), run.counts.get("same", 0))],
    }
    return render_page(request, "domains/directory_run.html", context)


def _rows(run: DirectoryRun) -> Iterator[tuple[str, str, str]]:
    for change in run.changes.order_by("pk").iterator(2_000):
        yield change.get_kind_display(), change.address, change.detail


def _directory(request: ActorRequest, source_id: int) -> Source:
    source = get_source(request.actor, source_id)
    if not source.kind_of.is_directory:
        raise Http404("only directories are synchronised")
    return source


def _may_sync(request: ActorRequest, source: Source) -> bool:
    try:
        require_syncing(request.actor, source)
    except (Forbidden, DomainsError):
        return False
    return True
