"""Who may only read changes nothing by any page that writes, with the fields of a valid form.

The API's door refuses tokens that only read before it looks at anything; here the door is open. The services alone
stand behind it: a session is made one that only reads, and every row of the access table that writes is tried as the
system administrator and as a domain administrator. Nothing in the database may be another than before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from accounts import audit, sessions
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent
from archive import engines
from tests.access import AnyRow, Role
from tests.stage import Stage
from tests.stage import stage as open_stage
from tests.test_access import ROWS, send

pytestmark = pytest.mark.django_db
COUNTED = "accounts_session"  # what a browser is told next is kept in its own
# to end a session, to shut an archive that was opened; the link of a mail, which needs no session; and to look at a
# message with a reason, which leaves the event of having looked
ALWAYS = {
    "accounts:sign-out",
    "accounts:act-as-end",
    "accounts:passkey-question",  # kept in the browser's own session until it is answered
    "archive:close-archive",
    "domains:list-confirm",
    "gateway:digest-link",  # the link acts for its own person, whoever is signed in
    "gateway:stored-read",
}
WRITING = [row for row in ROWS if row.method != "GET" and row.route not in ALWAYS]


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    with django_db_blocker.unblock(), open_stage() as built:
        yield built
    engines.close_all()


@pytest.fixture
def reading_only(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = sessions.actor_of

    def reading(request: HttpRequest) -> Actor | None:
        actor = usual(request)
        return None if actor is None else replace(actor, read_only=True, _known={})

    monkeypatch.setattr(sessions, "actor_of", reading)


def contents() -> dict[str, Any]:
    """Each table with the number and the sum of its rows."""
    tables = sorted({model._meta.db_table for model in apps.get_models() if model._meta.managed} - {COUNTED})
    each = (f"SELECT '{table}', count(*), sum(hashtextextended(t::text, 0)) FROM {table} t" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([*each, f"SELECT '{COUNTED}', count(*), 0 FROM {COUNTED}"]))
        return {name: (count, total) for name, count, total in cursor.fetchall()}


@pytest.mark.parametrize("row", WRITING, ids=[row.name for row in WRITING])
def test_no_page_writes_for_who_may_only_read(row: AnyRow, stage: Stage, reading_only: None) -> None:
    place = row.places[0]
    for role in (Role.ADMINISTRATOR, Role.DOMAIN):
        with stage.scene():
            args = row.make(stage.cast, role, place)
            fields = row.fields(stage.cast)
            before = contents()
            response = send(stage.client(role), row.method, reverse(row.route, args=args), fields)
            after = contents()
        changed = [table for table in before if before[table] != after[table]]
        assert changed == [], f"{role}: {response.status_code}, wrote {changed}"


def test_looking_leaves_its_event_and_writing_none(stage: Stage) -> None:
    with stage.scene():
        reader = replace(Actor.for_user(stage.cast.administrator), read_only=True)
        audit.record(reader, "audit.export", None, format="csv")
        count = AuditEvent.objects.count()
        with pytest.raises(Forbidden):
            audit.record(reader, "domain.edit", stage.cast.domain)
        with pytest.raises(Forbidden):
            audit.record_many([audit.build(reader, "user.create")])
        assert AuditEvent.objects.count() == count
