"""Every page a person can open by GET, found from the address resolver: a new page is walked without being told.

Pages of single objects are named by the world (tests.browser.world).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

# Addresses that answer no page: they act, stream bytes, or are drawn inside another page.
NO_PAGE = frozenset(
    {
        "config:healthz",
        "api:openapi",
        "config:preferences",
        "config:list-memory",
        "config:palette",
        "config:styleguide-bulk",
        "jobs:task-bulk",
        "config:styleguide-value-reset",
        "config:palette-objects",
        "config:running",
        "config:recovery-confirm",
        "accounts:sign-out",
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
    return [name for name, pattern in routes() if not _takes_arguments(pattern) and name not in NO_PAGE]


def _takes_arguments(pattern: URLPattern) -> bool:
    regex = getattr(pattern.pattern, "regex", None)
    return bool(pattern.pattern.converters) or bool(regex is not None and regex.groups)
