"""The full-text indexes: how far they are, what could not be read, and indexing again."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import ActorRequest
from archive.errors import ArchiveClosed, MessageUnknown
from archive.index_tables import IndexTable, UnreadTable, index_rows, unread_rows
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import Empty
from jobs.commands import NoArguments
from jobs.errors import BadArguments
from jobs.services import submit

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class ReindexForm(forms.Form):
    """What is indexed again. Shape only."""

    what = forms.ChoiceField(
        label=gettext_lazy("What"),
        choices=[
            ("all", gettext_lazy("All mail of all stores")),
            ("store", gettext_lazy("A store")),
            ("user", gettext_lazy("Somebody's archive")),
            ("folder", gettext_lazy("A folder, with those below it")),
            ("message", gettext_lazy("A message")),
        ],
    )
    name = forms.CharField(
        label=gettext_lazy("Which"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs=_PLAIN),
        help_text=gettext_lazy(
            "The store's name, an address, name@example.org/Inbox, or the number or Message-ID of a message."
        ),
    )

    def arguments(self) -> ReindexArguments:
        """What was chosen. Raises: BadArguments (nothing is named)."""
        what, name = self.cleaned_data["what"], self.cleaned_data["name"].strip()
        if what == "all":
            return ReindexArguments()
        if not name:
            raise BadArguments(_("Say which one."), field="name")
        return ReindexArguments(**{what: name})


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def index_list(request: ActorRequest) -> HttpResponse:
    lines = reindexing.list_indexes(request.actor)
    form = ReindexForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            arguments = form.arguments()
            reindexing.choose(request.actor, arguments)
        except (BadArguments, ArchiveClosed, MessageUnknown) as error:
            form.add_error("name", str(error))
        else:
            task = submit(request.actor, "FullReIndexing", arguments)
            toast(request, _("Indexing again has begun."))
            return redirect_page(request, "jobs:task-detail", task.pk)
    unread = unread_rows(lines)
    empty = Empty(_("No store yet"), _("The first one, “Main”, is made with the first import."), icon="circle-stack")
    context = {
        "table": IndexTable(index_rows(lines), request=request, empty=empty),
        "unread_table": UnreadTable(unread, request=request) if unread else None,
        "lines": lines,
        "selected": sum(line.needs_rebuild and not line.problem for line in lines),
        "problems": [line for line in lines if line.problem],
        "form": form,
    }
    return render_page(request, "archive/index_list.html", context, status=422 if form.errors else 200)


@require_POST
@archive_page
def index_select(request: ActorRequest) -> HttpResponse:
    chosen = reindexing.select_indexes(request.actor, on=request.POST.get("on") != "0")
    if request.POST.get("on") == "0":
        toast(request, _("No index is marked any more."))
    else:
        toast(request, _("%(count)d indexes are marked for rebuilding.") % {"count": len(chosen)})
    return redirect_page(request, "archive:index-list")


@require_POST
@archive_page
def index_rebuild(request: ActorRequest) -> HttpResponse:
    """Rebuild the marked ones."""
    reindexing.list_indexes(request.actor)  # asks the right before a task is made
    task = submit(request.actor, "RebuildSelectedStoreIndexes", NoArguments())
    toast(request, _("Rebuilding has begun; searches use the old indexes until the new ones are complete."))
    return redirect_page(request, "jobs:task-detail", task.pk)
