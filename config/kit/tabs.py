"""Tabs of object pages, which any app may add to: the domain's page knows its own, higher apps register theirs.

Each tab is a page with an address of its own. Decides what is shown; every page checks its right again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from config.kit.nav import Text

HISTORY = 900  # the order of the history tab, the last one everywhere


@dataclass(frozen=True)
class Tab:
    """A page of an object. The address takes the object's key, or what `args` makes of the object."""

    label: Text
    url_name: str
    right: str | None = None
    order: int = 100
    count: Callable[[Any, Any], int | None] | None = None
    args: Callable[[Any], tuple[object, ...]] | None = None
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownTab:
    label: Text
    url: str
    count: int | None
    is_current: bool


_tabs: dict[str, list[Tab]] = {}


def register(
    kind: str,
    label: Text,
    url_name: str,
    *,
    right: str | None = None,
    order: int = 100,
    count: Callable[[Any, Any], int | None] | None = None,
    args: Callable[[Any], tuple[object, ...]] | None = None,
    under: tuple[str, ...] = (),
) -> None:
    """Put a tab on the pages of a kind of object ("domain", "user"; the kinds are the owning apps').

    right: shown to who holds it on the object. count(actor, object): a number beside the label, one query at most.
    under: other pages on which this tab is the current one (its forms).
    """
    known = _tabs.setdefault(kind, [])
    if all(tab.url_name != url_name for tab in known):
        known.append(Tab(label, url_name, right, order, count, args, under))


def kinds() -> dict[str, list[Tab]]:
    """What is registered, for the test that lists it."""
    return {kind: sorted(tabs, key=lambda tab: (tab.order, tab.url_name)) for kind, tabs in _tabs.items()}


def tabs_for(request: HttpRequest, kind: str, obj: Any) -> list[ShownTab]:
    """The tabs this request's actor may open, in their order."""
    actor = getattr(request, "actor", None)
    match = request.resolver_match
    view_name = match.view_name if match is not None else ""
    found = []
    for tab in sorted(_tabs.get(kind, []), key=lambda tab: (tab.order, tab.url_name)):
        if tab.right is not None and (actor is None or not actor.has(tab.right, obj)):
            continue
        try:
            url = reverse(tab.url_name, args=tab.args(obj) if tab.args else [obj.pk])
        except NoReverseMatch:
            continue
        count = tab.count(actor, obj) if tab.count else None
        found.append(ShownTab(tab.label, url, count, view_name == tab.url_name or view_name in tab.under))
    return found
