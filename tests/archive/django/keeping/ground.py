"""What tests of keeping and deleting stand on: mail of chosen days, policies, holds, runs without a worker."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.actors import Actor
from accounts.models import User
from archive import engines
from archive.models import LegalHold, RetentionPolicy, Store
from archive.services import holds, retention_policies
from archive.services.retention_dates import follow
from archive.store import journal
from jobs.running import TaskRun
from tests.archive.django.factories import archive, make_raw

CONSOLE = Actor.console()
REFERENCE: dict[str, Any] = {
    "from_text": "",
    "to_text": "",
    "query": "",
    "included": None,
    "excluded": [],
    "in_subject": False,
}
PLAIN: dict[str, Any] = {
    "from_text": "",
    "to_text": "",
    "query": "",
    "included": None,
    "excluded": [],
    "in_subject": False,
    "in_body": False,
    "in_attachments": False,
    "in_attachment_contents": False,
    "enabled": True,
    "locked": False,
    "interval": "year",
    "reference": "ArchiveDate",
    "deletes": False,
    "id": 0,
}


def policy(name: str, period: int, **more: Any) -> dict[str, Any]:
    """One policy's values, new."""
    return {**PLAIN, "name": name, "period": period, "position": 0, **more}


def set_policies(*values: dict[str, Any]) -> None:
    """Set them as the machine's owner, where nobody else is there to approve, and work out the days."""
    retention_policies.set_policies(CONSOLE, list(values))
    follow_all()


def follow_all() -> None:
    for store in Store.objects.all():
        assert follow(store).done


def present() -> list[dict[str, Any]]:
    """The policies that are set, as values to change."""
    return [retention_policies.as_values(row) for row in RetentionPolicy.objects.all()]


@contextmanager
def archived_on(date: str) -> Iterator[None]:
    """What is written to journals is dated so."""
    moment = datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC)
    journal.clock = moment.timestamp
    try:
        yield
    finally:
        journal.clock = time.time


def mail_of(owner: User, date: str, *words: str, **more: Any) -> list[str]:
    """Messages archived on a day, one for each subject; their public ids."""
    with archived_on(date):
        return archive(owner, [make_raw(word, number=at, **more) for at, word in enumerate(words)])


def at(date: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.UTC)


def number_of(public_id: str) -> int:
    return int(public_id.partition(":")[2])


def left(store: Store | None = None) -> list[int]:
    """The numbers of the messages that are still there."""
    store = store or Store.objects.get()
    return list(engines.open_store(store).catalogue.numbers())


def hold(name: str = "A case", **terms: Any) -> LegalHold:
    terms = {"reason": "The court says so", **terms}
    if not set(terms) & {"everything", "mailboxes", "query", "date_from", "date_to"}:
        terms["everything"] = True
    return holds.place_hold(CONSOLE, holds.HoldTerms(name, **terms))


def a_run(stop_after: int | None = None) -> TaskRun:
    """A run without a task's row, which asks to stop after so many looks."""
    looks = iter(range(10**9))
    return TaskRun(0, stop=lambda: stop_after is not None and next(looks) >= stop_after)
