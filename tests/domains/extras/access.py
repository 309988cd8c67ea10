"""Who gets in where: what a mailbox has beside its mail."""

from __future__ import annotations

from typing import Any

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Domain
from domains.services import pulls
from tests.access import Cast, in_domain
from tests.domains.factories import make_mailbox_in

PULL: dict[str, Any] = {
    "name": "old", "protocol": "imap", "host": "127.0.0.1", "port": "993", "username": "ada", "password": "x",
    "every_minutes": "15",
}  # fmt: skip


def a_mailbox(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (make_mailbox_in(domain).pk,)


def a_pull(cast: Cast, domain: Domain) -> tuple[object, ...]:
    mailbox = make_mailbox_in(domain)
    values = PULL | {"port": 993, "every_minutes": 15}
    return (mailbox.pk, pulls.create_pull(Actor.system(), mailbox, values).pk)


def of_user(route: str, answer: int = 200, **more: Any) -> Any:
    values: dict[str, Any] = {"see": Right.VIEW_USERS, "args": a_mailbox} | more
    return in_domain(route, answer, **values)


MANAGE = Right.MANAGE_USERS
ROWS = [
    of_user("domains:user-profile"),
    of_user("domains:user-absence", need=MANAGE),
    of_user("domains:user-absence", 303, method="POST", need=MANAGE, data={"on": "on", "text": "Away"}),
    of_user("domains:user-facts", need=MANAGE),
    of_user("domains:user-facts", 303, method="POST", need=MANAGE, data={"information": "Location: Oslo"}),
    of_user("domains:user-preferences", need=MANAGE),
    of_user("domains:user-preferences", 303, method="POST", need=MANAGE, data={"preferences": "timeFormat: 24h"}),
    of_user("domains:user-sharing"),
    of_user("domains:user-rights-of-others", need=MANAGE),
    of_user("domains:user-rights-of-others", 303, method="POST", need=MANAGE, data={"rights": "anyone l"}),
    of_user("domains:pull-create", need=MANAGE),
    of_user("domains:pull-create", 303, method="POST", need=MANAGE, data=PULL),
    of_user("domains:pull-edit", need=MANAGE, args=a_pull),
    of_user("domains:pull-edit", 303, method="POST", need=MANAGE, args=a_pull, data=PULL),
    of_user("domains:pull-try", 303, method="POST", need=MANAGE, args=a_pull),
    of_user("domains:pull-delete", 303, method="POST", need=MANAGE, args=a_pull),
]
