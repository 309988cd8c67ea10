"""Every page a person can open by GET, found from the address resolver: a new page is walked without being told.

Pages of single objects are named by the world (tests.browser.world).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# Addresses that answer no page: they act, stream bytes, or are drawn inside another page.
NO_PAGE = frozenset(
    {
        "archive:evidence-key",
        "config:healthz",
        "config:metrics",
        "config:palette",
        "config:palette-objects",
        "config:running",
        "gateway:own-digest-preview",
        "gateway:signature-canvas",
        "gateway:signature-trial-frame",
        "jobs:next-runs",
        "jobs:report-frame",
        "jobs:report-text",
    }
)


def routes() -> Iterator[tuple[str, URLPattern]]:
    """(name with namespace, pattern) of every route."""
    yield from _routes(get_resolver().url_patterns, "")


def _routes(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _routes(pattern.url_patterns, space)
        elif pattern.name:
            yield f"{prefix}{pattern.name}", pattern


def page_names() -> list[str]:
    """Names of routes that need no arguments and answer a page."""
    return [
        name for name, pattern in routes() if not _takes_arguments(pattern) and _is_page(name) and _answers_get(pattern)
    ]


def _is_page(name: str) -> bool:
    """Of the API only its reference is for people; a bulk action is a page only with its action and rows.

    Dialects at the root of the web port (`beside-…`) are for programs too.
    """
    if name.startswith("dialects:beside-"):
        return False
    if name.startswith("api:"):
        return name == "api:reference"
    return name not in NO_PAGE and not name.endswith("-bulk")


def _answers_get(pattern: URLPattern) -> bool:
    """What Django's `require_POST` and its like let in; a view without them is believed to answer."""
    view: Any = pattern.callback
    while view is not None:
        kept = zip(view.__code__.co_freevars, view.__closure__ or (), strict=True) if hasattr(view, "__code__") else ()
        for variable, cell in kept:
            if variable == "request_method_list":
                return "GET" in cell.cell_contents
        view = getattr(view, "__wrapped__", None)
    return True


def _takes_arguments(pattern: URLPattern) -> bool:
    regex = getattr(pattern.pattern, "regex", None)
    return bool(pattern.pattern.converters) or bool(regex is not None and regex.groups)
