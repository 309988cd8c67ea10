"""Objects in the palette (Ctrl-K): what is found when somebody types a name, an address or a part of one.

An app registers a provider in `AppConfig.ready()`; it asks its own selector, which returns only what the actor may see.
Not a search of its own: a provider answers from an index, in one query, or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from config.kit.nav import Text

log = logging.getLogger("postkeep.palette")
LIMIT = 6  # of each kind
SHORTEST = 2  # letters


@dataclass(frozen=True)
class Found:
    """An object to go to. aside: what tells it from others of the same name (its domain)."""

    label: str
    url: str
    aside: Text = ""


@dataclass(frozen=True)
class Provider:
    kind: Text
    icon: str
    search: Callable[[Any, str, int], Iterable[Found]]
    order: int


@dataclass(frozen=True)
class Hit:
    found: Found
    kind: Text
    icon: str


_providers: list[Provider] = []


def register_objects(
    kind: Text, icon: str, search: Callable[[Any, str, int], Iterable[Found]], *, order: int = 100
) -> None:
    """Let the palette find objects of a kind ("Domain"). search(actor, text, limit): the best first, no more."""
    _providers.append(Provider(kind, icon, search, order))


def find_objects(actor: Any, text: str) -> list[Hit]:
    """Everything of that name, kind by kind; a provider that fails takes away only its own."""
    text = " ".join(text.replace("\0", " ").split())[:200]
    if len(text) < SHORTEST:
        return []
    hits: list[Hit] = []
    for provider in sorted(_providers, key=lambda provider: provider.order):
        try:
            found = list(provider.search(actor, text, LIMIT))[:LIMIT]
        except Exception:
            log.exception("The palette couldn't look for %s", provider.kind)
            continue
        hits += [Hit(each, provider.kind, provider.icon) for each in found]
    return hits
