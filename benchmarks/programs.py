"""API v1 as programs use it: every list with what it offers, single objects as fast as one worker answers, new users.

What there is is read from the OpenAPI document, so a new list is measured without being named here.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from benchmarks.asking import Answer, Api, per_second
from benchmarks.list_pages import SEARCHES, Variant, spread

ROOT = "/api/v1"
ARGUMENTS = {"domainId": "domain_id", "userId": "person_id", "customerId": "customer_id", "groupId": "group_id"}
CLIENTS, READS, CREATED = 2, 400, 60
PASSWORD = "Measuring8rows and more"  # noqa: S105


def lists(api: Api, objects: Mapping[str, int]) -> dict[str, list[Variant]]:
    """{"GET /users": what it offers} of every list that answers."""
    found = {}
    for path, operation in _reads(api):
        names = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
        filled = _filled(path, objects)
        if filled is not None and "pageSize" in names and api.get(filled).status == 200:
            found[f"GET {path.removeprefix(ROOT)}"] = list(_offered(api, filled, names))
    return found


def _offered(api: Api, path: str, parameters: Mapping[str, Any]) -> Iterator[Variant]:
    yield Variant("first page", path)
    total = int(api.get(path).headers.get("X-Total-Count") or 0)
    deep = {"offset": max(0, min(10_000, total - 40))}
    yield Variant("last page", f"{path}?{urlencode(deep)}")
    sorts = [value for value in _values(parameters.get("sort", {})) if value]
    for sort in sorts:
        yield Variant("sort", f"{path}?{urlencode({'sort': sort})}")
    for name, parameter in parameters.items():
        if name in ("offset", "pageSize", "cursor", "sort"):
            continue
        for value in spread(_values(parameter)):
            yield Variant("filter", f"{path}?{urlencode({name: value})}")
            for sort in sorts:
                yield Variant("filter and sort", f"{path}?{urlencode({name: value, 'sort': sort})}")
        if name in ("name", "email", "address"):
            for kind, words in SEARCHES.items():
                yield Variant(kind, f"{path}?{urlencode({name: f'*{words}*'})}")


def reads_per_second(apis: list[Api], objects: Mapping[str, Any]) -> dict[str, float]:
    """{"GET /users/{userId}": reads per second} of the objects most programs read, by several clients at once."""
    wanted = {"/users/{userId}": objects["people"], "/domains/{domainId}": objects["domains"]}
    found = {}
    for template, numbers in wanted.items():
        paths = [ROOT + re.sub(r"\{\w+\}", str(number), template) for number in numbers]
        if apis[0].get(paths[0]).status == 200:
            asks = [
                [partial(api.get, path) for path in itertools.islice(itertools.cycle(paths), READS)] for api in apis
            ]
            found[f"GET {template}"] = per_second(asks, 200)
    return found


def created_per_second(apis: list[Api], domain: str, *, password: bool) -> float | None:
    """Users made by POST /users, one by one, by several clients at once; None while there is no such operation."""
    numbers = itertools.count(time.time_ns())

    def asks(api: Api) -> Iterator[Callable[[], Answer]]:
        for _ in range(CREATED):
            body = {"email": f"made{next(numbers)}@{domain}", "status": "ENABLED", "firstname": "Clara"}
            body |= {"lastname": "Eriksen"} | ({"password": PASSWORD} if password else {})
            yield partial(api.send, "POST", f"{ROOT}/users", body)

    if not any(path == f"{ROOT}/users" for path, _operation in _operations(apis[0], "post")):
        return None
    return per_second([asks(api) for api in apis], 201)


def _reads(api: Api) -> Iterator[tuple[str, dict[str, Any]]]:
    return _operations(api, "get")


def _operations(api: Api, method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    document = json.loads(api.get(f"{ROOT}/openapi.json").expect(200).body)
    for path, operations in document["paths"].items():
        if method in operations:
            yield path if path.startswith(ROOT) else ROOT + path, operations[method]


def _filled(path: str, objects: Mapping[str, int]) -> str | None:
    """The path with objects in it; None where we have none to name."""
    names = re.findall(r"\{(\w+)\}", path)
    if any(ARGUMENTS.get(name) not in objects for name in names):
        return None
    return re.sub(r"\{(\w+)\}", lambda found: str(objects[ARGUMENTS[found[1]]]), path)


def _values(parameter: Mapping[str, Any]) -> list[str]:
    """The values that a parameter may have, where they are named."""
    schema = parameter.get("schema", {})
    choices = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    return [str(value) for choice in choices for value in choice.get("enum", ())]
