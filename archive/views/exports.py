"""Taking mail out by the page: ask for it, watch the task, download what was prepared until it expires."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import ActorRequest
from archive import selectors
from archive.errors import ArchiveClosed, BadArguments
from archive.foldertree import tree_of
from archive.forms import ExportForm
from archive.packing import zip_stream
from archive.query.errors import MESSAGES, QueryError
from archive.services.exports import ExportArguments, delete_export, prepare_export
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from jobs.models import Task
from jobs.services import submit


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def export_mail(request: ActorRequest) -> HttpResponse:
    archives = selectors.readable_archives(request.actor)
    folders = sorted({path for archive in archives for path in tree_of(archive).readable_paths()})
    form = ExportForm(
        request.POST if request.method == "POST" else None,
        addresses=[archive.mailbox.address for archive in archives],
        folders=folders,
        initial={key: request.GET.get(key, "") for key in ("user", "folder", "query") if request.GET.get(key)},
    )
    if request.method == "POST" and form.is_valid():
        task = _submit(request, form)
        if task is not None:
            return redirect_page(request, "jobs:task-detail", task.pk)
    exports = selectors.list_exports(request.actor)[:20]
    context = {"form": form, "archives": archives, "exports": exports}
    return render_page(request, "archive/export.html", context, partial="form")


def _submit(request: ActorRequest, form: ExportForm) -> Task | None:
    data = form.cleaned_data
    try:
        with transaction.atomic():
            export = prepare_export(
                request.actor,
                address=data["user"],
                format=data["format"],
                folder=data["folder"],
                query=data["query"],
            )
            arguments = ExportArguments(
                user=export.mailbox.address,
                format=export.format,
                folder=export.folder or None,
                query=export.query or None,
                export=str(export.pk),
            )
            return submit(request.actor, "ExportMail", arguments)
    except QueryError as error:
        where = _(" (at character %(place)d)") % {"place": error.position + 1}
        form.add_error("query", _(MESSAGES[error.code]) % error.params + where)
    except (BadArguments, ArchiveClosed) as error:
        form.add_error(None, str(error))
    return None


@never_cache
@require_safe
@archive_page
def export_download(request: ActorRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The prepared files as one .zip, packed while it is sent."""
    export = selectors.get_download(request.actor, export_id)
    name = f"mail-{export.mailbox.address}-{export.created_at:%Y-%m-%d}.zip".replace("@", "-at-")
    response = StreamingHttpResponse(
        [] if request.method == "HEAD" else zip_stream(export.root), content_type="application/zip"
    )
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@archive_page
def export_delete(request: ActorRequest, export_id: uuid.UUID) -> HttpResponse:
    export = selectors.get_export(request.actor, export_id)
    delete_export(request.actor, export)
    toast(request, _("The prepared download is deleted."))
    return redirect_page(request, "archive:export")
