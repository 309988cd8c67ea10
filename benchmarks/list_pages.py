"""Every list that a signed-in person is shown, measured as a person would use it: pages, sorts, filters, searches.

A list is recognised by what it draws (components/list.html and pager.html), so a new one is measured without being
named here. What it offers is read from its own page. Not for programs' lists (api/v1), which `programs` measures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from selectolax.lexbor import LexborHTMLParser

from benchmarks.asking import Answer
from benchmarks.figures import percentile
from benchmarks.house import Browser

SEARCHES = {
    "search, all": "example",
    "search, many": "clara",
    "search, few": "clara.eriksen",
    "search, none": "zzyzx",
    "search, two letters": "xq",
}
LEFT_OUT = ("sign-out", "download", "export", "raw", "events", "source", "styleguide")
FILTERS = 12  # of a filter with more values so many are measured
PAIRS = 36  # of a list with more pairs of filter and sort so many
T = TypeVar("T")
ENDS = ("first page", "last page")
OFFERED = ("first page", "last page", "sort", "filter", "filter and sort", *SEARCHES)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to ask for a list: its kind (one of OFFERED) and its address."""

    kind: str
    path: str


def find(browser: Browser, routes: Sequence[Mapping[str, Any]], objects: Mapping[str, int]) -> dict[str, list[Variant]]:
    """{name of the route: what it offers} of all routes that show this person a list."""
    found = {}
    for route in routes:
        known = all(name in objects for name in route["arguments"])
        if not known or route["path"].startswith("/api/") or any(word in route["name"] for word in LEFT_OUT):
            continue
        path = route["path"].format(**objects)
        answer = browser.get(path)
        if answer.status == 200 and answer.headers.get_content_type() == "text/html":
            variants = list(_offered(path, answer.body))
            if variants:
                found[route["name"]] = variants
    return found


class Client(Protocol):
    """A browser or a program."""

    def get(self, path: str) -> Answer: ...


def measure(browser: Client, variants: Sequence[Variant], *, times: int, budget_s: float) -> dict[str, Any]:
    """{kind: {"p50", "p95", "worst": [ms, path], "times"}} in ms; each variant is asked once before it counts.

    times: how often first and last pages are asked; sorts and filters, of which there are many, a third as often.
    """
    seconds: dict[str, list[float]] = {}
    worst: dict[str, tuple[float, str]] = {}
    until = time.monotonic() + budget_s
    for variant in variants:
        browser.get(variant.path).expect(200)
        mine = [
            browser.get(variant.path).expect(200).seconds * 1000
            for _ in range(times if variant.kind in ENDS else max(2, times // 3))
        ]
        seconds.setdefault(variant.kind, []).extend(mine)
        worst[variant.kind] = max(worst.get(variant.kind, (0.0, "")), (percentile(mine, 50), variant.path))
        if time.monotonic() > until:
            break
    return {
        kind: {
            "p50": percentile(values, 50),
            "p95": percentile(values, 95),
            "worst": list(worst[kind]),
            "times": len(values),
        }
        for kind, values in seconds.items()
    }


def spread(values: Sequence[T], most: int = FILTERS) -> list[T]:
    """All of a few values, else so many from all over."""
    return list(values) if len(values) <= most else [values[len(values) * number // most] for number in range(most)]


def _offered(path: str, page: bytes) -> Iterator[Variant]:
    tree = LexborHTMLParser(page.decode())
    has_form = tree.css_first("#list-form") is not None
    if not has_form and tree.css_first("nav.pager") is None:
        return
    yield Variant("first page", path)
    last = tree.css_first('nav.pager a[href*="at=last"]') or tree.css_first('nav.pager a[rel="next"]')
    if last is not None:
        yield Variant("last page", _whole(path, last.attributes.get("href") or ""))
    if not has_form:
        return
    options = (option.attributes.get("value") for option in tree.css('#list-form select[name="sort"] option'))
    sorts = [value for value in options if value]
    boxes = (box.attributes for box in tree.css("#list-filters input[type=checkbox]"))
    by_name: dict[str, list[str]] = {}
    for box in boxes:
        by_name.setdefault(box.get("name") or "", []).append(box.get("value") or "")
    filters = [(name, value) for name, values in by_name.items() for value in spread(values)]
    for sort in sorts:
        yield Variant("sort", f"{path}?{urlencode({'sort': sort})}")
        if last is not None:
            yield Variant("sort", f"{path}?{urlencode({'sort': sort, 'at': 'last'})}")
    for name, value in filters:
        yield Variant("filter", f"{path}?{urlencode({name: value})}")
    for tab in tree.css("#list-tabs a[href*='?']"):
        yield Variant("filter", _whole(path, tab.attributes.get("href") or ""))
    for kind, words in SEARCHES.items():
        yield Variant(kind, f"{path}?{urlencode({'q': words})}")
    for sort, (name, value) in spread(list(product(sorts, filters)), PAIRS):
        yield Variant("filter and sort", f"{path}?{urlencode({name: value, 'sort': sort})}")


def _whole(path: str, href: str) -> str:
    return f"{path}{href}" if href.startswith("?") else href
