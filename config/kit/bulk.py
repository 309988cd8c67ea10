"""Doing one thing to many rows of a list: preview in numbers, then run; few at once, many as a task.

    bulk.register(USERS, selectors.list_users, DisableUsers(), MoveUsers())           # in AppConfig.ready()

The rows are found again with the actor's own scope, for the preview and for the run: ids and filters from the browser
choose among what the actor may see, never beyond. Not for deciding: `run` calls the same services as every other door,
row by row. The pages are `config.kit.bulk_pages`'.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.kit.list_state import ListSpec
from config.kit.nav import Text, holds_somewhere
from config.kit.templatetags.kit import number

AT_ONCE = 200  # up to so many rows are done while the person waits
MAX_CHOSEN = 1_000  # rows chosen one by one
BATCH = 200


@dataclass(frozen=True)
class Group:
    """Some of the rows and what is so about them: `Group(1, _("is disabled already"))`."""

    count: int
    text: Text


@dataclass(frozen=True)
class Preview:
    """What an action would do, in numbers.

    will: how many rows it changes. title: that as a question's answer, with the number ("Disable 2 users"). changes:
    what becomes of them, by kind. refused: the others by reason; they stay as they are.
    """

    will: int
    title: Text
    changes: Sequence[Group] = ()
    refused: Sequence[Group] = ()
    notes: Sequence[Text] = ()


@dataclass
class Outcome:
    """What an action did: how many rows it changed, and why it left others alone."""

    done: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: Text) -> None:
        """Count a row that was left as it is."""
        self.refused[str(reason)] = self.refused.get(str(reason), 0) + 1

    def add(self, other: Outcome) -> None:
        self.done += other.done
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count


class BulkAction(Protocol):
    """One thing to do to many rows. `Action` has what most of them share.

    name: in the address. label: the button, a verb. needs: the right that must be held somewhere for the button to
    show, None for everybody; the services check it on each row. destructive: who does it types how many rows it hits.
    """

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> Text: ...
    @property
    def icon(self) -> str: ...
    @property
    def needs(self) -> str | None: ...
    @property
    def destructive(self) -> bool: ...

    def form(self, actor: Any, data: Mapping[str, Any] | None) -> Form | None:
        """What must be said before (a target, a policy), None for nothing. Choices are those the actor may use."""
        ...

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The form's cleaned data as JSON for `preview` and `run`; a task keeps it, so never a secret in clear text."""
        ...

    def preview(self, actor: Any, rows: QuerySet[Any], values: Mapping[str, Any]) -> Preview:
        """In numbers, with a few queries however many rows there are. values: `stored`, {} before the form is sent."""
        ...

    def run(self, actor: Any, rows: Sequence[Any], values: Mapping[str, Any]) -> Outcome:
        """Do it to these (at most 200) through the services; what refuses a row is counted, never raised."""
        ...

    def said(self, outcome: Outcome) -> str:
        """What happened, in a sentence with the number."""
        ...


