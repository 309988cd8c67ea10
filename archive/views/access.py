"""Reading somebody else's archive: opening it with a reason, closing it, and the owner's view of who did."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive import selectors
from archive.errors import ArchiveClosed, BadArguments
from archive.forms import OpenArchiveForm
from archive.models import ACCESS_MINUTES
from archive.services.access import close_archive, offered_minutes, open_archive
from archive.shares import list_shares_of
from archive.tables import ReaderTable
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from config.kit.paging import keyset


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def archive_open(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.READ_OTHERS_MAIL)
    sent = request.POST if request.method == "POST" else None
    initial = {"address": request.GET.get("address", "")}
    form = OpenArchiveForm(sent, initial=initial, minutes=offered_minutes(), chosen=ACCESS_MINUTES)
    if request.method == "POST" and form.is_valid():
        try:
            access = open_archive(request.actor, **form.cleaned_data)
            url = f"{reverse('archive:search')}?mailbox={access.mailbox_id}"
            return redirect_page(request, url)
        except (ArchiveClosed, BadArguments) as error:
            form.add_error(getattr(error, "field", None) or "address", str(error))
    opened = [each for each in selectors.readable_archives(request.actor) if each.access is not None]
    context = {"form": form, "opened": opened}
    return render_page(request, "archive/open_archive.html", context)


@require_POST
@archive_page
def archive_close(request: ActorRequest, access_id: int) -> HttpResponse:
    access = selectors.get_access(request.actor, access_id)
    close_archive(request.actor, access)
    toast(request, _("The archive of %(address)s is closed to you again.") % {"address": access.mailbox})
    return redirect_page(request, "archive:search")


@require_safe
@archive_page
def access_log(request: ActorRequest) -> HttpResponse:
    page = keyset(request, selectors.list_accesses_to(request.actor), order="-created_at", per_page=50)
    table = ReaderTable(page.rows, request=request, pager=page.pager)
    context = {"table": table, "total": page.total, "shares": list_shares_of(request.actor)}
    return render_page(request, "archive/access_log.html", context)


@require_safe
@archive_page
def access_detail(request: ActorRequest, access_id: int) -> HttpResponse:
    """One opening of one's own archive, with the messages that were read."""
    access = selectors.get_access_to(request.actor, access_id)
    page = keyset(request, selectors.list_reads(request.actor, access), order="-created_at", per_page=50)
    searches = selectors.list_searches(request.actor, access)
    context = {"access": access, "reads": page.rows, "pager": page.pager, "searches": searches}
    return render_page(request, "archive/access_detail.html", context)
