"""The command that purges a deleted user before their date, which takes two people."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from domains.models import Mailbox, Status
from domains.services.aliases import aliases_of
from domains.services.purging import COMMAND, purge_mailbox, require_purging
from jobs.commands import command
from jobs.dry_runs import Plan
from jobs.errors import BadArguments
from jobs.running import TaskRun


@dataclass(frozen=True, slots=True)
class PurgeDeletedUserArguments:
    """Whose: the address."""

    user_name: str


def _mailbox(actor: Actor, address: str) -> Mailbox:
    """Raises: BadArguments for a user who isn't deleted, isn't there, or isn't the actor's; Forbidden."""
    visible = Mailbox.objects.visible_to(actor, Right.MANAGE_USERS).select_related("domain", "user", "claim")
    found = visible.filter(address=address.strip().lower(), status=Status.DELETED).first()
    if found is None:
        raise BadArguments(_("There is no deleted user “%(address)s”.") % {"address": address}, field="user_name")
    return found


def _plan(actor: Actor, arguments: PurgeDeletedUserArguments) -> Plan | None:
    mailbox = _mailbox(actor, arguments.user_name)
    if not require_purging(actor, mailbox):
        return None
    aliases = 0 if mailbox.claim is None else aliases_of(mailbox).count()
    numbers = [
        (1, _("address that is free for others then")),
        (int(mailbox.user is not None), _("person's account")),
        (aliases, ngettext("alias", "aliases", aliases)),
    ]
    shown = [(count, what) for count, what in numbers if count]
    return Plan(mailbox.address, shown, mailbox, _("Archived mail stays."))


@command(
    COMMAND,
    needs=Right.MANAGE_USERS,
    arguments=PurgeDeletedUserArguments,
    label=gettext_lazy("Purge of a deleted user"),
    two_people=_plan,
)
def purge_deleted_user(actor: Actor, run: TaskRun, arguments: PurgeDeletedUserArguments) -> dict[str, object]:
    """Remove a deleted user for good, before their date; archived mail stays."""
    mailbox = _mailbox(actor, arguments.user_name)
    purge_mailbox(actor, mailbox, approved=run.approved)
    return {"user": mailbox.address}
