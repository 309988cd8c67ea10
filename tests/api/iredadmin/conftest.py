"""One set-up for the whole folder: two customers, everybody logged in by their token; each test's changes go again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tests.api import world
from tests.api.callers import Caller
from tests.api.dialects.calling import switch_on
from tests.api.iredadmin.client import log_in


@dataclass
class Cast:
    """Sessions of everybody, and what they are about."""

    world: world.World
    administrator: str
    delegate: str
    reader: str
    user: str


@pytest.fixture(scope="package")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Cast]:
    with django_db_blocker.unblock(), transaction.atomic():
        switch_on("iredadmin")
        made = world.build()
        yield Cast(made, *(_session(each) for each in (made.administrator, made.delegate, made.reader, made.user)))
        transaction.set_rollback(True)


@pytest.fixture
def cast(built: Cast, db: None) -> Cast:
    return built


def _session(caller: Caller) -> str:
    from accounts.tokens import actor_for_token

    actor = actor_for_token(caller.token, address="127.0.0.1")
    assert actor is not None and actor.user is not None
    return log_in(actor.user.email, caller.token)
