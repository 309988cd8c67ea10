"""Folders of an archive, for who organises them: the tree with counts, one folder with figures and who may do what.

Reading mail is elsewhere (`mail`). What a service refuses stands at its field.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from django.forms import Form
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts import selectors as people
from accounts.errors import AccountsError, Forbidden
from accounts.permissions import Right
from accounts.requests import ActorRequest
from accounts.services import find_user
from archive import folderfacts, foldernames
from archive.errors import ArchiveError, FolderError, FolderUnknown
from archive.folder_forms import FolderDeleteForm, FolderForm, FolderMoveForm, FolderNamesForm, FolderShareForm
from archive.folder_tables import ARCHIVES
from archive.folderrights import administers, may_organise
from archive.foldertree import items_below, shown_items
from archive.services import folder_deletion, folder_notes, folders, sharing
from archive.services.folder_deletion import DeleteFolderArguments
from archive.views.doors import archive_page, sent
from config.kit.objects import ObjectPage
from config.kit.pages import redirect_page, render_page, toast
from config.kit.templatetags.kit import number
from domains.models import Mailbox
from jobs.errors import JobsError
from jobs.views.approvals import ask_and_answer


@require_safe
@archive_page
def folder_archives(request: ActorRequest) -> HttpResponseBase:
    """The archives whose folders somebody may look at."""
    request.actor.require_somewhere(Right.VIEW_USERS)
    rows = Mailbox.objects.visible_to(request.actor, Right.VIEW_USERS)
    return ARCHIVES.answer(request, rows, "archive/folder_archives.html")


@require_safe
@archive_page
def folders_of(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """The tree of an archive; a large one opens branch by branch."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    seen = folderfacts.see_folders(request.actor, mailbox)
    context: dict[str, Any] = {"mailbox": mailbox, "seen": seen, "chosen": None}
    if "below" in request.GET and request.htmx:
        nodes = seen.tree.under(request.GET["below"])
        context["items"] = [item for item in items_below(nodes, after=_after(request)) if seen.shows(item.node)]
        return render(request, "archive/folder_rows.html", context)
    context |= {
        "object": _page(request, mailbox, seen),
        "items": [item for item in shown_items(seen.tree) if seen.shows(item.node)],
        "may_organise": may_organise(request.actor, mailbox),
        "may_note": _may_note(request, mailbox),
        "api_url": f"/api/v1/users/{mailbox.user_id}/emails/folders",
    }
    return render_page(request, "archive/folders_of.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folder_create(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    mailbox = _organised(request, mailbox_id)
    above = request.GET.get("below", "")
    form = FolderForm(sent(request), initial={"path": f"{above}/" if above else ""})
    if request.method == "POST" and form.is_valid():
        with _refusing(form, {"folder": "path", "target": "path"}):
            data = form.cleaned_data
            path = folders.create_folder(request.actor, mailbox, data["path"], folder_class=data["folder_class"])
            toast(request, _("The folder “%(folder)s” is made.") % {"folder": path})
            return redirect_page(request, _url(mailbox, path))
    context = {"object": _page(request, mailbox), "mailbox": mailbox, "form": form}
    return render_page(request, "archive/folder_create.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folder_detail(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Figures of a folder, its class, and who may do what with it; POST says it for somebody."""
    mailbox, seen, path = _folder(request, mailbox_id)
    may_share = request.actor.has(Right.VIEW_USERS, mailbox)
    form = FolderShareForm(sent(request))
    if request.method == "POST":
        if not may_share:
            raise Forbidden(f"{request.actor.label} may not share these folders")
        if path and form.is_valid() and _share(request, mailbox, path, form):
            toast(request, _("Saved."))
            return redirect_page(request, _url(mailbox, path))
    if not path:
        return redirect_page(request, "archive:folders-of", mailbox.pk)
    (line, *below) = folderfacts.figures(seen, path)
    context = {
        "object": _page(request, mailbox, seen, path=path),
        "mailbox": mailbox,
        "path": path,
        "node": seen.find(path),
        "line": line,
        "below": [each for each in below if each.path.count("/") == path.count("/") + 1][:100],
        "folder_class": folderfacts.class_of(mailbox, path),
        "grants": folderfacts.grants_on(request.actor, mailbox, path) if may_share else [],
        "may_share": may_share,
        "may_organise": may_organise(request.actor, mailbox, path),
        "keeps_name": foldernames.is_system(path),
        "query": urlencode({"path": path}),
        "form": form,
    }
    return render_page(request, "archive/folder_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folder_move(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Another name, place or class; or into another folder."""
    mailbox, seen, path = _folder(request, mailbox_id, organise=True)
    if not path:
        return redirect_page(request, "archive:folders-of", mailbox.pk)
    initial = {"target": path, "folder_class": folderfacts.class_of(mailbox, path)}
    form = FolderMoveForm(sent(request), initial=initial, keeps_name=foldernames.is_system(path))
    if request.method == "POST" and form.is_valid():
        with _refusing(form, {"folder": "target"}):
            found = _move(request, mailbox, path, form)
            toast(request, _("Saved."))
            return redirect_page(request, _url(mailbox, found))
    node = seen.find(path)
    context = {
        "object": _page(request, mailbox, seen, path=path),
        "form": form,
        "path": path,
        "numbers": [
            (number(node.total), ngettext("message", "messages", node.total)),
            (number(node.below), ngettext("folder below it", "folders below it", node.below)),
            (number(len(node.parts)), ngettext("store", "stores", len(node.parts))),
        ],
        "back": _url(mailbox, path),
    }
    return render_page(request, "archive/folder_move.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folders_empty(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Which folders are empty, and removing them."""
    mailbox = _organised(request, mailbox_id)
    path = request.GET.get("path", "")
    found = folders.delete_empty_folders(request.actor, mailbox, path, dry_run=request.method != "POST")
    if request.method == "POST":
        count = len(found.removed)
        text = ngettext("%(count)s empty folder is removed.", "%(count)s empty folders are removed.", count)
        toast(request, text % {"count": number(count)})
        return redirect_page(request, "archive:folders-of", mailbox.pk)
    context = {
        "object": _page(request, mailbox),
        "mailbox": mailbox,
        "found": found,
        "shown": found.removed[:200],
        "more": max(len(found.removed) - 200, 0),
    }
    return render_page(request, "archive/folders_empty.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folder_delete(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Deleting a folder with its mail is asked for, with a reason; without a path all folders of the archive."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    request.actor.require(Right.DELETE_MAIL)
    path = request.GET.get("path", "")
    folder = f"{mailbox.address}/{path}".rstrip("/")
    form = FolderDeleteForm(sent(request))
    arguments = DeleteFolderArguments(folder)
    if request.method == "POST" and form.is_valid():
        with _refusing(form):
            wanted = DeleteFolderArguments(folder, form.cleaned_data["reason"])
            answer = ask_and_answer(request, form, folder_deletion.COMMAND, wanted)
            if answer is not None:
                return answer
    context = {
        "object": _page(request, mailbox, path=path),
        "path": path,
        "plan": folder_deletion.plan(request.actor, arguments),
        "form": form,
        "back": _url(mailbox, path) if path else reverse("archive:folders-of", args=[mailbox.pk]),
        "empty_url": f"{reverse('archive:folders-empty', args=[mailbox.pk])}?{urlencode({'path': path})}",
    }
    return render_page(request, "archive/folder_delete.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def folder_names(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """Other names of folders, and those that the owner's programs show."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    if not _may_note(request, mailbox):
        raise Forbidden(f"{request.actor.label} may not say this of these folders")
    known = FolderNamesForm.shown(folderfacts.aliases_of(mailbox), folderfacts.subscription_of(mailbox))
    form = FolderNamesForm(sent(request), initial=known)
    if request.method == "POST" and form.is_valid():
        with _refusing(form):
            data = form.cleaned_data
            folder_notes.set_names(request.actor, mailbox, aliases=data["aliases"], folders=data["folders"])
            toast(request, _("Saved."))
            return redirect_page(request, "archive:folders-of", mailbox.pk)
    context = {"object": _page(request, mailbox), "mailbox": mailbox, "form": form}
    return render_page(request, "archive/folder_names.html", context)


# --- what they share ---------------------------------------------------------------------------------------------


def _page(
    request: ActorRequest, mailbox: Mailbox, seen: folderfacts.Seen | None = None, *, path: str = ""
) -> ObjectPage:
    home = reverse("archive:folders-of", args=[mailbox.pk])
    crumbs = (
        [(_("Folders"), reverse("archive:folder-archives"))] if request.actor.has_somewhere(Right.VIEW_USERS) else []
    )
    facts: list[Any] = []
    if path:
        crumbs.append((mailbox.address, home))
        above = path.rpartition("/")[0]
        facts.append(_("in %(folder)s") % {"folder": above} if above else _("at the top"))
    elif seen is not None:
        count, messages = len(seen.tree), seen.tree.messages
        facts.append(ngettext("%(count)s folder", "%(count)s folders", count) % {"count": number(count)})
        facts.append(ngettext("%(count)s message", "%(count)s messages", messages) % {"count": number(messages)})
    name = path.rpartition("/")[2] or mailbox.address
    return ObjectPage.of(request, "folder", mailbox, name=name, facts=facts, crumbs=crumbs)


def _url(mailbox: Mailbox, path: str) -> str:
    return f"{reverse('archive:folder-detail', args=[mailbox.pk])}?{urlencode({'path': path})}"


def _after(request: ActorRequest) -> int:
    text = request.GET.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _is_owner(request: ActorRequest, mailbox: Mailbox) -> bool:
    return mailbox.user is not None and request.actor.owns(mailbox.user) and request.actor.acting is None


def _may_note(request: ActorRequest, mailbox: Mailbox) -> bool:
    return _is_owner(request, mailbox) or administers(request.actor, mailbox)


def _organised(request: ActorRequest, mailbox_id: int) -> Mailbox:
    """Raises: ArchiveClosed, Forbidden."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    path = request.GET.get("path", "") or request.GET.get("below", "")
    if not may_organise(request.actor, mailbox, path):
        raise Forbidden(f"{request.actor.label} may not organise these folders")
    return mailbox


def _folder(request: ActorRequest, mailbox_id: int, *, organise: bool = False) -> tuple[Mailbox, folderfacts.Seen, str]:
    """The folder that the address names, if it names one. Raises: ArchiveClosed, Forbidden, Http404."""
    mailbox = folderfacts.get_archive_by_id(request.actor, mailbox_id)
    path = request.GET.get("path", "")
    if organise and not may_organise(request.actor, mailbox, path):
        raise Forbidden(f"{request.actor.label} may not organise these folders")
    seen = folderfacts.see_folders(request.actor, mailbox)
    try:
        return mailbox, seen, seen.find(path).path if path else ""
    except FolderUnknown as error:
        raise Http404(str(error)) from error


def _move(request: ActorRequest, mailbox: Mailbox, path: str, form: FolderMoveForm) -> str:
    data = form.cleaned_data
    if data.get("merge"):
        return folders.merge_folders(request.actor, mailbox, path, data["target"]).target
    if data["target"].strip(" /") != path:
        path = folders.move_folder(request.actor, mailbox, path, data["target"]).target
    if data["folder_class"] != folderfacts.class_of(mailbox, path):
        folder_notes.set_class(request.actor, mailbox, path, data["folder_class"])
    return path


def _share(request: ActorRequest, mailbox: Mailbox, path: str, form: FolderShareForm) -> bool:
    data = form.cleaned_data
    with _refusing(form):
        try:
            person = people.get_user(request.actor, find_user(data["person"]).pk, need=Right.VIEW_USERS)
        except (Http404, Forbidden, AccountsError):
            form.add_error("person", _("There is nobody of this address, or none that you may see."))
            return False
        sharing.set_folder_privileges(request.actor, person, mailbox, path, data["privileges"] or ["none"])
    return form.is_valid()


@contextmanager
def _refusing(form: Form, fields: dict[str, str] | None = None) -> Iterator[None]:
    """What a service refuses stands at its field, or on top of the form."""
    try:
        yield
    except FolderError as error:
        name = (fields or {}).get(error.field or "", error.field)
        form.add_error(name if name in form.fields else None, str(error))
    except (ArchiveError, AccountsError, JobsError) as error:
        if isinstance(error, Forbidden):
            raise
        form.add_error(None, str(error))
