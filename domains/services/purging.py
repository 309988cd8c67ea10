"""Removing for good what was deleted: the address becomes free, the row and the archived mail stay.

Not for deleting (that is a state, which can be taken back until the purge).
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.membership import leave, require_dominance
from accounts.permissions import Right
from domains.errors import DomainsError, WrongState
from domains.models import Address, Mailbox, Status
from domains.services import claims
from domains.services.readdressing import lock_domains
from jobs import proofs
from jobs.proofs import Approved

BATCH = 500


COMMAND = "PurgeDeletedUser"


def purge_mailbox(actor: Actor, mailbox: Mailbox, *, approved: Approved | None = None) -> None:
    """Purge a deleted mailbox now: its address and aliases are free again, its person's account is gone.

    The row stays, purged, because archived mail hangs on it. Before its date: for who may change how long deleted
    users are kept, and with the approval of a second person. Raises: Forbidden, WrongState, NeedsApproval.
    """
    if require_purging(actor, mailbox):
        proofs.require(actor, approved, COMMAND, subject=mailbox.address, within=mailbox, user_name=mailbox.address)
    with transaction.atomic():
        lock_domains(mailbox.domain)
        locked = Mailbox.objects.select_for_update(of=("self",)).select_related("user", "claim", "domain")
        found = locked.get(pk=mailbox.pk)
        if found.status != Status.DELETED:
            raise WrongState(_("%(address)s isn't deleted.") % {"address": found.address})
        audit.record(actor, "mailbox.purge", found)
        claim, user = found.claim, found.user
        found.claim = found.user = None
        found.status, found.purge_at = Status.PURGED, None
        found.version += 1
        found.save(update_fields=["claim", "user", "status", "purge_at", "version"])
        if claim is not None:
            for alias in Address.objects.filter(kind=Address.Kind.ALIAS, recipients__target=claim).distinct():
                claims.release(alias)
            claims.release(claim)
        if user is not None:
            leave(actor, user)
    mailbox.refresh_from_db()


def require_purging(actor: Actor, mailbox: Mailbox) -> bool:
    """Who may purge this mailbox; true where its date hasn't come. Raises: Forbidden."""
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    early = mailbox.purge_at is None or mailbox.purge_at > timezone.now()
    if early:
        actor.require(Right.MANAGE_OPTIONS, mailbox.domain)
    return early


def purge_due_mailboxes(actor: Actor) -> int:
    """Purge every mailbox whose date has come; how many. One that refuses doesn't hold up the others."""
    purged = 0
    due = Mailbox.objects.filter(status=Status.DELETED, purge_at__lte=timezone.now()).order_by("purge_at")
    for mailbox in due.select_related("domain", "user")[:BATCH]:
        try:
            purge_mailbox(actor, mailbox)
            purged += 1
        except (DomainsError, Forbidden):
            continue
    return purged
