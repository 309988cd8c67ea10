"""Every bulk action × every role × own and foreign rows: who may not changes nothing and is told, who may can.

To add an action, add a row to tests/bulk_access.py; one that is missing fails here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import Http404
from pytest_django import DjangoDbBlocker

from accounts.actors import Actor
from accounts.errors import Forbidden
from config.kit import bulk
from tests.access import Place
from tests.bulk_access import ROWS, BulkRow, Told
from tests.stage import Role, Stage
from tests.stage import stage as open_stage


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    """One cast for all rows; every scene is taken back."""
    with django_db_blocker.unblock(), open_stage() as built:
        yield built


@pytest.mark.django_db  # so that pytest-django makes the database, also for the stage
def test_every_bulk_action_is_in_the_table_once() -> None:
    declared = [(row.list_name, row.action) for row in ROWS]
    assert len(declared) == len(set(declared))
    assert set(declared) == {(name, action.name) for name, action in bulk.registered()}


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_everybody_does_to_many_rows_what_the_table_says_and_no_more(row: BulkRow, stage: Stage) -> None:
    wrong = [
        f"{role} at {place}: {found}, not {row.expected(role, place)}"
        for place in row.places
        for role in Role
        if (found := attempt(stage, row, role, place)) != row.expected(role, place)
    ]
    assert wrong == []


def attempt(stage: Stage, row: BulkRow, role: Role, place: Place) -> str:
    """What one role gets, in the words of the table; else a sentence of what went wrong."""
    with stage.scene():
        person = stage.cast.person(role) or stage.cast.user
        there = row.make(stage.cast, place, person)
        order = row.order(stage.cast, there)
        played = stage.cast.person(role)
        actor = Actor.for_user(type(played).objects.get(pk=played.pk)) if played is not None else NOBODY
        with stage.scene() as writes:
            try:
                promised = bulk.get_action(row.list_name, row.action, actor).preview(
                    actor, bulk.rows_of(actor, order), order.values
                )
                count, told = row.run(actor, order)
            except Forbidden:
                return str(Told.FORBIDDEN) if not writes else f"forbidden, but wrote {writes[0]}"
            except Http404:
                return str(Told.UNSEEN) if not writes else f"not found, but wrote {writes[0]}"
            if count:
                return str(Told.DONE) if row.done(there) else "said to be done, but it isn't"
            if writes:
                return f"refused, but wrote {writes[0]}"
            if row.done(there):
                return "said not to be done, but it is"
            if promised.will and not row.holds(role, place):
                return "refused, but the preview promised it"
            return str(Told.REFUSED if told else Told.UNSEEN)


NOBODY = Actor(user=None, kind="user", label="anonymous")
