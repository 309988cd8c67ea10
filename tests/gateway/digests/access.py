"""Who gets in where: digest mails, and what their links lead to."""

from __future__ import annotations

from accounts.models import User
from accounts.permissions import Right
from domains.models import Domain
from tests.access import Cast, Row, for_administrators, in_domain, public

NEED = Right.MANAGE_QUARANTINE


def a_domain(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return ("domain", domain.pk)


def nothing(cast: Cast, owner: User) -> tuple[object, ...]:
    return ("no-such-token",)


ROWS = [
    public("gateway:digest-link", 404, args=nothing),
    public("gateway:digest-link", 404, method="POST", args=nothing),
    Row("gateway:own-digest", own=200, administrator=200),
    Row("gateway:own-digest", own=303, administrator=303, method="POST"),
    Row("gateway:own-digest-preview", own=200, administrator=200),
    Row("gateway:own-digest-send", own=303, administrator=303, method="POST"),
    for_administrators("gateway:server-digest"),
    for_administrators("gateway:server-digest", 303, method="POST"),
    in_domain("gateway:digest-settings", need=NEED, args=a_domain),
    in_domain("gateway:digest-settings", 303, method="POST", need=NEED, args=a_domain),
    in_domain("gateway:digest-example", need=NEED, args=a_domain),
    in_domain("gateway:digest-example-send", 303, method="POST", need=NEED, args=a_domain),
]
