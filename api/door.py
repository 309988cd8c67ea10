"""The API as one object: its groups of operations, their addresses, and its document.

Not for how requests are answered (`api.answering`) and not for any operation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from django.core.checks import CheckMessage
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, register_converter
from django.urls.converters import PathConverter
from ninja import NinjaAPI
from ninja.utils import normalize_path, replace_path_param_notation

from api import document, problems
from api.auth import Bearer
from api.errors import NotFound
from api.operations import Declared, Group


class AnythingConverter(PathConverter):
    """Django's `path` stops at a line break, and the 404 of the site, which is HTML, would answer for the API."""

    regex = r"[\s\S]+"


register_converter(AnythingConverter, "anything")


class FirstWord:
    """Lets addresses through that begin with a word, and takes nothing of them away (as Django's own for languages)."""

    converters: Mapping[str, Any] = {}
    name = None
    regex = re.compile("")

    def __init__(self, word: str) -> None:
        self.word = word

    def match(self, path: str) -> tuple[str, tuple[()], dict[str, Any]] | None:
        return (path, (), {}) if path.partition("/")[0] == self.word else None

    def check(self) -> list[CheckMessage]:
        return []

    def describe(self) -> str:
        return f"'{self.word}'"

    def __str__(self) -> str:
        return ""


class Door(NinjaAPI):
    """Version 1, and its groups in the order of the reference."""

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__(
            title="Postkeep API",
            version="1",
            description=document.ABOUT,
            openapi_url=None,
            docs_url=None,
            urls_namespace="api",
            auth=Bearer(),
        )
        self.groups = groups
        for group in groups:
            self.add_router("", group)

    @property
    def patterns(self) -> list[URLPattern | URLResolver]:
        """One address per path, named by its first operation; anything else below is a 404 in JSON.

        By their first word, because Django tries one after the other: with 140 of them that was a tenth of an answer.
        """
        found: dict[str, list[URLPattern | URLResolver]] = {}
        for bound in self._get_bound_routers():
            for route, path_view in bound.path_operations.items():
                address = normalize_path(replace_path_param_notation(route)).lstrip("/")
                one = path(address, path_view.get_view(), name=path_view.operations[0].operation_id)
                found.setdefault(address.partition("/")[0], []).append(one)
        words = [URLResolver(cast(Any, FirstWord(word)), patterns) for word, patterns in found.items()]
        return [*words, path("<anything:rest>", nothing_here, name="nothing-here")]

    @property
    def declared(self) -> list[Declared]:
        """Every operation, in the order of the reference."""
        views = [view for group in self.groups for view in group.path_operations.values()]
        return [operation.view_func.declared for view in views for operation in view.operations]  # type: ignore[attr-defined]

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; the same for everybody."""
        return document.of(self)

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """What the check of the token raised; everything else is caught where the operation is known."""
        return problems.respond(request, exc)


def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    return problems.respond(request, NotFound())


nothing_here.csrf_exempt = True  # type: ignore[attr-defined]
nothing_here.login_required = False  # type: ignore[attr-defined]