class Action:
    """What most actions share."""

    name: ClassVar[str] = ""
    label: Text = ""
    icon: ClassVar[str] = ""
    needs: ClassVar[str | None] = None
    destructive: ClassVar[bool] = False

    def form(self, actor: Any, data: Mapping[str, Any] | None) -> Form | None:
        return None

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Objects as their keys."""
        return {key: value.pk if isinstance(value, Model) else value for key, value in values.items()}

    def said(self, outcome: Outcome) -> str:
        values = {"count": number(outcome.done)}
        return ngettext("%(count)s row is changed.", "%(count)s rows are changed.", outcome.done) % values


@dataclass(frozen=True)
class BulkOrder:
    """Which action on which rows: what a task keeps, all of it JSON.

    filter: a list's query string, all that match; else the ids. scope: the arguments of the list's source, for a list
    that is about one object.
    """

    list_name: str
    action: str
    ids: tuple[str, ...] = ()
    filter: str | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


Source = Callable[..., QuerySet[Any]]  # (actor, **scope): what the actor may see


@dataclass
class _Offer:
    listing: ListSpec
    source: Source
    actions: list[BulkAction] = field(default_factory=list)
    is_example: bool = False


_offers: dict[str, _Offer] = {}


def register(listing: ListSpec, source: Source, *actions: BulkAction, is_example: bool = False) -> None:
    """Offer actions on a list, in this order; a higher app may add to a lower one's list.

    is_example: the list stands in the style guide only, and is offered to nobody else.
    """
    offer = _offers.setdefault(listing.name, _Offer(listing, source, is_example=is_example))
    for action in actions:
        if any(each.name == action.name for each in offer.actions):
            raise ValueError(f"{listing.name} has a bulk action {action.name!r} already")
        offer.actions.append(action)


def registered() -> Iterator[tuple[str, BulkAction]]:
    """Every (list, action), for the generated access tests."""
    for name, offer in sorted(_offers.items()):
        for action in offer.actions:
            yield name, action


def actions_for(list_name: str, actor: Any) -> list[BulkAction]:
    """Those whose button this actor sees."""
    offer = _offers.get(list_name)
    return [each for each in offer.actions if each.needs is None or holds_somewhere(actor, each.needs)] if offer else []


def get_action(list_name: str, name: str, actor: Any) -> BulkAction:
    """Raises: Http404, Forbidden (who doesn't hold its right anywhere)."""
    offer = _offers.get(list_name)
    for action in offer.actions if offer else ():
        if action.name == name:
            if action.needs is not None:
                actor.require_somewhere(action.needs)
            return action
    raise Http404(f"no bulk action {name}")


def rows_of(actor: Any, order: BulkOrder) -> QuerySet[Any]:
    """The rows an order means, as far as this actor may see them.

    Raises: Http404 (no such list), BadTerm (a filter that means nothing must not mean everything).
    """
    offer = _offers.get(order.list_name)
    if offer is None:
        raise Http404(f"no list {order.list_name}")
    rows = offer.source(actor, **order.scope)
    if order.filter is not None:
        return offer.listing.select(actor, rows, QueryDict(order.filter))
    return rows.filter(pk__in=_keys(rows.model, order.ids))


def _keys(model: type[Model], texts: Iterable[str]) -> list[Any]:
    """Keys as the column has them; what is none names no row."""
    found = []
    for text in texts:
        try:
            key = model._meta.pk.to_python(text)
        except ValidationError:
            continue
        if not isinstance(key, int) or abs(key) < 2**63:
            found.append(key)
    return found


def run_order(
    actor: Any,
    order: BulkOrder,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Do all of it in batches, in the order of the keys, so that rows which leave the filter don't shift the others.

    progress(done, total) counts rows that were looked at. Stopped, it gives what it got done.
    Raises: Forbidden, Http404, BadTerm.
    """
    action = get_action(order.list_name, order.action, actor)
    rows, outcome, looked_at = rows_of(actor, order), Outcome(), 0
    total = rows.count()
    last = None
    while not stop():
        left = rows if last is None else rows.filter(pk__gt=last)
        batch = list(left.order_by("pk")[:BATCH])
        if not batch:
            break
        outcome.add(action.run(actor, batch, order.values))
        last = batch[-1].pk
        looked_at += len(batch)
        progress(looked_at, max(total, looked_at))
    return outcome


def outcome_text(action: BulkAction, outcome: Outcome) -> str:
    """The whole result as a person reads it: what was done, and what was left as it is and why."""
    parts = [action.said(outcome)]
    for reason, count in outcome.refused.items():
        left = ngettext(
            "%(count)s was left as it is: %(reason)s.", "%(count)s were left as they are: %(reason)s.", count
        )
        parts.append(left % {"count": number(count), "reason": reason.rstrip(".")})
    if not outcome.done and not outcome.refused:
        parts = [_("There was nothing to do.")]
    return " ".join(parts)


def offered(actor: Any) -> Iterator[tuple[str, Text, list[BulkAction]]]:
    """(name, what it is called, actions the actor sees) of every list that is about no single object."""
    for name, offer in sorted(_offers.items()):
        actions = actions_for(name, actor)
        if actions and not offer.is_example and not _needs_scope(offer.source):
            yield name, getattr(offer.listing, "caption", name), actions


def _needs_scope(source: Source) -> bool:
    """Whether the rows are those of one object, which must be named."""
    try:
        inspect.signature(source).bind(None)
    except TypeError:
        return True
    return False
