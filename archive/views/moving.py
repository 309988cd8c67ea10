"""Moving messages of one archive into another of its folders: which, from where, then into which one."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.errors import Forbidden
from accounts.models import FolderGrant
from accounts.requests import ActorRequest
from archive import folderfacts
from archive.errors import FolderError, FolderUnknown
from archive.folder_forms import MessagesMoveForm
from archive.folderrights import organises_some, organising
from archive.foldertree import FolderTree, whole_tree
from archive.listing import Place
from archive.permissions import is_own
from archive.services import message_moves
from archive.views.doors import archive_page, sent
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from domains.models import Mailbox

_KEY = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,17})", re.ASCII)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def messages_move(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """GET says how many are chosen and where they lie; POST moves them. Without any chosen back to the list."""
    mailbox = _organised(request, mailbox_id)
    tree, ids = whole_tree(mailbox), request.GET.getlist("chosen")
    place, source = _place(request, mailbox, tree)
    if not ids:
        return redirect_page(request, place.list_url)
    move = message_moves.plan_move(request.actor, mailbox, ids, source=source)
    may = organising(request.actor, mailbox)
    paths = [node.path for node in tree.walk() if node.parts and node.path != source and may(node.path)]
    form = MessagesMoveForm(sent(request), paths=paths)
    if request.method == "POST" and form.is_valid():
        try:
            done = message_moves.move_messages(
                request.actor, mailbox, ids, form.cleaned_data["target"], source=source
            )  # fmt: skip
        except FolderError as error:
            form.add_error("target" if isinstance(error, FolderUnknown) else None, str(error))
        else:
            toast(request, _said(done))
            return redirect_page(request, place.list_url)
    context = {"mailbox": mailbox, "move": move, "sources": move.sources.most_common(), "form": form, "place": place}
    return render_page(request, "archive/messages_move.html", context, status=422 if form.errors else 200)


def _organised(request: ActorRequest, mailbox_id: int) -> Mailbox:
    """Raises: ArchiveClosed, Forbidden."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    grants = FolderGrant.objects.filter(user=request.actor.user, mailbox_id=mailbox.pk)
    if not organises_some(request.actor, mailbox, grants):
        raise Forbidden(f"{request.actor.label} may not organise these folders")
    return mailbox


def _place(request: ActorRequest, mailbox: Mailbox, tree: FolderTree) -> tuple[Place, str]:
    """The list the person came from, and the folder it shows, if it shows one."""
    key = _KEY.fullmatch(request.GET.get("folder", ""))
    path = "" if key is None else tree.paths().get((int(key[1]), int(key[2])), "")
    place = Place(
        query=request.GET.get("q", "").strip(),
        folder=request.GET["folder"] if path else "",
        mailbox=None if is_own(request.actor, mailbox.address) else mailbox.pk,
        order="relevance" if request.GET.get("sort") == "relevance" else "date",
    )
    return place, path


def _said(done: message_moves.MessageMove) -> str:
    count, words = done.messages, {"count": number(done.messages), "folder": done.target}
    if not count:
        return _("Nothing to move: all of it lies in “%(folder)s”.") % words
    return (
        ngettext("%(count)s message is moved to “%(folder)s”.", "%(count)s messages are moved to “%(folder)s”.", count)
        % words
    )
