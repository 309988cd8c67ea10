"""Where a page is, in the top bar, and how to get to the same page of another customer or domain.

An app registers a `Switcher`; the bar shows its place before the breadcrumb wherever it knows one, and its choices in a
menu (with a search box when there are many). Not for rights: choices come from the app's selectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, resolve, reverse

from config.kit.nav import Text

SHOWN = 20  # with more than these there is a search box


@dataclass(frozen=True)
class Place:
    """One customer or domain. url "" means that this is where the page is, but there is nothing to open."""

    label: str
    url: str
    is_current: bool = False


class Switcher(Protocol):
    """A kind of place: the customer, the domain."""

    @property
    def name(self) -> str:
        """In the address of its menu: "domain"."""
        ...

    @property
    def label(self) -> Text: ...

    def current(self, request: HttpRequest, match: ResolverMatch) -> Place | None:
        """Where this page is; None where that has no meaning. At most one query, and none on pages elsewhere."""
        ...

    def choices(self, actor: Any, match: ResolverMatch, text: str, limit: int) -> Sequence[Place]:
        """Places whose name has `text` ("" for any), each with the address of the same page there (`same_page`)."""
        ...


@dataclass(frozen=True)
class Crumb:
    switcher: Switcher
    place: Place


_switchers: list[tuple[int, Switcher]] = []


def register_switcher(switcher: Switcher, *, order: int = 100) -> None:
    """Show this kind of place, the wider ones first."""
    if all(known.name != switcher.name for _order, known in _switchers):
        _switchers.append((order, switcher))


def get_switcher(name: str) -> Switcher | None:
    return next((switcher for _order, switcher in _switchers if switcher.name == name), None)


def crumbs_for(request: HttpRequest) -> list[Crumb]:
    """Where this page is, from wide to narrow."""
    match = request.resolver_match
    if match is None:
        return []
    places = [(each, each.current(request, match)) for _order, each in sorted(_switchers, key=lambda pair: pair[0])]
    return [Crumb(switcher, place) for switcher, place in places if place is not None]


def match_of(path: str) -> ResolverMatch | None:
    """Which page an address of ours is."""
    try:
        return resolve(path)
    except Resolver404:
        return None


def same_page(match: ResolverMatch, parameter: str, value: object, *, otherwise: str) -> str:
    """The address of this page for another object; where it has no such parameter or others too, `otherwise`."""
    if set(match.kwargs) != {parameter}:
        return otherwise
    try:
        return reverse(match.view_name, kwargs={parameter: value})
    except NoReverseMatch:
        return otherwise
