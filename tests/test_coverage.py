"""docs/coverage.csv: the account of all 663 operations of the five manuals. What it names must be there.

`doors` names pages (`page:domains:domain-list`), commands (`command:GetUsers`), shell doors (`shell:import_mail`),
API operations (`api:GET /domains`) and those of dialects (`dialect:james GET /domains`), separated by "; "; `test` is
a test file, or a test. An operation without a door says why.
"""

from __future__ import annotations

import ast
import csv
import functools
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import Client
from django.urls import get_resolver

from api.dialects.served import BY_NAME
from jobs.commands import list_commands
from tests.test_access import route_names

ROOT = Path(__file__).resolve().parent.parent
PER_MANUAL = {"mailstore": 89, "communigate": 369, "james": 86, "cleanmail": 93, "iredadmin": 26}


@functools.cache
def rows() -> list[dict[str, str]]:
    with (ROOT / "docs/coverage.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def doors(kind: str) -> set[str]:
    found = (door.partition(":") for row in rows() for door in row["doors"].split("; ") if door)
    return {name for sort, _colon, name in found if sort == kind}


def test_every_operation_of_every_manual_stands_there_once() -> None:
    keys = [(row["seed"], row["operation"]) for row in rows()]
    assert Counter(seed for seed, _operation in keys) == PER_MANUAL
    assert len(set(keys)) == len(keys)
    assert [row["operation"] for row in rows() if None in row or None in row.values()] == []  # a comma without quotes


def test_every_door_is_of_a_known_kind_and_every_row_without_one_says_why() -> None:
    kinds = {door.partition(":")[0] for row in rows() for door in row["doors"].split("; ") if door}
    assert kinds <= {"page", "command", "shell", "api", "dialect"}
    assert [row["operation"] for row in rows() if not row["doors"] and not row["note"]] == []
    assert [row["operation"] for row in rows() if row["doors"] and not row["test"]] == []


def test_every_page_command_and_shell_door_named_is_there() -> None:
    assert doors("page") - set(route_names(get_resolver().url_patterns)) == set()
    assert doors("command") - {command.name for command in list_commands()} == set()
    assert doors("shell") - set(get_commands()) == set()


def test_every_operation_of_a_dialect_named_is_there() -> None:
    offered = {f"{name} {each.name}" for name, dialect in BY_NAME.items() for each in dialect.operations()}
    assert doors("dialect") - offered == set()


def test_a_row_says_that_a_dialect_serves_it_where_it_does_and_only_there() -> None:
    """What each operation says of itself is held against its answers by tests/api/dialects/test_sweep.py, and for
    CommuniGate by tests/api/communigate/test_commands.py.
    """
    wrong = [found for row in rows() if (found := _unlike_its_door(row))]
    assert wrong == []


def _unlike_its_door(row: dict[str, str]) -> str:
    """What is said of one row that isn't so; "" where all is."""
    seed, operation = row["seed"], row["operation"]
    named = [door.partition(" ")[2] for door in row["doors"].split("; ") if door.startswith("dialect:")]
    offered = {each.name: each for each in BY_NAME[seed].operations()}
    name = _INVOKED[seed] + operation
    own = offered.get(name) or next((each for each in offered.values() if _shape(each.name) == _shape(name)), None)
    if own is None:
        return f"{seed} {operation}: the dialect knows no such operation"
    if own.refused:
        return f"{seed} {operation}: named as a door, and refused: {own.refused}" if named else ""
    if own.name not in named:
        return f"{seed} {operation}: works there, and the row says nothing of it"
    refused = [name for name in named if name not in offered or offered[name].refused]
    return f"{seed} {operation}: {refused} are refused" if refused else ""


_INVOKED = {"mailstore": "POST /api/invoke/", "communigate": "", "james": "", "cleanmail": "", "iredadmin": ""}


def _shape(name: str) -> str:
    """Without what manuals and routes call their variables, and without a query."""
    return re.sub(r"\{\w+\}", "{}", name.partition("?")[0])


@pytest.mark.django_db
def test_every_api_operation_named_is_there() -> None:
    document = json.loads(Client().get("/api/v1/openapi.json").content)
    base = "/api/v1"
    offered = {
        f"{method.upper()} {path.removeprefix(base)}" for path, item in document["paths"].items() for method in item
    }
    assert doors("api") - offered == set()


def test_every_test_named_is_there() -> None:
    missing = [name for row in rows() for name in row["test"].split("; ") if name and not _exists(name)]
    assert sorted(set(missing)) == []


@functools.cache
def _exists(name: str) -> bool:
    path, _colons, function = name.partition("::")
    file = ROOT / path
    if not file.exists() or not function:
        return file.exists()
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.parse(file.read_text()).body)
