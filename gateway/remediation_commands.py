"""The command that takes a delivered message out of mailboxes: of a page, a shell, and POST /tasks of the Cleanmail API
(`remediate_message`). Rules are `gateway.services.remediation`'s."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.permissions import Right
from gateway.errors import GatewayError
from gateway.services.held import clean_reason
from gateway.services.remediation import Result, find_recipients, remediate
from jobs.commands import About, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

COMMAND = "RemediateMessage"


@dataclass(frozen=True, slots=True)
class RemediateArguments:
    """Which message, out of whose mailbox (all that got it, where none is named), and why."""

    message: Annotated[str, About(_("Message"), _("Its key, as in its passport, or its Message-ID."))]
    reason: Annotated[str, About(_("Reason"), _("It is kept in the passport, which the owner sees."))]
    recipient: Annotated[str, About(_("Recipient"), _("Empty: everybody who got it and whom you look after."))] = ""
    dry_run: Annotated[bool, About(_("Only look"), _("Says where it is and deletes nothing."))] = False


def check(actor: Actor, arguments: RemediateArguments) -> None:
    """What is known before it runs. Raises: BadArguments."""
    try:
        clean_reason(arguments.reason, needed=True)
        find_recipients(actor, arguments.message, arguments.recipient)
    except GatewayError as error:
        raise BadArguments(str(error), field=error.field or "message") from error


@command(
    COMMAND, needs=Right.REMEDIATE_MAIL, arguments=RemediateArguments, label=_("Take a message out of mailboxes"),
    check=check, plannable=False,
)  # fmt: skip
def remediate_message(actor: Actor, run: TaskRun, arguments: RemediateArguments) -> dict[str, object]:
    """Delete a delivered message from the mailboxes of those who got it, by IMAP."""
    rows = find_recipients(actor, arguments.message, arguments.recipient)
    done: list[Result] = []

    def told(result: Result) -> None:
        done.append(result)
        run.log(f"{result.recipient}: {result.outcome.value} {result.problem}".strip())
        if result.not_looked_into:
            said = ngettext(
                "%(address)s: %(count)d folder of others was not looked into.",
                "%(address)s: %(count)d folders of others were not looked into.",
                result.not_looked_into,
            )
            run.log(said % {"count": result.not_looked_into, "address": result.recipient})
        run.progress(len(done), len(rows), "mailboxes")

    remediate(actor, rows, reason=arguments.reason, dry_run=arguments.dry_run, stop=run.stopping, told=told)
    result: dict[str, object] = {
        "dry_run": arguments.dry_run,
        "counts": dict(Counter(each.outcome.value for each in done)),
        "recipients": [asdict(each) for each in done],
    }
    if run.stopping():
        raise run.cancelled(result)
    return result
