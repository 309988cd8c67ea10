"""Shared folders: what a person was let into or kept out of, and ending a share of one's own archive."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors as people
from accounts.errors import BadGrant
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.views.pages import person_page
from archive.errors import ArchiveClosed, BadArguments
from archive.forms import FolderGrantForm
from archive.selectors import get_mailbox
from archive.services.sharing import remove_folder_grant, set_folder_privileges
from archive.shares import get_folder_grant, list_folder_grants
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from domains.selectors import mailbox_of


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def person_folders(request: ActorRequest, user_id: int) -> HttpResponse:
    """What somebody may read of archives, and the form that lets them in or keeps them out."""
    actor = request.actor
    person = people.get_user(actor, user_id, need=Right.MANAGE_USERS)
    form = FolderGrantForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _save(request, person, form):
        toast(request, _("Saved."))
        return redirect_page(request, "archive:person-folders", person.pk)
    rows = [(grant, mailbox) for grant, mailbox in list_folder_grants(actor, person) if mailbox is not None]
    context = {
        "object": person_page(request, person),
        "person": person,
        "rows": rows,
        "form": form,
        "archive": mailbox_of(person),
        "may_give": actor.has_somewhere(Right.READ_OTHERS_MAIL) and not actor.owns(person),
    }
    return render_page(request, "archive/person_folders.html", context)


@require_POST
@archive_page
def share_end(request: ActorRequest, grant_id: int) -> HttpResponse:
    grant, mailbox = get_folder_grant(request.actor, grant_id)
    remove_folder_grant(request.actor, grant, mailbox)
    toast(request, _("%(person)s has nothing there any more.") % {"person": grant.user.email})
    is_owner = mailbox.user is not None and request.actor.owns(mailbox.user)
    back = reverse("archive:access-log") if is_owner else reverse("archive:person-folders", args=[grant.user.pk])
    if request.actor.owns(grant.user) and not is_owner:
        back = reverse("archive:search")
    return redirect_page(request, back)


def _save(request: ActorRequest, person: Any, form: FolderGrantForm) -> bool:
    """What the service refuses stands at its field."""
    data = form.cleaned_data
    try:
        mailbox = get_mailbox(data["address"])
        # who may not know of the archive hears what they would of one that isn't there
        if not request.actor.has(Right.VIEW_USERS, mailbox):
            raise ArchiveClosed(_("There is no mailbox “%(address)s”.") % {"address": data["address"]})
        set_folder_privileges(request.actor, person, mailbox, data["folder"], data["privileges"] or ["none"])
    except ArchiveClosed as error:
        form.add_error("address", str(error))
    except BadArguments as error:
        form.add_error("folder", str(error))
    except BadGrant as error:
        form.add_error("privileges", str(error))
    return form.is_valid()
