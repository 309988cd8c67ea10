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
_METHOD = re.compile(r"(?<![A-Za-z])(?:-X)?(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)(?![A-Za-z])")
_NAMED = re.compile(r"-(?:Custom)?Method[\s:]+[\"']?(\w+)", re.IGNORECASE)  # PowerShell
_CALLED = re.compile(r"\.(get|head|post|put|patch|delete|options)\s*\(", re.IGNORECASE)
_PLAIN_CALL = re.compile(r"\b(?:curl|wget|Invoke-RestMethod|Invoke-WebRequest|irm|iwr)\b|\bfetch\(|(?:^|\s)https?\s")
_PATH = re.compile(
    r"(?:https?://[^/\s\"'`]*|\$\{?[\w.]+\}?|\{\w*\}|%s|(?<=[\s\"'`=(])(?:localhost|[\w-]+(?:\.[\w-]+)+|)(?::\d+)?)"
    r"(/(?!/)[^\s\"'`<>|)]*(?:<\w+>[^\s\"'`<>|)]*)*)"
)
_JOINED = re.compile(r"/[\"']\s*(?:\+|\.(?!\w*\()|&|,\s*\w)")  # "/users/" + name
_CURL_DATA = re.compile(r"(?:^|\s)(?:-d|--data\S*|-F|--form|--json|--post-data\S*)(?:[\s=\"'{]|$)")
_VALUE = re.compile(r"\$\{\w+\}|\$\w+|\$\([^)]*\)|\{\{?[^{}]*\}?\}|<\w+>|%[sd]|:\w+(?=/|$)")
_COMMENT = re.compile(r"\s*(?:#(?!!)|//|rem\s|--\s)", re.IGNORECASE)
_GOES_ON = re.compile(r"(?:\\|\s`|\s\^|[(,])\s*$")  # of shells, PowerShell, cmd, and calls with an open bracket
MOST_JOINED = 12


def over_http(routes: Routes[Any], text: str, *, prefixes: Iterable[str] = ("",)) -> Iterator[Found]:
    """The calls in a text, by line, each with the operation it is; at most `MOST_FOUND`."""
    roots = {segment for route in routes.all if not (segment := route.operation.path.split("/")[1]).startswith("{")}
    count = 0
    for number, line in _whole_lines(text):
        for method, path in _calls(line):
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


def _whole_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with what goes on in the next ones, by the number of the first; comments are left out."""
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        if _COMMENT.match(line):
            continue
        begun = begun or number
        parts.append(line[:LONGEST_LINE])
        if len(parts) < MOST_JOINED and _GOES_ON.search(parts[-1]):
            parts[-1] = parts[-1].rstrip().rstrip("\\`^")
            continue
        yield begun, " ".join(parts)[:LONGEST_LINE]
        begun, parts = 0, []
    if parts:
        yield begun, " ".join(parts)[:LONGEST_LINE]


def _calls(line: str) -> Iterator[tuple[str, str]]:
    """Methods with paths. A call without a method is a GET, or a POST where curl sends something."""
    paths = [_ended(match, line) for match in _PATH.finditer(line)]
    if not paths:
        return
    named, method, called = _NAMED.search(line), _METHOD.search(line), _CALLED.search(line)
    is_plain = bool(_PLAIN_CALL.search(line))
    if named is not None and named[1].upper() in METHODS:
        word = named[1].upper()
    elif method is not None:
        word = method[1]
    elif called is not None:
        word = called[1].upper()
    elif is_plain:
        word = "POST" if _CURL_DATA.search(line) else "GET"
    else:
        return
    for path in (
        paths if is_plain else paths[:1]
    ):  # options of curl name files, too; a log names referers after the call
        yield word, path


def _ended(match: re.Match[str], line: str) -> str:
    """A path as it is called: one that a string is added to ends with a value."""
    path = match[1].rstrip(";,\\")
    is_joined = path.endswith("/") and _JOINED.match(line, match.end() - 1)
    return f"{path}%s" if is_joined else path


def _below(path: str, prefixes: Iterable[str]) -> str:
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix)
    return path
