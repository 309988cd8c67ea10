"""Who gets in where: digest mails, and what their links lead to."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from accounts.permissions import Right
from accounts.secrets import new_token, token_hash
from domains.models import Domain
from gateway.digests.making import password_mark
from gateway.models import Digest, DigestLink
from tests.access import Cast, Row, for_administrators, in_domain, public
from tests.domains.factories import make_mailbox_in
from tests.gateway.factories import held_for

NEED = Right.MANAGE_QUARANTINE


def a_domain(cast: Cast, domain: Domain) -> tuple[object, ...]:
    return ("domain", domain.pk)


def a_link(cast: Cast, owner: User) -> tuple[object, ...]:
    """Of a mail to somebody in the domain; whoever has it is let in."""
    box = make_mailbox_in(cast.domain)
    row, token, now = held_for(box), new_token(), timezone.now()
    assert box.user is not None
    DigestLink.objects.create(
        digest=Digest.objects.create(mailbox=box), recipient=row, token_hash=token_hash(token),
        password_mark=password_mark(box.user), expires_at=now + timedelta(days=1),
    )  # fmt: skip
    return (token,)


CHOSEN = {"quarantine_digest": "weekly"}
ROWS = [
    public("gateway:digest-link", args=a_link),
    public("gateway:digest-link", 303, method="POST", args=a_link, data={"do": "clean"}),
    Row("gateway:own-digest", own=200, administrator=200),
    Row("gateway:own-digest", own=303, administrator=303, method="POST", data=CHOSEN),
    Row("gateway:own-digest-preview", own=200, administrator=200),
    Row("gateway:own-digest-send", own=303, administrator=303, method="POST"),
    for_administrators("gateway:server-digest"),
    for_administrators("gateway:server-digest", 303, method="POST", data=CHOSEN),
    in_domain("gateway:digest-settings", need=NEED, args=a_domain),
    in_domain("gateway:digest-settings", 303, method="POST", need=NEED, args=a_domain, data=CHOSEN),
    in_domain("gateway:digest-example", need=NEED, args=a_domain),
    in_domain("gateway:digest-example-send", 303, method="POST", need=NEED, args=a_domain),
]
