"""Users from a CSV file: sending it, the dry run as a task, then the real one."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.csv_reading import CsvError
from config.kit.pages import redirect_page, render_page, toast
from domains.commands.importing import ImportUsersArguments, ask_for_import
from domains.errors import DomainsError
from domains.services.importing import uploads
from domains.views.frames import refuse
from jobs import services as tasks


class ImportForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("CSV file"), widget=forms.ClearableFileInput({"accept": ".csv,text/csv"}))


@require_http_methods(["GET", "HEAD", "POST"])
def user_import(request: ActorRequest) -> HttpResponse:
    """Send a file; what would happen is then worked out, row by row, as a task."""
    request.actor.require_somewhere(Right.MANAGE_USERS)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            task = ask_for_import(request.actor, file, dry_run=True)
        except CsvError as error:
            form.add_error("file", str(error))
        except DomainsError as error:
            refuse(form, error)
        else:
            return redirect_page(request, "jobs:task-detail", task.pk)
    elif request.method == "POST":
        form.is_valid()
    context = {"form": form, "columns": _columns(), "status": None}
    status = 422 if request.method == "POST" else None
    return render_page(request, "domains/user_import.html", context, status=status)


@require_POST
def user_import_run(request: ActorRequest, upload_id: str) -> HttpResponse:
    """Import for real what the dry run looked at."""
    request.actor.require_somewhere(Right.MANAGE_USERS)
    if uploads.get_upload(request.actor, str(upload_id)) is None:
        toast(request, _("The file is gone; send it again."), "error")
        return redirect_page(request, reverse("domains:user-import"))
    task = tasks.submit(request.actor, "ImportUsers", ImportUsersArguments(upload=str(upload_id)))
    return redirect_page(request, "jobs:task-detail", task.pk)


def _columns() -> list[tuple[str, str]]:
    return [
        ("email", _("the address; the only column that must be there")),
        ("name, first_name, last_name", _("what the person is called")),
        ("language", "en, de, fr, es, nb, da"),
        ("status", _("enabled, disabled or pending")),
        ("password", _("in clear text; it is hashed after the import. Who has none is invited.")),
        ("quota_mb", _("megabytes, or “unlimited”")),
        ("policy", _("the name of a policy of the domain")),
        ("aliases", _("more addresses of the domain, set apart by spaces")),
        ("groups", _("groups of the domain, set apart by spaces")),
    ]
