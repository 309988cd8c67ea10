"""The states of a mailbox: enabled, disabled, pending; deleted with a date on which it is purged, and back.

Enabled: mail is taken and the person may sign in. Disabled and pending: neither. Deleted: the same, and the address
stays claimed until the purge (`purging`), so that it can be restored. Nothing here touches archived mail.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, options
from accounts.actors import Actor
from accounts.errors import LastAdministrator
from accounts.membership import require_dominance
from accounts.models import User
from accounts.permissions import Right
from accounts.services import disable_user, enable_user
from config.kit import versions
from domains.errors import InUse, Invalid, WrongState
from domains.models import Address, Domain, Mailbox, Status
from domains.services import claims, counting
from domains.services.domain_states import SOONER_TAKES_TWO
from domains.services.mailboxes import NEW_STATUSES, require_serving
from domains.services.readdressing import claim_of, rename_mailbox
from jobs import two_people

DELETION_DAYS = "USER_DELETION_DAYS"
LONGEST_DAYS = 3650
LONGEST_KEPT = 40  # characters of a name before what says that it is deleted; 64 are possible


def set_status(actor: Actor, mailbox: Mailbox, status: str, *, expected: int | None = None) -> versions.Changes:
    """Enable, disable, or set to pending. Raises: Forbidden, Invalid, WrongState, InUse, ChangedMeanwhile."""
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    if status not in NEW_STATUSES:
        raise Invalid(_("A mailbox is set to enabled, disabled or pending."), field="status")
    with transaction.atomic():
        versions.change(mailbox, {}, expected=expected)
        if mailbox.status in (Status.DELETED, Status.PURGED):
            raise WrongState(_("%(address)s is deleted; restore it first.") % {"address": mailbox.address})
        changes = _become(mailbox, status)
        if changes:
            let_in_or_shut_out(actor, mailbox)
            audit.record(actor, "mailbox.set_status", mailbox, changes=changes)
    return changes


def delete_mailbox(
    actor: Actor, mailbox: Mailbox, *, after_days: int | None = None, expected: int | None = None
) -> None:
    """Delete as a state: it takes no mail, its person can't sign in, and in so many days it is purged.

    after_days: as the domain's option says; fewer is for who may change the option. A system administrator stays one
    and goes on signing in. Raises: Forbidden, Invalid, WrongState, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    days = deletion_days(actor, mailbox.domain, after_days)
    now = timezone.now()
    with transaction.atomic():
        versions.change(mailbox, {}, expected=expected)
        if mailbox.status in (Status.DELETED, Status.PURGED):
            raise WrongState(_("%(address)s is deleted already.") % {"address": mailbox.address})
        values = {
            "status_before": mailbox.status, "deleted_at": now, "purge_at": now + timedelta(days=days),
        }  # fmt: skip
        changes = _become(mailbox, Status.DELETED, **values)
        let_in_or_shut_out(actor, mailbox)
        audit.record(actor, "mailbox.delete", mailbox, changes={"status": changes["status"]}, after_days=days)


def deletion_days(actor: Actor, domain: Domain, wanted: int | None) -> int:
    """After how many days what is deleted now is purged. Raises: Invalid."""
    usual = int(options.value(DELETION_DAYS, domain))
    days = usual if wanted is None else wanted
    if not 0 <= days <= LONGEST_DAYS:
        raise Invalid(_("Between 0 and %(days)s days.") % {"days": LONGEST_DAYS}, field="after_days")
    if days < usual and not actor.has(Right.MANAGE_OPTIONS, domain):
        least = _("A deleted user is kept for %(days)s days at least.") % {"days": usual}
        raise Invalid(least, field="after_days")
    if days < usual and two_people.needed(actor, Right.MANAGE_USERS, domain):
        raise Invalid(SOONER_TAKES_TWO % {"days": usual}, field="after_days")
    return days


def restore_mailbox(actor: Actor, mailbox: Mailbox, *, expected: int | None = None) -> None:
    """Back to the state it had when it was deleted. Raises: Forbidden, WrongState, ChangedMeanwhile."""
    actor.require(Right.MANAGE_USERS, mailbox)
    require_dominance(actor, mailbox.user)
    require_serving(mailbox.domain)
    with transaction.atomic():
        versions.change(mailbox, {}, expected=expected)
        if mailbox.status != Status.DELETED:
            raise WrongState(_("%(address)s isn't deleted.") % {"address": mailbox.address})
        status = mailbox.status_before or Status.ENABLED
        changes = _become(mailbox, status, status_before="", deleted_at=None, purge_at=None)
        let_in_or_shut_out(actor, mailbox)
        audit.record(actor, "mailbox.restore", mailbox, changes={"status": changes["status"]})


def set_aside(actor: Actor, mailbox: Mailbox) -> None:
    """Free the addresses of a deleted mailbox without waiting for its purge: it keeps everything under another name.

    It can be restored under that name; its aliases are given up. Archived mail stays with it, so that whoever gets the
    address doesn't get the mail. Raises: Forbidden, WrongState.
    """
    actor.require(Right.MANAGE_USERS, mailbox)
    if mailbox.status != Status.DELETED or (mailbox.user is not None and mailbox.user.is_active):
        raise WrongState(_("%(address)s is in use.") % {"address": mailbox.address})
    with transaction.atomic():
        claim = claim_of(mailbox)
        for alias in Address.objects.filter(kind=Address.Kind.ALIAS, recipients__target=claim).distinct():
            audit.record(actor, "mailbox.remove_alias", mailbox, alias=alias.text)
            claims.release(alias)
        rename_mailbox(actor, mailbox, email=f"{claim.local[:LONGEST_KEPT]}.deleted-{mailbox.pk}@{mailbox.domain.name}")


def let_in_or_shut_out(actor: Actor, mailbox: Mailbox) -> None:
    """The person may sign in exactly as long as the mailbox is enabled; the caller's event says so.

    Raises: InUse (the last administrator).
    """
    user: User | None = mailbox.user
    if user is None or (user.is_administrator and mailbox.status == Status.DELETED):
        return
    wanted = mailbox.status == Status.ENABLED
    if user.is_active == wanted:
        return
    try:
        (enable_user if wanted else disable_user)(actor, user, told=False)
    except LastAdministrator as error:
        raise InUse(_("This is the last administrator who can sign in. Make another one first.")) from error


def _become(mailbox: Mailbox, status: str, **values: object) -> versions.Changes:
    """The row, its claim and the count of enabled ones."""
    was = mailbox.status
    changes = versions.change(mailbox, {"status": status, **values})
    change = (status == Status.ENABLED) - (was == Status.ENABLED)
    if change:
        counting.count_active(mailbox.domain, change)
        Address.objects.filter(mailbox=mailbox).update(is_enabled=status == Status.ENABLED)
    return changes
