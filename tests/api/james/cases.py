"""James's own cases, replayed: a file of them is named by JAMES_CASES and is no part of this repository.

Each case is one JSON object a line: requests that come before, one request, and what its answer must be. As a program
this tells which pass: `JAMES_CASES=… python -m pytest tests/api/james/test_cases.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jobs import services
from jobs.models import Task
from tests.api.dialects.calling import call

DROPPED = re.compile(r"#\d+$")


@dataclass
class Player:
    """Calls as one administrator; placeholders of an answer ({taskId}) are filled into what comes after."""

    token: str
    known: dict[str, str] = field(default_factory=dict)

    def play(self, http: dict[str, Any]) -> Any:
        headers = {name: value for name, value in (http.get("headers") or {}).items() if name != "Content-Type"}
        if "Authorization" not in headers:
            headers["Password"] = self.token
        address = "/james" + self.filled(http["path"]).replace("#", "%23").replace(" ", "%20")
        pairs = [(str(name), self.filled(str(value))) for name, value in http.get("query") or []]
        if pairs:
            address += ("&" if "?" in address else "?") + urlencode(pairs)
        answer = call(http["method"], address, self.body(http.get("body")), **headers)
        for task in Task.objects.filter(state=Task.State.WAITING):
            services.run_waiting(task.pk)
        if answer.status_code == 201 and b"taskId" in answer.content:
            self.known["taskId"] = answer.json()["taskId"]
        return answer

    def filled(self, text: str) -> str:
        for name, value in self.known.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def body(self, given: Any) -> str:
        if given is None:
            return ""
        return given if isinstance(given, str) else json.dumps(given)


def read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)


def before(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The requests that come before, in order."""
    for given in case["given"] or []:
        if "setup" in given:
            for step in given["steps"]:
                if step.get("http_equiv"):
                    yield step["http_equiv"]
        else:
            http = given.get("http") or given.get("http_equiv")
            if http:
                yield http


def wrong(player: Player, case: dict[str, Any], answer: Any) -> str:
    """What is wrong with an answer; "" for nothing."""
    expected = case["expect_status"]
    if isinstance(expected, dict):
        if answer.status_code == expected.get("not"):
            return f"{answer.status_code}"
    elif answer.status_code != (expected or 200):
        return f"{answer.status_code} instead of {expected or 200}: {answer.content[:300]!r}"
    for name, value in (case["expect_headers"] or {}).items():
        if isinstance(value, str) and not answer.headers.get(name, "").startswith(value):
            return f"{name}: {answer.headers.get(name)}"
        if not isinstance(value, str) and name not in answer.headers:
            return f"no {name}"
    text = answer.content.decode()
    for expectation in case["expect_body"] or []:
        found = judged(player, expectation, text)
        if found:
            return f"{found} in {text[:300]}"
    return ""


def judged(player: Player, expectation: dict[str, Any], text: str) -> str:
    whole = parsed(text)
    if "extracted" in expectation:
        taken = expectation["extracted"]
        how, arguments = (taken.get("value_of") or ["asString", []])[:2]
        value = whole if how == "asString" else at(whole, arguments[0] if arguments else ".")
        checks = taken["checks"]
    else:
        value = at(whole, expectation.get("path", "."))
        checks = expectation.get("checks") or [expectation["match"]]
    loosely = any(next(iter(check)) == "when" for check in checks)
    for check in checks:
        (name, given) = next(iter(check.items()))
        given = filled(player, given)
        if not matches(name, given, value, loosely):
            return f"{expectation.get('path', '')} {name} {json.dumps(given)[:200]}, is {json.dumps(value)[:200]}"
    return ""


def filled(player: Player, given: Any) -> Any:
    return player.filled(given) if isinstance(given, str) else given


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def at(value: Any, path: str) -> Any:
    """A path of GPath: names with dots, [0], and a name of all entries of a list."""
    for part in re.findall(r"\[\d+\]|[^.\[\]]+", path):
        if part.startswith("["):
            place = int(part[1:-1])
            value = value[place] if isinstance(value, list) and place < len(value) else None
        elif isinstance(value, list):
            value = [each.get(part) for each in value if isinstance(each, dict)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def first(given: Any) -> Any:
    return given[0] if isinstance(given, list) and len(given) == 1 else given


def unordered(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((unordered(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return {name: unordered(each) for name, each in value.items()} if isinstance(value, dict) else value


def flat(given: Any) -> list[Any]:
    return [each for one in items(given) for each in (one if isinstance(one, list) else [one])]


def matches(name: str, given: Any, value: Any, loosely: bool) -> bool:
    if name in ("is", "equalTo", "isEqualTo"):
        wanted = first(given) if name == "isEqualTo" else given
        if isinstance(wanted, dict) and len(wanted) == 1 and next(iter(wanted)) in ("nullValue", "notNullValue"):
            return matches(next(iter(wanted)), True, value, loosely)
        if isinstance(wanted, str) and not isinstance(value, str):
            wanted = parsed(wanted)
        if loosely:
            return bool(unordered(wanted) == unordered(value))
        return bool(wanted == value) or str(wanted) == str(value)
    if name == "containsEntry":
        return isinstance(value, dict) and value.get(given[0], ...) == given[1]
    simple: dict[str, Callable[[], bool]] = {
        "when": lambda: True,
        "isNull": lambda: value is None,
        "nullValue": lambda: value is None,
        "notNullValue": lambda: value is not None,
        "isNotNull": lambda: value is not None,
        "isNotEmpty": lambda: bool(value),
        "isEmpty": lambda: value in ([], "", {}),
        "hasSize": lambda: len(value) == first(given),
        "contains": lambda: all(each in value for each in flat(given)),
        "hasItems": lambda: all(each in value for each in flat(given)),
        "hasItem": lambda: all(each in value for each in flat(given)),
        "containsExactly": lambda: value == flat(given),
        "containsOnly": lambda: unordered(value) == unordered(flat(given)),
        "containsInAnyOrder": lambda: unordered(value) == unordered(flat(given)),
        "containsExactlyInAnyOrder": lambda: unordered(value) == unordered(flat(given)),
        "containsString": lambda: str(first(given)) in str(value),
        "startsWith": lambda: str(value).startswith(str(first(given))),
    }
    return bool(simple[name]())
