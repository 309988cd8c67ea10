"""The commands that send a misjudged message to those who look after the filters (`gateway.services.spamfight`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from gateway.errors import GatewayError
from gateway.learning import Verdict
from gateway.services import spamfight
from gateway.services.held import require_handling
from jobs.commands import About, command
from jobs.errors import BadArguments
from jobs.running import TaskRun

SPAM, CLEAN = "SendSpamfightSpamMail", "SendSpamfightCleanMail"


@dataclass(frozen=True, slots=True)
class SpamfightArguments:
    """Which message; of whom, where it isn't one's own."""

    message: Annotated[str, About(_("Message"), _("Its key, as in its passport, or its Message-ID."))]
    recipient: Annotated[str, About(_("Recipient"), _("Empty: one's own mailbox."))] = ""


def _check(actor: Actor, arguments: SpamfightArguments, verdict: Verdict) -> None:
    """What is known before it runs. Raises: BadArguments, Forbidden."""
    try:
        row = spamfight.find_recipient(actor, arguments.message, arguments.recipient)
        require_handling(actor, row)
        spamfight.address_for(row, verdict)
    except GatewayError as error:
        raise BadArguments(str(error), field=error.field or "message") from error


def _check_spam(actor: Actor, arguments: SpamfightArguments) -> None:
    _check(actor, arguments, Verdict.SPAM)


def _check_clean(actor: Actor, arguments: SpamfightArguments) -> None:
    _check(actor, arguments, Verdict.CLEAN)


def _send(actor: Actor, arguments: SpamfightArguments, verdict: Verdict) -> dict[str, object]:
    row = spamfight.find_recipient(actor, arguments.message, arguments.recipient)
    sent = spamfight.send(actor, row, verdict)
    return {"message": row.message.key, "sent_as": sent.key, "to": spamfight.address_for(row, verdict)}


@command(
    SPAM, needs=None, arguments=SpamfightArguments, label=_("Send missed spam to the filters' keepers"),
    check=_check_spam, plannable=False,
)  # fmt: skip
def send_spamfight_spam_mail(actor: Actor, run: TaskRun, arguments: SpamfightArguments) -> dict[str, object]:
    """Report a message as spam, and send it to the address that collects missed spam."""
    return _send(actor, arguments, Verdict.SPAM)


@command(
    CLEAN, needs=None, arguments=SpamfightArguments, label=_("Send what was no spam to the filters' keepers"),
    check=_check_clean, plannable=False,
)  # fmt: skip
def send_spamfight_clean_mail(actor: Actor, run: TaskRun, arguments: SpamfightArguments) -> dict[str, object]:
    """Report a message as no spam, and send it to the address that collects such mail."""
    return _send(actor, arguments, Verdict.CLEAN)
