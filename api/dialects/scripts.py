"""Which calls a script or a log makes: lines with a method and a path, looked up in a dialect's routes.

Finds what curl, HTTP libraries and access logs write: a method word near a path or an address. Words in braces or after
`$` stand for a value. What isn't recognised is left out; a call to an address of something else is none of ours. Not
for what dialects without HTTP paths say: those have a recogniser of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from api.dialects.registry import Found, Operation
from api.dialects.routes import Routes

MOST_BYTES = 1 << 20
MOST_LINES = 20_000
MOST_FOUND = 2_000
LONGEST_LINE = 4_000
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_METHOD = re.compile(r"(?<![A-Za-z])(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)(?![A-Za-z])")
_CALLED = re.compile(r"\.(get|head|post|put|patch|delete|options)\s*\(", re.IGNORECASE)
_PATH = re.compile(r"(?:https?://[^/\s\"'`]*|\$\{?\w+\}?|\{\w*\}|(?<=[\s\"'`=(]))(/[^\s\"'`<>|)]*)")
_CURL_DATA = re.compile(r"(?:^|\s)(?:-d|--data\S*|-F|--form|--json)(?:\s|=|$)")
_VALUE = re.compile(r"\$\{\w+\}|\$\w+|\{\{?\s*\w+\s*\}?\}|<\w+>|%s|:\w+(?=/|$)")


def over_http(routes: Routes[Any], text: str, *, prefixes: Iterable[str] = ("",)) -> Iterator[Found]:
    """The calls in a text, by line, each with the operation it is; at most `MOST_FOUND`."""
    roots = {segment for route in routes.all if not (segment := route.operation.path.split("/")[1]).startswith("{")}
    count = 0
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        for method, path in _calls(line[:LONGEST_LINE]):
            plain = _below(path, prefixes)
            parts = plain.partition("?")[0].split("/")[1:]
            segments = [_VALUE.sub("x", part) for part in parts]
            if not segments or segments[0] not in roots:
                continue
            found = routes.find(method, segments, is_raw=True)
            operation = found[0].operation if found else _with_a_word(routes, method, parts)
            yield Found(number, f"{method} {path}"[:200], operation)
            count += 1
            if count >= MOST_FOUND:
                return


def _with_a_word(routes: Routes[Any], method: str, parts: list[str]) -> Operation | None:
    """The first operation of a path in which a variable stands for a word of ours, as in a loop over several."""
    wanted = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    if not any(_VALUE.fullmatch(part) for part in wanted):
        return None
    for route in routes.all:
        ours = route.operation.path.split("/")[1:]
        if route.operation.method == method and len(ours) == len(wanted) and all(map(_may_be, wanted, ours)):
            return route.operation
    return None


def _may_be(part: str, ours: str) -> bool:
    return ours.startswith("{") or part == ours or bool(_VALUE.fullmatch(part))


def _calls(line: str) -> Iterator[tuple[str, str]]:
    """Methods with paths. A curl line without a method is a GET, or a POST where it sends something."""
    paths = [match.group(1).rstrip(";") for match in _PATH.finditer(line)]
    if not paths:
        return
    method = _METHOD.search(line)
    called = _CALLED.search(line)
    if method is not None:
        yield method.group(1), paths[0]
    elif called is not None:
        yield called.group(1).upper(), paths[0]
    elif "curl" in line or "wget" in line:
        for path in paths:
            yield ("POST" if _CURL_DATA.search(line) else "GET"), path


def _below(path: str, prefixes: Iterable[str]) -> str:
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix)
    return path
