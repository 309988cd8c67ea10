"""Lists of mail: search over a whole archive ("My mail"), and one folder; the same page, the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.permissions import EndUserRight
from accounts.requests import ActorRequest
from archive import selectors
from archive.errors import ArchiveClosed
from archive.folderrights import organises_some
from archive.foldertree import FolderNode, FolderTree, items_below, shown_items, tree_of
from archive.listing import Place, lines
from archive.query import help as explained
from archive.query.errors import MESSAGES, QueryError
from archive.query.language import parse
from archive.query.marks import marker
from archive.query.nodes import All, Node
from archive.selectors import Archive, Found, Scope
from archive.services.access import note_search
from archive.views.doors import archive_page
from config.kit.pages import render_page
from config.kit.paging import Pager, cursor_pager, total_text

PER_PAGE = 50
DEEPEST = 1_000  # of a list by relevance: nobody reads further, and each page costs what stands before it
TEMPLATE = "archive/search.html"


@require_safe
@archive_page
def search(request: ActorRequest) -> HttpResponse:
    archives = selectors.readable_archives(request.actor)
    archive = selectors.choose_archive(archives, _number(request.GET.get("mailbox", "")))
    return _answer(request, archive, "", archives)


@require_safe
@archive_page
def folder(request: ActorRequest, store_id: int, number: int) -> HttpResponse:
    archive, _store, found = selectors.get_folder(request.actor, store_id, number)
    return _answer(request, archive, found.path, [archive])


@require_safe
@archive_page
def folder_children(request: ActorRequest, mailbox_id: int) -> HttpResponse:
    """What lies below a folder of the tree, or more of it: lines alone; without htmx the list of the mail itself."""
    archives = selectors.readable_archives(request.actor)
    archive = selectors.choose_archive(archives, mailbox_id)
    if archive is None:
        raise ArchiveClosed("no such archive")
    below = request.GET.get("below", "")
    tree = tree_of(archive)
    if not request.htmx:
        node = tree.find(below)
        url = reverse("archive:folder", args=node.parts[0]) if node is not None and node.parts else None
        return redirect(url or Place(mailbox=None if archive.is_own else archive.mailbox.pk).list_url)
    items = items_below(tree.under(below), after=_number(request.GET.get("after", "")) or 0)
    return render(request, "archive/tree_items.html", {"items": items, "archive": archive, "chosen": None})


@dataclass(slots=True)
class _List:
    """What one list page is made of."""

    archive: Archive
    chosen: FolderNode | None
    place: Place
    tree: FolderTree


def _answer(request: ActorRequest, archive: Archive | None, path: str, archives: list[Archive]) -> HttpResponse:
    if archive is None and not archives:
        request.actor.require_own(EndUserRight.SEARCH_ARCHIVE)
    others = [each for each in archives if archive is None or each.mailbox != archive.mailbox]
    context: dict[str, Any] = {"archive": archive, "others": others, "help_rows": explained.ROWS}
    if archive is None:
        return render_page(request, TEMPLATE, context, partial="results")
    tree = tree_of(archive)
    chosen = tree.find(path)
    place = Place(
        query=request.GET.get("q", "").strip(),
        folder=chosen.key if chosen else "",
        mailbox=None if archive.is_own else archive.mailbox.pk,
        order="relevance" if request.GET.get("sort") == "relevance" and request.GET.get("q", "").strip() else "date",
    )
    shown = _List(archive, chosen, place, tree)
    context |= _frame(shown)
    if organises_some(request.actor, archive.mailbox, archive.grants):
        context["move_url"] = place.move_url(archive.mailbox.pk)
    try:
        node = parse(place.query)
        found, offset = _find(request, shown, node)
    except QueryError as error:
        context["problem"] = _problem(error, place.query)
        return render_page(request, TEMPLATE, context, partial="results", status=422)
    if archive.access is not None and place.query and not (request.GET.get("before") or request.GET.get("after")):
        note_search(request.actor, archive.access, place.query)
    context |= _results(request, shown, node, found, offset)
    return render_page(request, TEMPLATE, context, partial="results")


def _frame(shown: _List) -> dict[str, Any]:
    """What stands around the results: the folder tree, the title."""
    place = shown.place
    return {
        "place": place,
        "chosen": shown.chosen,
        "tree": shown.tree,
        "items": shown_items(shown.tree, shown.chosen),
        "total_messages": shown.tree.messages,
        "all_url": Place(mailbox=place.mailbox).list_url,
    }


def _find(request: HttpRequest, shown: _List, node: Node) -> tuple[Found, int]:
    scope = Scope.of(shown.archive, shown.chosen.path if shown.chosen else None)
    zone = timezone.get_current_timezone()
    if shown.place.order == "relevance":
        offset = min(max((_number(request.GET.get("page", "")) or 1) - 1, 0) * PER_PAGE, DEEPEST)
        return selectors.search(scope, node, limit=PER_PAGE, offset=offset, order="relevance", zone=zone), offset
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    found = selectors.search(scope, node, limit=PER_PAGE, before=before, after="" if before else after, zone=zone)
    if after and not before and not found.newer:  # the way back has reached the top: show the whole first page
        found = selectors.search(scope, node, limit=PER_PAGE, zone=zone)
    return found, 0


def _results(request: HttpRequest, shown: _List, node: Node, found: Found, offset: int) -> dict[str, Any]:
    by_relevance = shown.place.order == "relevance"
    pager = _relevance_pager(request, found, offset) if by_relevance else _date_pager(request, found)
    return {
        "found": found,
        "lines": lines(found, marker(node), shown.place, shown.tree.paths()),
        "pager": pager,
        "is_search": not isinstance(node, All),
        "chips": _chips(request, node),
        "sorts": _sorts(request, shown.place),
    }


def _date_pager(request: HttpRequest, found: Found) -> Pager:
    return cursor_pager(request, newer=found.newer, older=found.older, total=found.total, is_first=not found.newer)


def _relevance_pager(request: HttpRequest, found: Found, offset: int) -> Pager:
    page = offset // PER_PAGE + 1
    more = offset + len(found.hits) < found.total and offset + PER_PAGE < DEEPEST
    return Pager(
        text=total_text(found.total),
        newer_url=_with(request, page=page - 1) if page > 1 else "",
        older_url=_with(request, page=page + 1) if more else "",
        newer_label=_("Previous"),
        older_label=_("Next"),
    )


def _chips(request: HttpRequest, node: Node) -> list[dict[str, Any]]:
    """The filters of the query, each with the link that takes it away."""
    return [
        {
            "label": f"{'-' if chip.negated else ''}{chip.name}:{chip.value}",
            "url": _with(request, q=chip.without),
            "active": True,
        }
        for chip in explained.chips(node)
    ]


def _sorts(request: HttpRequest, place: Place) -> list[dict[str, Any]]:
    choices = (("date", "", _("Newest first")), ("relevance", "relevance", _("Best match")))
    return [
        {"label": label, "url": _with(request, sort=value), "current": place.order == order}
        for order, value, label in choices
    ]


def _with(request: HttpRequest, **changes: object) -> str:
    """This list with something else asked of it, from its first page."""
    keep = {key: value for key, value in request.GET.items() if key not in ("before", "after", "page", *changes)}
    values = keep | {key: str(value) for key, value in changes.items() if value}
    return f"{request.path}?{urlencode(values)}" if values else request.path


def _problem(error: QueryError, query: str) -> dict[str, str]:
    """The query in three pieces, the middle one being where it can't be read."""
    end = error.position + max(error.length, 1)
    return {
        "text": _(MESSAGES[error.code]) % error.params,
        "before": query[: error.position],
        "wrong": query[error.position : end] or "␣",
        "after": query[end:],
    }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None
