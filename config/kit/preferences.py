"""What a person remembers about a page: which columns a list shows, how many rows, their saved views.

The kit asks a `PreferenceStore`; the one that keeps it in a cookie stands until an app registers a better one (a table,
so that it follows the person to another browser). Not for what decides rights or changes what anybody else sees.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse

SIZES = (25, 50, 100, 200)
MAX_VIEWS = 20
MAX_COLUMNS = 60
_COOKIE_LIMIT = 3_800  # bytes; browsers keep 4,096 with the name
_YEAR_S = 365 * 86_400


class TooMuch(Exception):
    """The store can't keep this much."""


class PreferenceStore(Protocol):
    """Where preferences are kept. `key` is like "list.accounts.users"; the value is a small JSON object."""

    def load(self, request: HttpRequest, key: str) -> Mapping[str, Any]:
        """What was saved, {} for nothing. At most one query."""
        ...

    def save(self, request: HttpRequest, response: HttpResponse, key: str, value: Mapping[str, Any]) -> None:
        """Keep it; an empty value forgets. Raises: TooMuch."""
        ...


class CookieStore:
    """Keeps preferences in the browser, one cookie per key."""

    def load(self, request: HttpRequest, key: str) -> Mapping[str, Any]:
        text = request.COOKIES.get(self._name(key), "")
        try:
            value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else {}
        except (ValueError, binascii.Error, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def save(self, request: HttpRequest, response: HttpResponse, key: str, value: Mapping[str, Any]) -> None:
        if not value:
            response.delete_cookie(self._name(key), samesite="Lax")
            return
        text = base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
        if len(text) > _COOKIE_LIMIT:
            raise TooMuch(key)
        response.set_cookie(
            self._name(key),
            text,
            max_age=_YEAR_S,
            samesite="Lax",
            httponly=True,
            secure=settings.SESSION_COOKIE_SECURE,
        )

    @staticmethod
    def _name(key: str) -> str:
        return f"prefer.{key}"


_stores: list[PreferenceStore] = [CookieStore()]


def register_store(store: PreferenceStore) -> None:
    """Keep preferences here from now on (called once, in `AppConfig.ready()`)."""
    _stores[:] = [store]


def store() -> PreferenceStore:
    return _stores[0]


@dataclass(frozen=True)
class SavedView:
    """A name somebody gave to a list's state; `query` is its query string."""

    name: str
    query: str


@dataclass(frozen=True)
class ListMemory:
    """What a person remembers about one list. columns: () means the list's own; size: 0 likewise.

    usual_size: how many rows they want where they said nothing of this list (`request.page_size`); never saved.
    """

    columns: tuple[str, ...] = ()
    size: int = 0
    views: tuple[SavedView, ...] = ()
    usual_size: int = 0

    @classmethod
    def load(cls, request: HttpRequest, list_name: str) -> ListMemory:
        found = cls.of(store().load(request, f"list.{list_name}"))
        return replace(found, usual_size=getattr(request, "page_size", 0))

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> ListMemory:
        """Read what was saved; whatever is no preference (any more) is left out."""
        columns, size, views = raw.get("columns"), raw.get("size"), raw.get("views")
        return cls(
            columns=tuple(_texts(columns))[:MAX_COLUMNS],
            size=size if isinstance(size, int) and size in SIZES else 0,
            views=tuple(
                SavedView(view[0], view[1])
                for view in (views if isinstance(views, list) else [])
                if isinstance(view, list) and len(view) == 2 and all(isinstance(part, str) for part in view)
            )[:MAX_VIEWS],
        )

    def save(self, request: HttpRequest, response: HttpResponse, list_name: str) -> None:
        """Raises: TooMuch."""
        store().save(request, response, f"list.{list_name}", self.as_json())

    def as_json(self) -> dict[str, Any]:
        """What is kept; nothing where nothing differs from the list's own."""
        views = [[view.name, view.query] for view in self.views]
        full = {"columns": list(self.columns), "size": self.size, "views": views}
        return {key: value for key, value in full.items() if value}

    def with_view(self, view: SavedView) -> ListMemory:
        """One more, or another query for a name that exists. Raises: TooMuch."""
        others = [each for each in self.views if each.name != view.name]
        if len(others) >= MAX_VIEWS:
            raise TooMuch(view.name)
        return replace(self, views=(*others, view))

    def without_view(self, name: str) -> ListMemory:
        return replace(self, views=tuple(view for view in self.views if view.name != name))


def _texts(value: object) -> Iterable[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
