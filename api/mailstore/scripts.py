"""Which functions a script calls: curl, the PowerShell wrapper, the Python wrapper, and the shell's `Function --arg=…`.

Names of functions are words that nothing else has, so that a known one counts wherever it is called, quoted or begins a
line; an unknown one only where a call is certain. Not for whether its arguments are right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from api.dialects.registry import Found
from api.dialects.scripts import LONGEST_LINE, MOST_FOUND, MOST_LINES
from api.mailstore.functions import CANCEL, FUNCTIONS, INVOKE, METADATA, STATUS, operations

_BESIDE = {path.rpartition("/")[2]: path for path in (METADATA, STATUS, CANCEL)}
_URL = re.compile(r"/api/+(?:invoke/+(\w+)|(get-metadata|get-status|cancel-async))")
# Invoke-MSApiCall $client "GetUsers" …, MS-Invoke GetUsers …, client.call("GetUsers"), client.invoke('GetUsers')
_NAMED = re.compile(
    r"(?:\b(?:Invoke|Start)-MS\w*|\bMS-Invoke\w*|\.(?:call|invoke|execute)\s*\()(?:[^\"'#]*?[\"'](\w+)|\s+(\w+))",
    re.IGNORECASE,
)
_METHOD = re.compile(r"\.([A-Z][A-Za-z0-9]+)\s*\(")  # client.GetUsers()
_WORD = re.compile(r"(?:^|[\s\"';|&])([A-Z][A-Za-z0-9]+)(?=$|[\s\"';)])")  # GetUsers --arg="x"
_COMMENT = re.compile(r"^\s*(?:#(?!!)|//|rem\s)", re.IGNORECASE)


def find(text: str) -> Iterable[Found]:
    """The calls in a text, by line; at most `MOST_FOUND`."""
    known = {each.path: each for each in operations()}
    count = 0
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        for path in _calls(line[:LONGEST_LINE]):
            yield Found(number, path.removeprefix(INVOKE), known.get(path))
            count += 1
            if count >= MOST_FOUND:
                return


def _calls(line: str) -> list[str]:
    return [] if _COMMENT.match(line) else list(dict.fromkeys(_paths(line)))


def _paths(line: str) -> Iterator[str]:
    for found in _URL.finditer(line):
        yield INVOKE + found[1] if found[1] else _BESIDE[found[2]]
    for found in _NAMED.finditer(line):
        name = found[1] or found[2]
        if name[:1].isupper():
            yield INVOKE + name
    for pattern in (_METHOD, _WORD):
        for found in pattern.finditer(line):
            if found[1] in FUNCTIONS:
                yield INVOKE + found[1]
