"""The commands about the server by which our own mails leave, under the names that archive programs know them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.permissions import Right
from jobs import mail_server
from jobs.commands import About, NoArguments, SecretObject, command
from jobs.errors import JobsError
from jobs.running import TaskRun

Result = dict[str, object]


class MailNotSent(JobsError):
    """The test mail was not taken; `result` has the transcript."""

    def __init__(self, text: str, result: Result) -> None:
        super().__init__(text)
        self.result = result


@dataclass(frozen=True, slots=True)
class SetSmtpSettingsArguments:
    """The whole configuration; a password that is left out stays."""

    settings: SecretObject


@dataclass(frozen=True, slots=True)
class TestSmtpSettingsArguments:
    """To whom; without anybody to the first recipient of notices, else to who asks."""

    recipient: Annotated[str, About(gettext_lazy("Recipient"))] = ""


@command(
    "GetSmtpSettings",
    needs=Right.MANAGE_SERVER,
    arguments=NoArguments,
    label=gettext_lazy("Settings of the mail server"),
)
def get_smtp_settings(actor: Actor, run: TaskRun, arguments: NoArguments) -> Result:
    """Read by which server our own mails leave; never its password."""
    row = mail_server.get_mail_server(actor)
    if row is not None:
        return {**mail_server.as_json(row), "source": "settings"}
    by = mail_server.environment_server()
    if by is None:
        return {"hostname": None, "source": "none"}
    found = {"hostname": by.host, "port": by.port, "protocol": by.security.value, "fromEmailAddress": by.sender}
    return {**found, "source": "environment"}


@command(
    "SetSmtpSettings",
    needs=Right.MANAGE_SERVER,
    arguments=SetSmtpSettingsArguments,
    label=gettext_lazy("Change of the mail server"),
)
def set_smtp_settings(actor: Actor, run: TaskRun, arguments: SetSmtpSettingsArguments) -> Result:
    """Set by which server our own mails leave."""
    return mail_server.as_json(mail_server.set_mail_server(actor, mail_server.from_json(arguments.settings)))


@command(
    "TestSmtpSettings",
    needs=Right.MANAGE_SERVER,
    arguments=TestSmtpSettingsArguments,
    label=gettext_lazy("Test mail"),
)
def test_smtp_settings(actor: Actor, run: TaskRun, arguments: TestSmtpSettingsArguments) -> Result:
    """Send a test mail and write down what was said with the server."""
    to, trial = mail_server.test_mail_server(actor, to=arguments.recipient)
    result: Result = {
        "recipient": to,
        "sent": trial.is_sent,
        "category": None if trial.category is None else str(trial.category),
        "said": trial.text,
        "milliseconds": trial.spent_ms,
        "transcript": list(trial.transcript),
    }
    if trial.category is not None:
        why = f"{trial.category.words} {trial.text}".strip()
        raise MailNotSent(_("The test mail was not sent: %(why)s") % {"why": why}, result)
    return result
