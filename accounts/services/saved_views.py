"""A person's own views of lists: a name for a state of a list. What pages keep with `config.kit.preferences`.

Nothing of it is an event of the audit trail: it decides no right, and nobody else sees it (see `accounts.remembering`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db import transaction
from django.http import Http404
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import BadView, Forbidden, NameTaken
from accounts.models import Preference, User
from accounts.remembering import keep
from config.kit.list_state import is_list
from config.kit.preferences import ListMemory, SavedView, TooMuch

LONGEST_NAME = 60
LONGEST_QUERY = 2_000
_PREFIX = "list."


@dataclass(frozen=True)
class OwnView:
    """One view; `query` is the query string that the list's page has."""

    list_name: str
    name: str
    query: str


def list_views(actor: Actor, list_name: str = "") -> list[OwnView]:
    """The actor's own, of one list or of all, as they saved them."""
    if actor.user is None or actor.acting is not None:
        return []
    rows = Preference.objects.filter(user=actor.user, key__startswith=_PREFIX + list_name).order_by("key")
    return [
        OwnView(key.removeprefix(_PREFIX), view.name, view.query)
        for key, value in rows.values_list("key", "value")
        if not list_name or key == _PREFIX + list_name
        for view in ListMemory.of(value if isinstance(value, dict) else {}).views
    ]


def create_view(actor: Actor, list_name: str, *, name: str, query: str) -> OwnView:
    """Raises: Forbidden, NameTaken, BadView (no such list; empty, too long, or too many)."""
    if not is_list(list_name):
        raise BadView(_("There is no list of this name."), field="list_name")
    view = SavedView(_name(name), _query(query))

    def add(memory: ListMemory) -> ListMemory:
        _require_free(memory, view.name)
        return memory.with_view(view)

    _change(actor, list_name, add)
    return OwnView(list_name, view.name, view.query)


def change_view(actor: Actor, view: OwnView, *, name: str | None = None, query: str | None = None) -> OwnView:
    """Another name, another state, or both; it stays where it was. Raises: Forbidden, NameTaken, BadView, Http404."""
    new_name = view.name if name is None else _name(name)
    new_query = view.query if query is None else _query(query)

    def turn(memory: ListMemory) -> ListMemory:
        _require_there(memory, view.name)
        if new_name != view.name:
            _require_free(memory, new_name)
        views = (SavedView(new_name, new_query) if each.name == view.name else each for each in memory.views)
        return replace(memory, views=tuple(views))

    _change(actor, view.list_name, turn)
    return OwnView(view.list_name, new_name, new_query)


def delete_view(actor: Actor, view: OwnView) -> None:
    """Raises: Forbidden, Http404."""

    def drop(memory: ListMemory) -> ListMemory:
        _require_there(memory, view.name)
        return memory.without_view(view.name)

    _change(actor, view.list_name, drop)


def _change(actor: Actor, list_name: str, turn: Callable[[ListMemory], ListMemory]) -> None:
    """Read, turn and keep, so that two at once don't lose each other's."""
    if actor.user is None or actor.acting is not None:
        raise Forbidden("views are people's own")
    actor.require_writing()
    key = _PREFIX + list_name
    with transaction.atomic():
        User.objects.select_for_update().get(pk=actor.user.pk)
        found = Preference.objects.filter(user=actor.user, key=key).values_list("value", flat=True).first()
        memory = ListMemory.of(found if isinstance(found, dict) else {})
        try:
            keep(actor.user, key, turn(memory).as_json())
        except TooMuch as error:
            raise BadView(_("There are too many saved views. Remove one first.")) from error


def _name(text: str) -> str:
    name = " ".join(text.replace("\0", "").split())
    if not name or len(name) > LONGEST_NAME:
        text = _("A view has a name of at most %(most)d characters.") % {"most": LONGEST_NAME}
        raise BadView(text, field="name")
    return name


def _query(text: str) -> str:
    query = text.strip().removeprefix("?")
    if not query or len(query) > LONGEST_QUERY or not query.isprintable():
        raise BadView(_("A view is the query string that the list's page has in its address."), field="query")
    return query


def _require_free(memory: ListMemory, name: str) -> None:
    if any(each.name == name for each in memory.views):
        raise NameTaken(_("You have a view of this name already."))


def _require_there(memory: ListMemory, name: str) -> None:
    if all(each.name != name for each in memory.views):
        raise Http404("no such view")
