"""Importing by the page: upload files, or (administrators) name a path on the server; and what was rejected."""

from __future__ import annotations

from typing import cast

from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import BadAddress, Forbidden
from accounts.requests import ActorRequest
from archive import selectors
from archive.errors import BadArguments, PathRefused
from archive.forms import ImportForm
from archive.models import Upload
from archive.services.imports import ImportArguments, check_import, import_roots
from archive.services.uploads import DiskUploadHandler, keep_upload, remove_upload
from archive.tables import RejectionTable
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page
from config.kit.paging import keyset
from jobs.models import Task
from jobs.selectors import get_task
from jobs.services import submit


@csrf_exempt  # the token is checked below, once the body goes where uploads belong
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def import_mail(request: ActorRequest) -> HttpResponseBase:
    if request.method != "POST":
        return cast(HttpResponseBase, _import(request))
    handler = DiskUploadHandler(request)
    request.upload_handlers = [cast(FileUploadHandler, handler)]
    try:
        return cast(HttpResponseBase, _import(request))
    finally:
        handler.forget_leftovers()


@csrf_protect
def _import(request: ActorRequest) -> HttpResponse:
    actor, roots = request.actor, ", ".join(str(root) for root in import_roots())
    form = ImportForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        is_administrator=actor.is_administrator,
        roots=roots,
        initial={"user": actor.user.email if actor.user else ""},
    )
    if any(getattr(handler, "failed", False) for handler in request.upload_handlers):
        form.add_error(None, _("The files could not be kept: there is no room on the server. Nothing was imported."))
    elif request.method == "POST" and form.is_valid():
        task = _submit(request, form)
        if task is not None:
            return redirect_page(request, "jobs:task-detail", task.pk)
    return render_page(request, "archive/import.html", {"form": form}, partial="form")


def _submit(request: ActorRequest, form: ImportForm) -> Task | None:
    """The task, or None with the reason in the form. An upload that can't be imported is not kept."""
    assert request.actor.user is not None
    data, upload = form.cleaned_data, None
    path = data.get("path", "")
    if bool(data["files"]) == bool(path):
        form.add_error("files", _("Choose files to send.") if not path else _("Either files or a path, not both."))
        return None
    try:
        upload = keep_upload(request.actor, data["files"]) if data["files"] else None
        arguments = _arguments(request, form, upload)
        check_import(request.actor, arguments)
        return submit(request.actor, "ImportMail", arguments)
    except (BadAddress, BadArguments, PathRefused, Forbidden) as error:
        if upload is not None:
            remove_upload(upload)
        if isinstance(error, Forbidden):
            raise
        form.add_error(_field(error, form), str(error))
        return None


def _arguments(request: ActorRequest, form: ImportForm, upload: Upload | None) -> ImportArguments:
    assert request.actor.user is not None
    data = form.cleaned_data
    return ImportArguments(
        user=data.get("user") or request.actor.user.email,
        paths=[data["path"]] if data.get("path") else [],
        upload=str(upload.pk) if upload else None,
        folder=data["folder"] or None,
        mbox=data["mbox"] or "rd",
    )


def _field(error: Exception, form: ImportForm) -> str | None:
    if isinstance(error, BadAddress):
        return "user" if "user" in form.fields else None
    if isinstance(error, PathRefused):
        return "path"
    return "folder" if form.cleaned_data["folder"] else None


@require_safe
@archive_page
def import_items(request: ActorRequest, task_id: int) -> HttpResponse:
    """What an import rejected, paged; also put into the task's page."""
    task = get_task(request.actor, task_id)
    page = keyset(request, selectors.list_rejections(request.actor, task), order="pk", per_page=25)
    table = RejectionTable(page.rows, request=request, pager=page.pager)
    return render_page(request, "archive/import_items.html", {"task": task, "table": table}, partial="items")
