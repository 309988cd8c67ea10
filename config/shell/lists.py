"""What a person remembers about a list: columns, rows per page, their own views. One address for every list.

Changes only what this person sees; it decides no right and looks at no row.
"""

from __future__ import annotations

import re
from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.kit.pages import own_page, redirect_page, toast
from config.kit.preferences import MAX_COLUMNS, SIZES, ListMemory, SavedView, TooMuch

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,60}")


@require_POST
def list_memory(request: HttpRequest) -> HttpResponse:
    """`do` is show (columns, size), reset, save (name, query) or remove (name)."""
    name, target = request.POST.get("list", ""), _way_back(request)
    if not _NAME.fullmatch(name):
        return HttpResponseBadRequest()
    try:
        memory, target = _changed(request, ListMemory.load(request, name), target)
        response = redirect_page(request, target)
        memory.save(request, response, name)
    except TooMuch:
        toast(request, _("There are too many saved views. Remove one first."), "error")
        return redirect_page(request, target)
    except ValueError:
        return HttpResponseBadRequest()
    return response


def _changed(request: HttpRequest, memory: ListMemory, target: str) -> tuple[ListMemory, str]:
    """What is remembered now, and where to go. Raises: ValueError for what no form sends, TooMuch."""
    do, path = request.POST.get("do", ""), target.partition("?")[0]
    name = " ".join(request.POST.get("name", "").split())[:60]
    if do == "show":
        columns = tuple(each for each in request.POST.getlist("column")[:MAX_COLUMNS] if _NAME.fullmatch(each))
        size = int(request.POST.get("size", "0"))
        return replace(memory, columns=columns, size=size if size in SIZES else 0), _without(target, "columns", "size")
    if do == "reset":
        return replace(memory, columns=(), size=0), _without(target, "columns", "size")
    if do == "remove":
        toast(request, _("The view “%(name)s” is removed.") % {"name": name})
        return memory.without_view(name), target
    query = request.POST.get("query", "")
    if do != "save" or not name or not query or len(query) > 2_000:
        raise ValueError(do)
    toast(request, _("Saved as the view “%(name)s”.") % {"name": name})
    return memory.with_view(SavedView(name, query)), f"{path}?{query}"


def _without(target: str, *keys: str) -> str:
    path, _sign, query = target.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] not in keys]
    return f"{path}?{'&'.join(kept)}" if kept else path


def _way_back(request: HttpRequest) -> str:
    return own_page(request, request.POST.get("next", "/"))
