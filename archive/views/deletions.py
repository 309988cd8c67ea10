"""One message: how long it is kept and by what, and deleting it."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import Forbidden
from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive.errors import BadArguments, Kept
from archive.keeping_forms import DeleteMessageForm
from archive.keeping_selectors import message_dates
from archive.owners import owner_of
from archive.ruling import may_delete
from archive.services import deleting
from archive.views.doors import archive_page, sent
from archive.views.messages import message_frame, open_message
from config.kit.pages import redirect_page, render_page, toast


@require_safe
@archive_page
def message_retention(request: ActorRequest, message_id: str) -> HttpResponse:
    """From when it may go, when it goes by itself, which policies say so, and which holds keep it."""
    found = open_message(request, message_id)
    own = None if found.archive is None or request.actor.has(Right.MANAGE_RETENTION) else {found.archive.mailbox.pk}
    context = message_frame(request, found, "retention") | {
        "kept": message_dates(request.actor, found.store, found.row, mailboxes=own),
        "may_delete": deleting.may_remove(request.actor, found),
    }
    return render_page(request, "archive/message_retention.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def message_delete(request: ActorRequest, message_id: str) -> HttpResponse:
    """What goes with it, and why it stays where it must; then deleted, with a reason."""
    found = open_message(request, message_id)
    if not deleting.may_remove(request.actor, found):
        raise Forbidden(f"{request.actor.label} may not delete this message")
    form = DeleteMessageForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            deleting.delete_read(request.actor, found, reason=form.cleaned_data["reason"])
            toast(request, _("The message is deleted."))
            return redirect_page(request, "archive:search")
        except (Kept, BadArguments) as error:
            form.add_error(None, str(error))
    ruling = may_delete(found.store, found.row)
    mailboxes = {owner_of(mailbox) for _folder, mailbox in found.row.placements}
    context = message_frame(request, found, "retention") | {
        "form": form,
        "reasons": deleting.explain_for(request.actor, ruling),
        "folder_count": len(found.row.placements),
        "mailbox_count": len(mailboxes),
    }
    return render_page(request, "archive/message_delete.html", context)
