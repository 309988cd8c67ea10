"""Who gets in where: following messages."""

from __future__ import annotations

from accounts.permissions import Right
from domains.models import Domain
from tests.access import Cast, Row, in_domain, somewhere
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import file_for


def a_message_in(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return (file_for(make_mailbox_in(domain)).pk,)


ROWS = [
    somewhere("gateway:tracking", need=Right.TRACK_MAIL),
    Row("gateway:own-mail", own=200, administrator=200),
    in_domain("gateway:passport", see=Right.TRACK_MAIL, args=a_message_in),
]
