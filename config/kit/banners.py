"""What stands above every page for whom it concerns: apps say what (alerts), the shell shows it.

One query a page at most. Not for what somebody has just done: that is a toast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from config.kit.nav import ActorLike, Text

IN_SIGHT = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """tone: info, warning or error; url: where to look; dismiss_url: takes the POST that puts it away."""

    text: Text
    tone: str
    at: datetime
    place: Text = ""
    url: str = ""
    dismiss_url: str = ""
    dismiss_label: Text = ""


@dataclass(frozen=True, slots=True)
class Banners:
    """The newest ones, and how many more there are at `all_url`."""

    shown: Sequence[Banner] = ()
    more: int = 0
    all_url: str = ""


Source = Callable[[ActorLike], Banners]
_sources: list[Source] = []


def register(source: Source) -> None:
    """An app says what stands above the pages of an actor."""
    if source not in _sources:
        _sources.append(source)


def banners_for(actor: ActorLike) -> list[Banners]:
    """Of every app that has some."""
    found = [source(actor) for source in _sources]
    return [each for each in found if each.shown]
