"""Doing one thing to many rows of a list: preview in numbers, then run; few at once, many as a task.

An app registers its actions for a list in `AppConfig.ready()`. The rows are found again with the actor's own scope, for
the preview and for the run: ids and filters from the browser choose among what the actor may see, never beyond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db.models import QuerySet
from django.forms import Form

from config.kit.nav import Text, holds_somewhere

AT_ONCE = 200  # up to so many rows are done while the person waits


@dataclass(frozen=True)
class Group:
    """Some of the rows and what will (or did) happen to them: `Group(2, _("will be disabled"))`."""

    count: int
    text: Text


@dataclass(frozen=True)
class Preview:
    """What an action would do, in numbers.

    will: how many it changes; title: the whole as a sentence ("Disable 2 users"); changed: what happens to them;
    refused: the others by reason, which stay as they are.
    """

    will: int
    title: Text
    changed: Text
    refused: Sequence[Group] = ()
    notes: Sequence[Text] = ()


@dataclass
class Outcome:
    """What an action did."""

    done: int = 0
    refused: list[Group] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        self.done += other.done
        counts = {str(group.text): group.count for group in self.refused}
        for group in other.refused:
            counts[str(group.text)] = counts.get(str(group.text), 0) + group.count
        self.refused = [Group(count, text) for text, count in counts.items()]


class BulkAction(Protocol):
    """One thing to do to many rows.

    name: in the address. needs: the right that must be held somewhere for the button to show; `run` calls services, and
    they check it for each row. destructive: the person types how many rows it hits.
    """

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> Text: ...
    @property
    def icon(self) -> str: ...
    @property
    def needs(self) -> str: ...
    @property
    def destructive(self) -> bool: ...

    def form(self, actor: Any, data: Mapping[str, Any] | None) -> Form | None:
        """What must be asked before (a target, a password), None for nothing."""
        ...

    def preview(self, actor: Any, rows: QuerySet[Any], values: Mapping[str, Any]) -> Preview:
        """In numbers, with a few queries however many rows there are. values: the form's cleaned data, {} before."""
        ...

    def run(self, actor: Any, rows: Iterable[Any], values: Mapping[str, Any]) -> Outcome:
        """Do it to these (at most 200 at a time), row by row through the services; what refuses is counted."""
        ...


_actions: dict[str, list[BulkAction]] = {}


def register(list_name: str, *actions: BulkAction) -> None:
    """Offer actions on a list, in this order."""
    known = _actions.setdefault(list_name, [])
    for action in actions:
        if any(each.name == action.name for each in known):
            raise ValueError(f"{list_name} has a bulk action {action.name!r} already")
        known.append(action)


def actions_for(list_name: str, actor: Any) -> list[BulkAction]:
    return [action for action in _actions.get(list_name, []) if holds_somewhere(actor, action.needs)]
