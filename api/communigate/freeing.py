"""Names of accounts that were deleted: taken until their purge everywhere else, free at once for scripts, which make
and delete the same names all day. What takes a second person to purge is set aside instead and can be brought back.
Not for names that are in use: services refuse those.
"""

from __future__ import annotations

from accounts.errors import Forbidden
from accounts.permissions import Right
from api.communigate.context import Context
from domains.models import Address, Mailbox, Status
from domains.services import claims, mailbox_states
from domains.services.purging import purge_mailbox
from jobs.errors import NeedsApproval


def make_way(context: Context, address: str) -> None:
    """Where a deleted account has this name, or had it as an alias, it is purged; set aside where that takes more."""
    claim = claims.find(address)
    if claim is not None and claim.kind == Address.Kind.ALIAS:
        leading = claim.recipients.select_related("target").first()
        claim = leading.target if leading is not None else None
    if claim is None or claim.kind != Address.Kind.MAILBOX:
        return
    rows = Mailbox.objects.select_related("domain", "user", "claim").filter(status=Status.DELETED)
    old = rows.filter(claim=claim).first()
    if old is None or not context.actor.has(Right.MANAGE_USERS, old):
        return
    try:
        purge_mailbox(context.actor, old)
    except (Forbidden, NeedsApproval):
        mailbox_states.set_aside(context.actor, old)
