"""Rows that are made and written the quick way are those that the models' own way makes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models

from gateway.inserting import Batch, unsaved
from gateway.models import Content, Kept, Message, QueueItem, Recipient, Step

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", [Content, Kept, Message, QueueItem, Recipient, Step])
def test_a_row_made_the_quick_way_has_what_the_models_own_way_gives(model: type[models.Model]) -> None:
    quick, usual = _values(unsaved(model)), _values(model())
    made_now = {name for name, value in usual.items() if hasattr(value, "tzinfo")}
    assert {name: quick[name] for name in quick.keys() - made_now} == {
        name: usual[name] for name in usual.keys() - made_now
    }
    assert all((usual[name] - quick[name]).total_seconds() < 60 for name in made_now)  # the clock of each


def test_defaults_that_can_change_belong_to_one_row() -> None:
    first, second = unsaved(Recipient), unsaved(Recipient)
    first.way.append("ada@example.org")
    assert second.way == []


def test_a_relation_is_known_by_its_row_and_by_its_number() -> None:
    message = Message(pk=7)
    row = unsaved(Recipient, message=message, mailbox=None)
    assert (row.message, row.message_id, row.mailbox_id) == (message, 7, None)


def test_an_attribute_that_a_model_has_not_is_an_error() -> None:
    with pytest.raises(TypeError, match="adress"):
        unsaved(Recipient, adress="ada@example.org")


def test_what_was_made_the_quick_way_is_saved_and_deleted_as_usual() -> None:
    row = unsaved(Message, key="k", door="mx", direction="incoming", sha256=b"\0" * 32)
    assert row._state.adding
    row.save()
    assert Message.objects.get(key="k") == row and not row._state.adding
    row.delete()
    assert not Message.objects.exists()


def test_statements_are_prepared_once_for_many_batches() -> None:
    """Else PostgreSQL reads and plans the same long statement again with every message."""
    names = []
    for number in range(3):
        batch = Batch()
        batch.add([unsaved(Content, sha256=bytes([number]) * 32, size_bytes=1, data=b"x")])
        batch.write()
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%gateway_content%'")
            names.append(cursor.fetchall())
    assert Content.objects.count() == 3
    assert names[0] and names[0] == names[1] == names[2]


def _values(row: models.Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
