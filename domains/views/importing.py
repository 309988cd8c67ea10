"""CSV files of users, aliases, groups, forwards, catch-alls and subscribers: sent, looked at, imported; and exported.

One page a kind. The dry run is a task, and so is the real one, which its result offers.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import Forbidden
from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.csv import stream_csv
from config.kit.csv_reading import CsvError
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tabs import ShownTab
from domains.commands.importing import COMMANDS, ImportArguments, ask_for_import
from domains.errors import DomainsError
from domains.forms.importing import ImportForm
from domains.import_wording import WORDS
from domains.models import Domain, MailingList
from domains.services.importing import uploads
from domains.services.importing.exporting import export, scope_of, sees
from domains.services.importing.kinds import KINDS
from domains.services.importing.running import Importer
from domains.views.frames import refuse
from jobs import services as tasks
from jobs.models import Task


@require_safe
def csv_kinds(request: ActorRequest) -> HttpResponse:
    """All kinds of files that this person may import."""
    tabs = _tabs(request, "")
    if not tabs:
        raise Forbidden("imports nothing")
    return render_page(request, "domains/csv_kinds.html", {"kinds": [(kind, WORDS[kind]) for kind, _tab in tabs]})


@require_http_methods(["GET", "HEAD", "POST"])
def csv_import(request: ActorRequest, kind: str) -> HttpResponse:
    """Send a file; what would happen is then worked out, row by row, as a task."""
    importer = _importer(request, kind)
    mailing_list = _list_asked(request, kind)
    form = ImportForm(
        request.POST or None, request.FILES or None, changes=importer.changes, invites=_invites(request, kind)
    )
    if request.method == "POST" and form.is_valid():
        task = _ask_for_dry_run(request, importer, form, mailing_list)
        if task is not None:
            return redirect_page(request, "jobs:task-detail", task.pk)
    context = {"form": form, "kind": kind, "words": WORDS[kind], "mailing_list": mailing_list}
    context |= {"tabs": [tab for _kind, tab in _tabs(request, kind)], "query": request.GET.urlencode()}
    context["may_export"] = mailing_list is not None or request.actor.has_somewhere(sees(kind))
    return render_page(request, "domains/csv_import.html", context, status=422 if request.method == "POST" else None)


def _ask_for_dry_run(
    request: ActorRequest, importer: Importer[Any], form: ImportForm, mailing_list: MailingList | None
) -> Task | None:
    """The task that looks at the file; None where the form says what is wrong with it."""
    values = form.cleaned_data
    try:
        return ask_for_import(
            request.actor,
            values["file"],
            kind=importer.name,
            dry_run=True,
            change=values.get("change", False),
            invite=values.get("invite", False),
            list_id=mailing_list.pk if mailing_list else None,
        )
    except CsvError as error:
        form.add_error("file", str(error))
    except DomainsError as error:
        refuse(form, error)
    return None


@require_POST
def csv_import_run(request: ActorRequest, kind: str, upload_id: str) -> HttpResponse:
    """Import for real what the dry run looked at, in the same way."""
    _importer(request, kind)
    if uploads.get_upload(request.actor, str(upload_id), kind) is None:
        toast(request, _("The file is gone; send it again."), "error")
        return redirect_page(request, reverse("domains:csv-import", args=[kind]))
    listed = request.POST.get("list_id", "")
    arguments = ImportArguments(
        upload=str(upload_id),
        change=request.POST.get("change") == "1",
        invite=request.POST.get("invite") == "1",
        list_id=int(listed) if listed.isascii() and listed.isdecimal() and len(listed) < 19 else None,
    )
    task = tasks.submit(request.actor, COMMANDS[kind][0], arguments)
    return redirect_page(request, "jobs:task-detail", task.pk)


@require_safe
def csv_example(request: ActorRequest, kind: str) -> HttpResponseBase:
    """A file to begin with, in the name of a domain of theirs where they have one."""
    _importer(request, kind)
    seen = Domain.objects.visible_to(request.actor, Right.VIEW_DOMAINS).order_by("pk").first()
    name = "example.org" if seen is None else seen.name
    heads, *rows = WORDS[kind].example
    filled = [[cell.replace("{d}", name) for cell in row] for row in rows]
    return stream_csv(heads, filled, filename=f"example-{kind}")


@require_safe
def csv_export(request: ActorRequest, kind: str) -> HttpResponseBase:
    """What is there, as an import reads it: all that the person sees, of one domain, or of one list."""
    if kind not in KINDS:
        raise Http404("no such kind")
    scope = scope_of(request.actor, kind, domain_id=_asked(request, "domain"), list_id=_asked(request, "list"))
    columns, rows = export(request.actor, kind, scope)
    return stream_csv(columns, rows, filename=f"{kind}-{timezone.localdate():%Y-%m-%d}")


def _importer(request: ActorRequest, kind: str) -> Importer[Any]:
    """Raises: Http404, Forbidden."""
    if kind not in KINDS:
        raise Http404("no such kind")
    KINDS[kind].require(request.actor)
    return KINDS[kind]


def _invites(request: ActorRequest, kind: str) -> bool:
    return kind == "users" and request.actor.has_somewhere(Right.SET_PASSWORDS)


def _list_asked(request: ActorRequest, kind: str) -> MailingList | None:
    """The list that rows without one are for. Raises: Http404."""
    return scope_of(request.actor, kind, list_id=_asked(request, "list")).mailing_list


def _asked(request: ActorRequest, name: str) -> int | None:
    """An id in the address."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _tabs(request: ActorRequest, current: str) -> list[tuple[str, ShownTab]]:
    """The kinds of files that this person may import."""
    found = []
    for kind, importer in KINDS.items():
        try:
            importer.require(request.actor)
        except Forbidden:
            continue
        url = reverse("domains:csv-import", args=[kind])
        found.append((kind, ShownTab(WORDS[kind].label, url, None, kind == current)))
    return found
