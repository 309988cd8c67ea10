"""Evidence packages: asking for one, the list of one's own, the file until it expires."""

from __future__ import annotations

import uuid

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import evidence_selectors
from archive.errors import ArchiveClosed, BadArguments
from archive.forms import PackageForm
from archive.models import PACKAGE_DAYS
from archive.query.errors import MESSAGES, QueryError
from archive.services.packages import PackageArguments, check_package, delete_package, note_download, require_download
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import keyset
from jobs.models import Task
from jobs.services import submit


@require_safe
@archive_page
def package_list(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.READ_OTHERS_MAIL)
    page = keyset(request, evidence_selectors.list_packages(request.actor), order="-created_at", per_page=50)
    context = {"packages": page.rows, "pager": page.pager, "total": page.total, "days": PACKAGE_DAYS}
    return render_page(request, "archive/package_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def package_add(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.READ_OTHERS_MAIL)
    given = {name: request.GET.get(name, "") for name in ("mailboxes", "query") if request.GET.get(name)}
    form = PackageForm(request.POST if request.method == "POST" else None, initial=given)
    if request.method == "POST" and form.is_valid():
        task = _submit(request, form)
        if task is not None:
            return redirect_page(request, "jobs:task-detail", task.pk)
    return render_page(request, "archive/package_add.html", {"form": form, "days": PACKAGE_DAYS})


def _submit(request: ActorRequest, form: PackageForm) -> Task | None:
    data = form.cleaned_data
    arguments = PackageArguments(
        reason=data["reason"], mailboxes=data["mailboxes"], query=data["query"], messages=data["messages"],
        format=data["format"],
    )  # fmt: skip
    try:
        check_package(request.actor, arguments)
        return submit(request.actor, "ExportPackage", arguments)
    except QueryError as error:
        where = _(" (at character %(place)d)") % {"place": error.position + 1}
        form.add_error("query", _(MESSAGES[error.code]) % error.params + where)
    except ArchiveClosed as error:
        form.add_error("mailboxes", str(error))
    except BadArguments as error:
        form.add_error(error.field, str(error))
    return None


@never_cache
@require_safe
@archive_page
def package_download(request: ActorRequest, package_id: uuid.UUID) -> HttpResponseBase:
    package = evidence_selectors.get_package(request.actor, package_id)
    require_download(request.actor, package)
    if request.method != "HEAD":
        note_download(request.actor, package)
    response = FileResponse(
        package.path.open("rb"), as_attachment=True, filename=package.file_name, content_type="application/zip"
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@archive_page
def package_delete(request: ActorRequest, package_id: uuid.UUID) -> HttpResponse:
    package = evidence_selectors.get_package(request.actor, package_id)
    delete_package(request.actor, package)
    toast(request, _("The package's file is deleted; that it was made stays on record."))
    return redirect_page(request, "archive:package-list")
