"""Backups: destinations with their sets, writing one now with its sizes said before, checking, and removing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import OuterRef, Subquery
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive.backup.errors import BackupError
from archive.backup.manifest import Manifest
from archive.backup_commands import (
    RemoveBackupsArguments,
    RunBackupArguments,
    VerifyBackupArguments,
)
from archive.backup_forms import DestinationForm
from archive.backup_tables import DESTINATIONS, SETS, state_of
from archive.errors import BadArguments
from archive.models import BackupDestination, BackupSet
from archive.services.backup import destinations, restoring, running, sets
from archive.views.doors import archive_page, sent
from config.kit.objects import Danger, ShownValue
from config.kit.pages import redirect_page, render_page, toast
from config.kit.secrets import SecretsError
from config.kit.templatetags.kit import number
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import two_people
from jobs.forms import ReasonForm
from jobs.models import Job
from jobs.services import submit
from jobs.views.approvals import ask_and_answer


@require_safe
def backup_list(request: ActorRequest) -> HttpResponseBase:
    last = BackupSet.objects.filter(destination=OuterRef("pk"), is_readable=True).order_by("-made_at")
    rows = destinations.list_destinations(request.actor).annotate(
        last_made=Subquery(last.values("made_at")[:1]),
        last_problems=Subquery(last.values("problems")[:1]),
        last_check=Subquery(last.values("check_ok")[:1]),
    )
    context = {"order": restoring.read_order(), "may_restore": request.actor.has(Right.MANAGE_SERVER)}
    return DESTINATIONS.answer(request, rows, "archive/backup_list.html", context)


@require_safe
def backup_kinds(request: ActorRequest) -> HttpResponse:
    request.actor.require(Right.MANAGE_STORES)
    roots = [str(root) for root in destinations.backup_roots()]
    return render_page(request, "archive/backup_kinds.html", {"roots": roots})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def backup_create(request: ActorRequest, kind: str) -> HttpResponse:
    request.actor.require(Right.MANAGE_STORES)
    if kind not in BackupDestination.Kind.values:
        raise Http404("no such kind")
    form = DestinationForm(sent(request), kind=kind)
    if request.method == "POST" and form.is_valid():
        with _refusing(form):
            made = destinations.create_destination(request.actor, kind=kind, **form.values())
            toast(request, _("The destination “%(name)s” is made. Test it, then run a backup.") % {"name": made})
            return redirect_page(request, "archive:backup-detail", made.pk)
    roots = [str(root) for root in destinations.backup_roots()]
    context = {"form": form, "kind": kind, "kind_label": BackupDestination.Kind(kind).label, "roots": roots}
    return render_page(request, "archive/backup_create.html", context)


@contextmanager
def _refusing(form: Form) -> Iterator[None]:
    """What the service refuses stands on the form."""
    try:
        yield
    except BadArguments as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))


@require_safe
@archive_page
def backup_detail(request: ActorRequest, destination_id: int) -> HttpResponseBase:
    destination = destinations.get_destination(request.actor, destination_id)
    rows = sets.list_backups(request.actor).filter(destination=destination)
    return SETS.answer(request, rows, "archive/backup_detail.html", _detail(destination))


def _detail(destination: BackupDestination) -> dict[str, Any]:
    last = destination.sets.filter(is_readable=True).first()
    state = "never" if last is None else "late" if running.is_late(destination) else last.state
    return {
        "destination": destination,
        "state": state_of(state),
        "values": _values(destination),
        "danger": Danger(
            _("Forget this destination"),
            _("No backup is written there any more. What lies there stays, and is found again when it is added anew."),
            _("Forget it"),
            reverse("archive:backup-delete", args=[destination.pk]),
        ),
    }


def _values(destination: BackupDestination) -> list[ShownValue]:
    shown = [ShownValue(_("Where"), destination.place, css="mono")]
    if not destination.is_folder:
        shown += [
            ShownValue(_("Endpoint"), destination.endpoint, css="mono"),
            ShownValue(_("Access key"), destination.access_key, css="mono"),
            ShownValue(_("Secret key"), _("stored") if destination.secret_key else _("none")),
        ]
    keeps = _("the last %(count)s") % {"count": number(destination.keep_last)}
    if destination.keep_days:
        keeps = _("%(last)s, and those younger than %(days)s days") % {
            "last": keeps, "days": number(destination.keep_days),
        }  # fmt: skip
    return [
        *shown,
        ShownValue(_("Search indexes"), _("with them") if destination.indexes else _("without them")),
        ShownValue(_("Keeps"), keeps),
        ShownValue(_("Runs by itself"), _planned(destination)),
    ]


def _planned(destination: BackupDestination) -> SafeString:
    """The jobs that write there, or where to plan one."""
    jobs = Job.objects.filter(command="RunBackup", arguments__destination=destination.name)
    links = [(reverse("jobs:job-detail", args=[job.pk]), job.name) for job in jobs]
    if not links:
        links = [(reverse("jobs:job-create", args=["RunBackup"]), _("Not yet; plan a job “Backup”"))]
    return format_html_join(", ", '<a href="{}">{}</a>', links)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def backup_edit(request: ActorRequest, destination_id: int) -> HttpResponse:
    destination = destinations.get_destination(request.actor, destination_id)
    form = DestinationForm(sent(request), kind=destination.kind, destination=destination)
    if request.method == "POST" and form.is_valid():
        with _refusing(form):
            expected = form.cleaned_data["version"]
            destinations.update_destination(request.actor, destination, expected=expected, **form.values())
            toast(request, _("The destination “%(name)s” is changed.") % {"name": destination})
            return redirect_page(request, "archive:backup-detail", destination.pk)
    return render_page(request, "archive/backup_edit.html", {"form": form, "destination": destination})


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def backup_run(request: ActorRequest, destination_id: int) -> HttpResponse:
    """GET says what would be written; POST writes it."""
    destination = destinations.get_destination(request.actor, destination_id)
    if request.method == "POST":
        without = None if "as_set" in request.POST else "indexes" not in request.POST
        task = submit(request.actor, "RunBackup", RunBackupArguments(destination.name, without))
        return redirect_page(request, "jobs:task-detail", task.pk)
    context: dict[str, Any] = {"destination": destination}
    try:
        context["preview"] = running.preview_backup(request.actor, destination)
    except (BackupError, SecretsError) as error:
        context["problem"] = str(error)
    return render_page(request, "archive/backup_run.html", context)


@require_POST
@archive_page
def backup_test(request: ActorRequest, destination_id: int) -> HttpResponse:
    destination = destinations.get_destination(request.actor, destination_id)
    problem = destinations.try_destination(request.actor, destination)
    if problem:
        toast(request, _("It can't be used: %(reason)s") % {"reason": problem}, "error")
    else:
        toast(request, _("It works: a small object was written, read and removed."))
    return redirect_page(request, "archive:backup-detail", destination.pk)


@require_POST
@archive_page
def backup_read(request: ActorRequest, destination_id: int) -> HttpResponse:
    destination = destinations.get_destination(request.actor, destination_id)
    try:
        count = sets.read_backups(request.actor, destination)
        toast(request, _("Backups there: %(count)s.") % {"count": number(count)})
    except (BackupError, SecretsError) as error:
        toast(request, _("It can't be read: %(reason)s") % {"reason": error}, "error")
    return redirect_page(request, "archive:backup-detail", destination.pk)


@require_POST
@archive_page
def backup_delete(request: ActorRequest, destination_id: int) -> HttpResponse:
    destination = destinations.get_destination(request.actor, destination_id)
    destinations.delete_destination(request.actor, destination)
    toast(request, _("The destination “%(name)s” is forgotten.") % {"name": destination.name})
    return redirect_page(request, "archive:backup-list")


# --- one set -----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def backup_set(request: ActorRequest, backup_id: int) -> HttpResponse:
    """What it holds, from its own words; POST asks for its removal."""
    backup = sets.get_backup(request.actor, backup_id)
    form = ReasonForm(sent(request))
    if request.method == "POST" and form.is_valid():
        arguments = RemoveBackupsArguments(backup.destination.name, [backup.set])
        answer = ask_and_answer(request, form, "RemoveBackups", arguments)
        if answer is not None:
            return answer
    manifest, problem = _manifest(request, backup)
    context = {
        "backup": backup,
        "manifest": manifest,
        "problem": problem,
        "state": state_of(backup.state),
        "problems": [*backup.problems, *backup.check_problems],
        "form": form,
        "waits": two_people.needed(request.actor, Right.MANAGE_STORES, None),
        "may_restore_all": request.actor.has(Right.MANAGE_SERVER),
    }
    return render_page(request, "archive/backup_set.html", context)


def _manifest(request: ActorRequest, backup: BackupSet) -> tuple[Manifest | None, str]:
    """What the set says of itself, or why it can't be asked."""
    try:
        return sets.manifest_of(request.actor, backup)[1], ""
    except (BackupError, SecretsError) as error:
        return None, str(error)


@require_POST
@archive_page
def backup_verify(request: ActorRequest, backup_id: int) -> HttpResponse:
    backup = sets.get_backup(request.actor, backup_id)
    task = submit(request.actor, "VerifyBackup", VerifyBackupArguments(backup.destination.name, backup.set))
    return redirect_page(request, "jobs:task-detail", task.pk)
