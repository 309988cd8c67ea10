"""What stands on the overview: figures, cards and the first step, registered by the apps in `AppConfig.ready()`.

A provider gets the actor, asks its own selectors (which return only what this actor may see), and answers None for
"nothing for you". The overview knows no app; a provider that fails takes away its card, not the page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from config.kit.nav import ActorLike, Text

log = logging.getLogger("postkeep.dashboard")


@dataclass(frozen=True)
class Figure:
    """One number on top of the overview. `unit` "bytes" makes a size of it."""

    label: Text
    value: int | str
    hint: Text = ""
    url: str = ""
    unit: Literal["", "bytes"] = ""


@dataclass(frozen=True)
class FirstStep:
    """What an empty system offers instead of empty cards."""

    title: Text
    text: Text
    action_url: str
    action_label: Text
    icon: str = "inbox-arrow-down"


@dataclass(frozen=True)
class Card:
    """One card: a template of the registering app, drawn with what `load` returns as `card`."""

    name: str
    title: Text
    template: str
    load: Callable[[ActorLike], dict[str, Any] | None]
    order: int = 100
    span: Literal[4, 6, 8, 12] = 6
    url_name: str = ""
    more: Text = ""


@dataclass
class LoadedCard:
    card: Card
    data: dict[str, Any] | None = None
    failed: bool = False


@dataclass
class _Registry:
    figures: list[tuple[int, Callable[[ActorLike], Figure | None]]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    first_steps: list[Callable[[ActorLike], FirstStep | None]] = field(default_factory=list)


_registry = _Registry()


def register_figure(load: Callable[[ActorLike], Figure | None], *, order: int = 100) -> None:
    """Add a number; the four most telling ones are enough for everybody."""
    _registry.figures.append((order, load))


def register_card(
    name: str,
    title: Text,
    template: str,
    load: Callable[[ActorLike], dict[str, Any] | None],
    *,
    order: int = 100,
    span: Literal[4, 6, 8, 12] = 6,
    url_name: str = "",
    more: Text = "",
) -> None:
    """Add a card; `url_name` is where "all of it" is, called `more`."""
    if any(card.name == name for card in _registry.cards):
        raise ValueError(f"the overview has a card {name!r} already")
    _registry.cards.append(Card(name, title, template, load, order, span, url_name, more))


def register_first_step(load: Callable[[ActorLike], FirstStep | None]) -> None:
    """Offer a first step as long as `load` finds the system empty."""
    _registry.first_steps.append(load)


def figures_for(actor: ActorLike) -> list[Figure]:
    found = []
    for _order, load in sorted(_registry.figures, key=lambda pair: pair[0]):
        try:
            figure = load(actor)
        except Exception:
            log.exception("A figure of the overview failed")
            continue
        if figure is not None:
            found.append(figure)
    return found


def cards_for(actor: ActorLike) -> list[LoadedCard]:
    found = []
    for card in sorted(_registry.cards, key=lambda card: (card.order, card.name)):
        try:
            data = card.load(actor)
        except Exception:
            log.exception("The overview's card %s failed", card.name)
            found.append(LoadedCard(card, failed=True))
            continue
        if data is not None:
            found.append(LoadedCard(card, data))
    return found


def first_steps_for(actor: ActorLike) -> list[FirstStep]:
    return [step for load in _registry.first_steps if (step := load(actor)) is not None]
