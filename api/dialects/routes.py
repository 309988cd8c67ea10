"""Which operation a path is, for dialects over HTTP.

    routes = Routes([Route(Operation("PUT", "/domains/{domain}"), put_domain), …])
    route, named = routes.find("PUT", ["domains", "example.org"], is_raw=True)

A placeholder takes exactly one segment. Where slashes inside a name can't be told from others (`is_raw` false), a path
that fits no route is tried again with placeholders that take several. Not for what is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from api.dialects.registry import Operation

H = TypeVar("H")


@dataclass(frozen=True)
class Route(Generic[H]):
    """An operation and who answers it; `query`: names that must be in the query for this route to be it."""

    operation: Operation
    handler: H
    takes_slashes: bool = True


class Routes(Generic[H]):
    """All routes of a dialect."""

    def __init__(self, routes: Iterable[Route[H]]) -> None:
        self.all = list(routes)
        self._by_shape: dict[tuple[str, int, str], list[tuple[list[str], Route[H]]]] = {}
        self._wide: list[tuple[re.Pattern[str], Route[H]]] = []
        for route in self.all:
            parts = route.operation.path.split("/")[1:]
            key = (route.operation.method, len(parts), parts[0])
            self._by_shape.setdefault(key, []).append((parts, route))
            if route.takes_slashes and "{" in route.operation.path:
                self._wide.append((_wide(route.operation.path), route))
        self._wide.sort(key=lambda pair: _literal(pair[1].operation.path), reverse=True)

    def find(self, method: str, segments: Sequence[str], *, is_raw: bool) -> tuple[Route[H], dict[str, str]] | None:
        """The route and its placeholders' values; None where nothing fits. Literal parts go before placeholders."""
        best: tuple[Route[H], dict[str, str]] | None = None
        literal = -1
        for parts, route in self._by_shape.get((method, len(segments), segments[0] if segments else ""), ()):
            named = _match(parts, segments)
            if named is not None and (count := len(parts) - len(named)) > literal:
                best, literal = (route, named), count
        if best is not None or is_raw:
            return best
        path = "/" + "/".join(segments)
        for pattern, route in self._wide:
            if route.operation.method == method and (found := pattern.fullmatch(path)):
                return route, found.groupdict()
        return None

    def methods(self, segments: Sequence[str], *, is_raw: bool) -> list[str]:
        """The methods that a path answers."""
        known = sorted({route.operation.method for route in self.all})
        return [method for method in known if self.find(method, segments, is_raw=is_raw)]


def _match(parts: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    named: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            if not segment:
                return None
            named[part[1:-1]] = segment
        elif part != segment:
            return None
    return named


def _literal(path: str) -> int:
    """How many of a path's parts are no placeholders."""
    return sum(not part.startswith("{") for part in path.split("/"))


def _wide(path: str) -> re.Pattern[str]:
    """Placeholders take as much as they can, but nothing empty."""
    pieces = re.split(r"\{(\w+)\}", path)
    text = "".join(f"(?P<{piece}>.+)" if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
    return re.compile(text, re.DOTALL)
