"""Who gets in where: tasks."""

from __future__ import annotations

from accounts.models import User
from tests import factories
from tests.access import Cast, Row, for_administrators


def a_waiting_task(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_task(owner, state="waiting").pk,)


def a_failed_task(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_task(owner, state="failed").pk,)


ROWS = [
    for_administrators("jobs:verify-audit", 303, method="POST"),
    Row("jobs:task-list", own=200, administrator=200),
    Row("jobs:task-bulk", own=404, administrator=404),
    Row("jobs:task-bulk", own=404, administrator=404, method="POST"),
    Row("jobs:task-detail", own=200, foreign=404, administrator=200, args=a_waiting_task),
    Row("jobs:task-cancel", method="POST", own=303, foreign=404, administrator=303, args=a_waiting_task),
    Row("jobs:task-start-again", method="POST", own=403, foreign=404, administrator=303, args=a_failed_task),
]
