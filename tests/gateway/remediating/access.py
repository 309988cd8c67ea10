"""Who gets in where: taking delivered mail out of mailboxes."""

from __future__ import annotations

from accounts.permissions import Right
from domains.models import Domain
from gateway.models import Recipient
from tests.access import Cast, in_domain
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import file_for

SEE, NEED = Right.TRACK_MAIL, Right.REMEDIATE_MAIL


def a_delivered_one(cast: Cast, domain: Domain) -> tuple[object, ...]:
    row = file_for(make_mailbox_in(domain))
    Recipient.objects.filter(pk=row.pk).update(state=Recipient.State.DELIVERED)
    return (row.pk,)


ROWS = [
    in_domain("gateway:remediate", see=SEE, need=NEED, args=a_delivered_one),
    in_domain(
        "gateway:remediate", 303, method="POST", see=SEE, need=NEED, args=a_delivered_one,
        data={"whose": "one", "reason": "phishing", "do": "look"},
    ),
]  # fmt: skip
