"""The command that gives mail away which is nobody's here."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.permissions import Right
from archive.services import unclaimed
from archive.services.unclaimed import GiveArguments
from jobs.commands import command
from jobs.running import TaskRun


@command(
    unclaimed.COMMAND,
    needs=Right.MANAGE_STORES,
    arguments=GiveArguments,
    label=_("Mail of nobody given away"),
    two_people=unclaimed.plan,
)
def give_unclaimed_mail(actor: Actor, run: TaskRun, arguments: GiveArguments) -> dict[str, object]:
    """Give mail that is nobody's here to the mailboxes it names, or all of it to one, which takes two people."""
    return unclaimed.give_mail(actor, run, arguments)
