"""Restoring from a backup: one mailbox, one store, everything. Each says in numbers what it would do before it does."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive.backup.errors import BackupError
from archive.backup_commands import RestoreArchiveArguments, RestoreMailboxArguments, RestoreStoreArguments
from archive.backup_forms import RestoreMailboxForm, RestoreStoreForm
from archive.errors import ArchiveError
from archive.models import BackupSet
from archive.services.backup import restoring, sets
from archive.views.doors import archive_page, sent
from config.kit.pages import redirect_page, render_page, toast
from config.kit.secrets import SecretsError
from jobs import two_people
from jobs.forms import ReasonForm
from jobs.services import submit
from jobs.views.approvals import ask_and_answer

WRONG = (ArchiveError, BackupError, SecretsError)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def restore_mailbox(request: ActorRequest, backup_id: int) -> HttpResponse:
    """POST counts what would come back (`preview`), or brings it back (`save`)."""
    backup = sets.get_backup(request.actor, backup_id)
    request.actor.require(Right.IMPORT_MAIL)
    form = RestoreMailboxForm(sent(request))
    found = None
    if request.method == "POST" and form.is_valid():
        try:
            found = restoring.count_mailbox(request.actor, backup, **form.cleaned_data)
        except WRONG as error:
            field = getattr(error, "field", None)
            form.add_error(field if field in form.fields else None, str(error))
        else:
            if "save" in request.POST:
                arguments = RestoreMailboxArguments(backup.destination.name, backup_set=backup.set, **form.cleaned_data)
                task = submit(request.actor, "RestoreMailbox", arguments)
                return redirect_page(request, "jobs:task-detail", task.pk)
    context = {"backup": backup, "form": form, "found": found}
    return render_page(request, "archive/restore_mailbox.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def restore_store(request: ActorRequest, backup_id: int) -> HttpResponse:
    """POST says what it would mean (`preview`), or does it, or asks for it where one is replaced (`save`)."""
    backup = sets.get_backup(request.actor, backup_id)
    names, problem = _stores(request, backup)
    form = RestoreStoreForm(_with_reason(request), stores=names, initial={"store": request.GET.get("store")})
    context: dict[str, Any] = {"backup": backup, "form": form, "problem": problem}
    if request.method == "POST" and form.is_valid():
        arguments = RestoreStoreArguments(backup.destination.name, backup.set, form.cleaned_data["store"])
        try:
            plan = restoring.plan_store(request.actor, backup, arguments.store)
        except WRONG as error:
            form.add_error("store", str(error))
        else:
            if "save" in request.POST and plan is None:
                task = submit(request.actor, restoring.STORE_COMMAND, arguments)
                return redirect_page(request, "jobs:task-detail", task.pk)
            if "save" in request.POST:
                answer = ask_and_answer(request, form, restoring.STORE_COMMAND, arguments)
                if answer is not None:
                    return answer
            context |= {"previewed": True, "plan": plan}
    context["waits"] = two_people.needed(request.actor, Right.MANAGE_STORES, None)
    return render_page(request, "archive/restore_store.html", context)


def _with_reason(request: ActorRequest) -> Any:
    """A preview needs no reason yet."""
    given = sent(request)
    if given is None or "save" in given or given.get("reason"):
        return given
    given = given.copy()
    given["reason"] = "–"
    return given


def _stores(request: ActorRequest, backup: BackupSet) -> tuple[list[tuple[str, str]], str]:
    try:
        manifest = sets.manifest_of(request.actor, backup)[1]
    except WRONG as error:
        return [], str(error)
    return [(part.name, part.name) for part in manifest.stores], ""


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def restore_archive(request: ActorRequest, backup_id: int) -> HttpResponse:
    """What everything from this backup would mean; POST asks for it."""
    backup = sets.get_backup(request.actor, backup_id)
    request.actor.require(Right.MANAGE_SERVER)
    form = ReasonForm(sent(request))
    context: dict[str, Any] = {"backup": backup, "form": form}
    try:
        context["plan"] = restoring.plan_archive(request.actor, backup)
    except WRONG as error:
        context["problem"] = str(error)
    if request.method == "POST" and form.is_valid():
        arguments = RestoreArchiveArguments(backup.destination.name, backup.set)
        answer = ask_and_answer(request, form, restoring.ARCHIVE_COMMAND, arguments)
        if answer is not None:
            return answer
    context["waits"] = two_people.needed(request.actor, Right.MANAGE_SERVER, None)
    return render_page(request, "archive/restore_archive.html", context)


@require_POST
def restore_withdraw(request: ActorRequest) -> HttpResponse:
    if restoring.withdraw_order(request.actor):
        toast(request, _("The next start restores nothing."))
    return redirect_page(request, "archive:backup-list")
