"""Who gets in where: tasks, jobs, alerts, approvals."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.commands.purging import PurgeDeletedUserArguments
from domains.models import Domain
from domains.services.mailbox_states import delete_mailbox
from jobs import approvals
from jobs.models import Webhook
from jobs.trust import add_authority
from jobs.webhooks.services import create_webhook, send_test
from tests import factories
from tests.access import Cast, Row, Scoped, for_administrators, in_domain, somewhere
from tests.certificates import make_authority
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


def a_person_there(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return ("user", make_mailbox_in(domain).user_id)


def about_a_user(route: str, answer: int = 200, **more: object) -> Scoped:
    return in_domain(route, answer, see=Right.VIEW_AUDIT, args=a_request_there, **more)  # type: ignore[arg-type]


def a_job(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_job(cast.administrator).pk,)


def a_run(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_job_run(factories.make_job(cast.administrator)).pk,)


def an_own_alert(cast: Cast, owner: User) -> tuple[object, ...]:
    return (factories.make_alert(owner, audience="everybody").pk,)


def an_alert(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (factories.make_alert(domain).pk,)


def a_webhook(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (make_webhook(domain).pk,)


def a_delivery(cast: Cast, domain: Domain) -> tuple[object, ...]:
    hook = make_webhook(domain)
    return (hook.pk, send_test(Actor.system(), hook).pk)


def make_webhook(domain: Domain) -> Webhook:
    url, events = "https://hooks.example.com/x", ["audit.*"]
    return create_webhook(Actor.system(), domain, name="Hook", url=url, events=events)[0]


def an_authority(cast: Cast, owner: User) -> tuple[object, ...]:
    return (add_authority(Actor.system(), name="", pem=make_authority(f"Authority of {owner.pk}").pem).pk,)


def an_alert_for_all(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (factories.make_alert(domain, audience="everybody").pk,)


PLANNED = {
    "name": "Purge",
    "owner": "administrator@example.com",
    "kind": "daily",
    "time": "02:30",
    "time_zone": "UTC",
    "missed": "skip",
}


def planned(cast: Cast) -> dict[str, str]:
    return {**PLANNED, "owner": cast.administrator.email}


JOB_ACTIONS = [
    Row(f"jobs:job-{action}", own=403, foreign=403, administrator=303, method="POST", args=a_job)
    for action in ("run", "cancel", "enable", "delete")
]
ALERTS, OPTIONS = Right.MANAGE_ALERTS, Right.MANAGE_OPTIONS
HOOK = {
    "level": "domain",
    "place": "example.org",
    "name": "Hook",
    "url": "https://hooks.example.com",
    "trail": "audit.*",
}

ROWS = [
    for_administrators("jobs:job-list"),
    for_administrators("jobs:run-list"),
    for_administrators("jobs:job-new"),
    for_administrators("jobs:next-runs"),
    for_administrators("jobs:job-create", args=lambda cast, owner: ("PurgeOldTasks",)),
    for_administrators(
        "jobs:job-create", 303, method="POST", args=lambda cast, owner: ("PurgeOldTasks",), data=planned
    ),
    Row("jobs:job-detail", own=403, foreign=403, administrator=200, args=a_job),
    Row("jobs:run-detail", own=403, foreign=403, administrator=200, args=a_run),
    Row("jobs:job-edit", own=403, foreign=403, administrator=200, args=a_job),
    Row("jobs:job-edit", own=403, foreign=403, administrator=303, method="POST", args=a_job, data=planned),
    *JOB_ACTIONS,
    Row("jobs:alert-list", own=200, administrator=200),
    Row("jobs:alert-bulk", own=404, administrator=404),
    Row("jobs:alert-bulk", own=404, administrator=404, method="POST"),
    somewhere("jobs:alert-create", need=ALERTS),
    somewhere("jobs:alert-create", 422, method="POST", need=ALERTS, data={"text": ""}),
    in_domain("jobs:alert-detail", see=ALERTS, args=an_alert, own=200, own_args=an_own_alert),
    in_domain("jobs:alert-detail", see=ALERTS, args=an_alert_for_all, home=200, variant="for everybody"),
    in_domain("jobs:alert-acknowledge", 303, method="POST", see=ALERTS, args=an_alert, own=303, own_args=an_own_alert),
    in_domain("jobs:alert-delete", 303, method="POST", see=ALERTS, need=ALERTS, args=an_alert),
    for_administrators("jobs:authorities"),
    for_administrators("jobs:authorities", 422, method="POST", data={"pem": "nonsense"}),
    Row("jobs:authority-remove", own=404, administrator=303, method="POST", args=an_authority),
    for_administrators("jobs:configuration"),
    for_administrators("jobs:configuration", 422, method="POST", data={"parts": []}),
    for_administrators("jobs:configuration-import", 422, method="POST"),
    for_administrators("jobs:configuration-apply", 404, method="POST", data={"token": "x"}),
    for_administrators("jobs:server-settings"),
    for_administrators("jobs:server-credentials"),
    for_administrators("jobs:server-updates"),
    somewhere("jobs:webhook-list", need=OPTIONS),
    somewhere("jobs:webhook-create", need=OPTIONS),
    somewhere("jobs:webhook-create", 422, method="POST", need=OPTIONS, data=HOOK | {"name": ""}),
    in_domain("jobs:webhook-detail", see=OPTIONS, args=a_webhook),
    in_domain("jobs:webhook-edit", see=OPTIONS, args=a_webhook),
    in_domain("jobs:webhook-edit", 303, method="POST", see=OPTIONS, args=a_webhook, data=HOOK),
    in_domain("jobs:webhook-secret", method="POST", see=OPTIONS, args=a_webhook),
    *(
        in_domain(f"jobs:webhook-{action}", 303, method="POST", see=OPTIONS, args=a_webhook)
        for action in ("switch", "test", "delete")
    ),
    in_domain("jobs:webhook-delivery", see=OPTIONS, args=a_delivery),
    in_domain("jobs:webhook-resend", 303, method="POST", see=OPTIONS, args=a_delivery),
    Row("jobs:approval-list", own=403, administrator=200, delegate=200),
    for_administrators("jobs:approval-switch-off", variant="form"),
    for_administrators("jobs:approval-switch-off", 303, method="POST", data={"reason": "A small team"}),
    about_a_user("jobs:approval-detail"),
    about_a_user("jobs:approval-approve", 303, method="POST", need=Right.MANAGE_USERS),
    about_a_user("jobs:approval-reject", 303, method="POST", need=Right.MANAGE_USERS, data={"answer": "Not yet"}),
    about_a_user("jobs:approval-withdraw", 403, method="POST"),
    somewhere("jobs:report", need=Right.VIEW_REPORTS),
    somewhere("jobs:report-frame", need=Right.VIEW_REPORTS),
    somewhere("jobs:report-text", need=Right.VIEW_REPORTS),
    somewhere("jobs:report-send", 303, need=Right.VIEW_REPORTS, method="POST", data={"timespan": "yesterday"}),
    for_administrators("jobs:log"),
    for_administrators("jobs:log-settings"),
    for_administrators("jobs:log-settings", 422, method="POST", data={"level": "loud"}),
    for_administrators("jobs:monitoring"),
    for_administrators("jobs:monitoring", 303, method="POST", data={"name": "queue_length", "value": "3"}),
    for_administrators("jobs:element-delete", 303, method="POST", args=lambda cast, owner: ("queue_length",)),
    in_domain("jobs:counters", see=Right.VIEW_DOMAINS, args=lambda cast, domain: ("domain", domain.pk)),
    in_domain(
        "jobs:counters-reset",
        303,
        method="POST",
        see=Right.VIEW_DOMAINS,
        need=Right.EDIT_DOMAINS,
        args=lambda cast, domain: ("domain", domain.pk),
    ),
    in_domain("jobs:counters", see=Right.VIEW_USERS, args=a_person_there, variant="of a person"),
    in_domain(
        "jobs:counters-reset",
        303,
        method="POST",
        see=Right.VIEW_USERS,
        need=Right.MANAGE_USERS,
        args=a_person_there,
        variant="of a person",
    ),
    for_administrators("jobs:breach-list"),
    for_administrators("jobs:breach-list", 422, method="POST", data={}),
    for_administrators("jobs:breach-list-index", 303, method="POST"),
    for_administrators("jobs:breach-list-remove", 303, method="POST"),
    for_administrators("jobs:mail-server"),
    for_administrators("jobs:mail-server", method="POST", data={"hostname": ""}, answer=422),
    for_administrators("jobs:mail-server-test", 303, method="POST", data={"recipient": "ada@example.org"}),
    for_administrators("jobs:mail-server-forget", 303, method="POST"),
    for_administrators("jobs:verify-audit", 303, method="POST"),
    Row("jobs:task-list", own=200, administrator=200),
    Row("jobs:task-bulk", own=404, administrator=404),
    Row("jobs:task-bulk", own=404, administrator=404, method="POST"),
    Row("jobs:task-detail", own=200, foreign=404, administrator=200, args=a_waiting_task),
    Row("jobs:task-cancel", method="POST", own=303, foreign=404, administrator=303, args=a_waiting_task),
    Row("jobs:task-start-again", method="POST", own=403, foreign=404, administrator=303, args=a_failed_task),
]
