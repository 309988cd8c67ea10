"""Every CSV column × every role × own and foreign domains: who may not changes nothing and is told, who may can.

To add a column, give it a value in tests/csv_access.py; one that is missing fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ObjectDoesNotExist
from pytest_django import DjangoDbBlocker

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.permissions import Right
from domains.errors import Invalid
from domains.models import Domain
from domains.policy.exchange import Format
from domains.services.importing.kinds import KINDS
from domains.services.importing.results import ImportRefused
from domains.services.importing.running import run_import
from domains.services.rule_files import import_rules
from jobs.services import run_waiting
from tests.access import Place, role_holds
from tests.api.callers import caller_for
from tests.csv_access import BASE, NARROW, PLACES, ROWS, CsvRow, Told, missing, prepare
from tests.domains.factories import make_delegate
from tests.stage import Role, Stage
from tests.stage import stage as open_stage

pytestmark = pytest.mark.django_db  # so that pytest-django makes the database, also for the stage
_FOR_NOW = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+import_")


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    """One cast for all rows, with what the rows refer to; every scene is taken back."""
    with django_db_blocker.unblock(), open_stage() as built:
        for domain in (built.cast.domain, built.cast.sibling, built.cast.elsewhere):
            prepare(domain)
        yield built


def test_every_column_of_every_importer_is_in_the_table() -> None:
    assert missing() == []


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_everybody_sets_by_a_file_what_the_table_says_and_no_more(row: CsvRow, stage: Stage, tmp_path: Path) -> None:
    tries = [(role, place) for place in PLACES for role in Role] + [(NARROW, Place.DOMAIN)]
    wrong = [
        f"{role} at {place}: {found}, not {row.expected(role, place)}"
        for role, place in tries
        if (found := attempt(stage, row, role, place, tmp_path / "file.csv")) != row.expected(role, place)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", BASE)
def test_by_the_api_everybody_imports_and_exports_what_the_table_says(kind: str, stage: Stage) -> None:
    row = next(row for row in ROWS if row.kind == kind)
    wrong = [
        f"{role} at {place}: {found}, not {wanted}"
        for place in PLACES
        for role in Role
        if (found := by_api(stage, row, role, place))
        != (wanted := "401" if role == Role.ANONYMOUS else str(row.expected(role, place)))
    ]
    assert wrong == []


def by_api(stage: Stage, row: CsvRow, role: Role, place: Place) -> str:
    """What one role gets for a row sent to the API; then only what they see is in the export."""
    domain = {Place.DOMAIN: stage.cast.domain, Place.SIBLING: stage.cast.sibling, Place.ELSEWHERE: stage.cast.elsewhere}
    with stage.scene() as writes:
        caller = caller_for(stage.cast.person(role))
        caller.get("/me")  # the first use of a token is noted
        writes.clear()
        there = Domain.objects.get(pk=domain[place].pk)
        answer = caller.post(f"/imports/{row.kind}", {"csv": row.text(there), "dryRun": False})
        if answer.status_code != 202:
            return str(answer.status_code) if not lasting(writes) else f"refused, but wrote {lasting(writes)[0]}"
        task = run_waiting(answer.json()["id"])
        assert task is not None
        if task.state != task.State.COMPLETED:
            told = (task.result or {}).get("problems") or [{"reason": ""}]
            return str(Told.REFUSED) if told[0]["reason"] and not row_is_there(row, there) else "failed"
        sees = Right.VIEW_DOMAINS if row.kind == "catch-alls" else Right.VIEW_USERS
        exported = caller.get(f"/exports/{row.kind}?domainId={there.pk}")
        if exported.status_code == 200 and not role_holds(role, sees, place):
            return "exported what they may not see"
        return str(Told.DONE) if row_is_there(row, there) else "said to be done, but it isn't"


def row_is_there(row: CsvRow, domain: Domain) -> bool:
    try:
        return bool(row.check(domain))
    except ObjectDoesNotExist:
        return False


def attempt(stage: Stage, row: CsvRow, role: Role | str, place: Place, file: Path) -> str:
    """What one role gets, in the words of the table; else a sentence of what went wrong."""
    cast = stage.cast
    chosen = {Place.DOMAIN: cast.domain, Place.SIBLING: cast.sibling, Place.ELSEWHERE: cast.elsewhere}[place]
    with stage.scene():
        domain = Domain.objects.get(pk=chosen.pk)
        actor = actor_of(stage, row, role, domain)
        file.write_text(row.text(domain))
        with stage.scene() as writes:
            try:
                problems = send(actor, row, domain, file)
            except Forbidden:
                return str(Told.FORBIDDEN) if not lasting(writes) else f"forbidden, but wrote {lasting(writes)[0]}"
            if not problems:
                return str(Told.DONE) if row.check(domain) else "said to be done, but it isn't"
            if lasting(writes):
                return f"refused, but wrote {lasting(writes)[0]}"
            if problems[0][0] != 2 or not problems[0][1] or not problems[0][2]:
                return f"refused, but told only {problems[0]}"
            return str(Told.REFUSED)


def actor_of(stage: Stage, row: CsvRow, role: Role | str, domain: Domain) -> Actor:
    if role == NARROW:
        return Actor.for_user(make_delegate(domain, rights=[row.need]))
    person = stage.cast.person(Role(role))
    if person is None:
        return Actor(user=None, kind="user", label="anonymous")
    return Actor.for_user(type(person).objects.get(pk=person.pk))


def send(actor: Actor, row: CsvRow, domain: Domain, file: Path) -> list[tuple[int, str, str]]:
    """Import it: (line, column, reason) of what is refused. Raises: Forbidden."""
    if row.rules is not None:
        try:
            plan = import_rules(actor, row.rules, domain, file.read_bytes(), Format.CSV)
        except Invalid as error:
            return [(2, error.field or "whole", str(error))]
        return [(each.line, each.field, each.why) for each in plan.rows if each.what == "refused"]
    try:
        run_import(KINDS[row.kind], actor, file)
    except ImportRefused as error:
        problems = error.result["problems"]
        assert isinstance(problems, list)
        return [(each["line"], each["column"], each["reason"]) for each in problems]
    return []


def lasting(writes: list[str]) -> list[str]:
    """What isn't written into the tables that live for the import alone."""
    return [statement for statement in writes if not _FOR_NOW.match(statement)]
