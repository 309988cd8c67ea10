"""The left navigation and the palette's commands: what the apps offer, filtered to what a person may use.

Apps register in `AppConfig.ready()`; this module knows no app. It decides what is *shown*, never what is *allowed*:
every page checks its right again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
Audience = Literal["all", "administrator", "user"]


class ActorLike(Protocol):
    """What the shell needs to know about who is asking (accounts.actors.Actor is one)."""

    @property
    def is_administrator(self) -> bool: ...

    @property
    def administers(self) -> bool: ...

    def has(self, right: str, obj: object | None = None, /) -> bool: ...

    def has_somewhere(self, right: str, /) -> bool: ...


def holds_somewhere(actor: ActorLike | None, right: str) -> bool:
    """Whether a right is held on at least one object: enough to be shown the page that lists those."""
    return actor is not None and actor.has_somewhere(right)


# The order of the sections is the order on the page; "" stands on top without a heading.
SECTIONS: dict[str, Text] = {
    "": "",
    "directory": _("Directory"),
    "gateway": _("Gateway"),
    "archive": _("Archive"),
    "jobs": _("Jobs"),
    "server": _("Server"),
    "account": _("You"),
}


@functools.cache
def address(url_name: str) -> str:
    """The address of a page that takes no arguments; "" where no app has it. Addresses don't change while we run."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, eq=False)
class Item:
    """One line of the navigation (or, with `listed` false, only of the palette)."""

    section: str
    label: Text
    url_name: str
    icon: str
    right: str | None
    order: int
    audience: Audience
    keys: str
    listed: bool
    words: Text
    under: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return address(self.url_name)

    @property
    def section_label(self) -> Text:
        return SECTIONS[self.section]

    def is_for(self, actor: ActorLike) -> bool:
        if self.audience != "all" and (self.audience == "administrator") != actor.administers:
            return False
        return self.right is None or actor.has_somewhere(self.right)

    def covers(self, view_name: str) -> bool:
        """Whether a page belongs under this item: `jobs:task-list` covers `jobs:task-detail` too."""
        stem = self.url_name.removesuffix("-list")
        stems = (*self.under, stem) if stem != self.url_name else self.under
        return view_name == self.url_name or any(view_name == s or view_name.startswith(f"{s}-") for s in stems)


@dataclass
class Section:
    key: str
    label: Text
    items: list[Item] = field(default_factory=list)


_items: list[Item] = []
_running: list[Callable[[ActorLike], int]] = []


def register(
    section: str,
    label: Text,
    url_name: str,
    icon: str,
    right: str | None = None,
    order: int = 100,
    *,
    audience: Audience = "all",
    keys: str = "",
    words: Text = "",
    under: tuple[str, ...] = (),
) -> None:
    """Put a page into the navigation. `keys` is the letter after `g`, `words` what else the palette finds it by.

    `under` names pages (or stems of their names) that belong to this one beside those with its own stem.
    """
    _add(Item(section.lower(), label, url_name, icon, right, order, audience, keys, True, words, under))


def register_command(
    label: Text,
    url_name: str,
    icon: str,
    right: str | None = None,
    *,
    section: str = "",
    order: int = 500,
    audience: Audience = "all",
    words: Text = "",
) -> None:
    """Put a page into the palette only: an action such as "Change password" that needs no line of its own."""
    _add(Item(section.lower(), label, url_name, icon, right, order, audience, "", False, words))


def register_running(count: Callable[[ActorLike], int]) -> None:
    """Tell the top bar how many tasks run now, as far as this actor may see them."""
    _running.append(count)


def _add(item: Item) -> None:
    if item.section not in SECTIONS:
        raise ValueError(f"{item.section!r} is no section of the navigation")
    if (item.url_name, item.audience, item.listed) not in {(i.url_name, i.audience, i.listed) for i in _items}:
        _items.append(item)


def items_for(actor: ActorLike) -> Iterator[Item]:
    """Everything this actor may open, pages and commands, in the order of the page."""
    sections = list(SECTIONS)
    for item in sorted(_items, key=lambda i: (sections.index(i.section), i.order, i.url_name)):
        if item.is_for(actor) and item.url:
            yield item


def sections_of(items: Iterable[Item]) -> list[Section]:
    found: dict[str, Section] = {}
    for item in items:
        if item.listed:
            found.setdefault(item.section, Section(item.section, item.section_label)).items.append(item)
    return list(found.values())


def current(request: HttpRequest, items: Iterable[Item]) -> Item | None:
    """The item the shown page belongs to: an exact match before one that merely covers it."""
    match = request.resolver_match
    if match is None:
        return None
    shown = [item for item in items if item.listed]
    exact = [item for item in shown if item.url_name == match.view_name]
    return next(iter(exact or [item for item in shown if item.covers(match.view_name)]), None)


def running_for(actor: ActorLike) -> int:
    return sum(count(actor) for count in _running)
