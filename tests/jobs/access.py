"""Who gets in where: tasks."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.commands.purging import PurgeDeletedUserArguments
from domains.models import Domain
from domains.services.mailbox_states import delete_mailbox
from jobs import approvals
from tests import factories
from tests.access import Cast, Row, Scoped, for_administrators, in_domain
from tests.domains.factories import make_mailbox_in


def a_waiting_task(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_task(owner, state="waiting").pk,)


def a_failed_task(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_task(owner, state="failed").pk,)


def a_request_there(cast: Cast, domain: Domain) -> tuple[object, ...]:
    """The shell's, about a deleted user of the domain."""
    mailbox = make_mailbox_in(domain)
    delete_mailbox(Actor.system(), mailbox)
    arguments = PurgeDeletedUserArguments(mailbox.address)
    return (approvals.ask(Actor.console(), "PurgeDeletedUser", arguments, reason="It is empty").pk,)


def about_a_user(route: str, answer: int = 200, **more: object) -> Scoped:
    return in_domain(route, answer, see=Right.VIEW_AUDIT, args=a_request_there, **more)  # type: ignore[arg-type]


ROWS = [
    Row("jobs:approval-list", own=403, administrator=200, delegate=200),
    for_administrators("jobs:approval-switch-off", variant="form"),
    for_administrators("jobs:approval-switch-off", 303, method="POST", data={"reason": "A small team"}),
    about_a_user("jobs:approval-detail"),
    about_a_user("jobs:approval-approve", 303, method="POST", need=Right.MANAGE_USERS),
    about_a_user("jobs:approval-reject", 303, method="POST", need=Right.MANAGE_USERS, data={"answer": "Not yet"}),
    about_a_user("jobs:approval-withdraw", 403, method="POST"),
    for_administrators("jobs:verify-audit", 303, method="POST"),
    Row("jobs:task-list", own=200, administrator=200),
    Row("jobs:task-bulk", own=404, administrator=404),
    Row("jobs:task-bulk", own=404, administrator=404, method="POST"),
    Row("jobs:task-detail", own=200, foreign=404, administrator=200, args=a_waiting_task),
    Row("jobs:task-cancel", method="POST", own=303, foreign=404, administrator=303, args=a_waiting_task),
    Row("jobs:task-start-again", method="POST", own=403, foreign=404, administrator=303, args=a_failed_task),
]
