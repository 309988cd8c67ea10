"""Indexing messages again, and which attached files could not be read. Not for whole indexes (`views.stores`)."""

from __future__ import annotations

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.requests import ActorRequest
from archive.errors import ArchiveClosed, MessageUnknown, StoreUnavailable, StoreUnknown
from archive.reading import UNREAD
from archive.services import reindexing
from archive.services.reindexing import ReindexArguments
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.tables import BaseTable, NumberColumn, TextColumn
from jobs.errors import BadArguments
from jobs.services import submit

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class UnreadTable(BaseTable):
    reason = TextColumn(verbose_name=gettext_lazy("Why"))
    messages = NumberColumn(verbose_name=gettext_lazy("Messages"))

    caption = gettext_lazy("Attachments that could not be read")


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
def index_again(request: ActorRequest) -> HttpResponse:
    unread = reindexing.count_unread(request.actor)
    form = ReindexForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            arguments = form.arguments()
            reindexing.choose(request.actor, arguments)
        except (BadArguments, ArchiveClosed, MessageUnknown, StoreUnknown, StoreUnavailable) as error:
            form.add_error("name", str(error))
        else:
            task = submit(request.actor, "FullReIndexing", arguments)
            toast(request, _("Indexing again has begun."))
            return redirect_page(request, "jobs:task-detail", task.pk)
    ordered = sorted(unread.items(), key=lambda pair: -pair[1])
    rows = [{"reason": str(UNREAD.get(reason, reason)), "messages": count} for reason, count in ordered]
    context = {"form": form, "table": UnreadTable(rows, request=request) if rows else None}
    return render_page(request, "archive/index_again.html", context, status=422 if form.errors else 200)
