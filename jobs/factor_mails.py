"""The mail that tells somebody that something about their second factors changed. Not for what changes: `accounts`."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mails
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from config.kit import mailing
from jobs.commands import command
from jobs.errors import BadArguments
from jobs.models import Task
from jobs.running import TaskRun
from jobs.services import submit

NOTICE = "SendSecondFactorNotice"


@dataclass(frozen=True, slots=True)
class NoticeArguments:
    """To whom (a person's number), what happened (a key of `mails.NOTICES`), and who did it."""

    user: int
    what: str
    by: str = ""


def post(user: User, what: str, by: str) -> Task:
    """Have somebody told, by the house itself."""
    return submit(Actor.system(), NOTICE, NoticeArguments(user.pk, what, by))


@command(
    NOTICE,
    needs=Right.MANAGE_SERVER,
    arguments=NoticeArguments,
    label=gettext_lazy("Mail about a second factor"),
    plannable=False,
)
def send_second_factor_notice(actor: Actor, run: TaskRun, arguments: NoticeArguments) -> dict[str, object]:
    """Tell somebody by mail that something about their second factors changed."""
    actor.require(Right.MANAGE_SERVER)
    user = User.objects.filter(pk=arguments.user).first()
    if user is None or arguments.what not in mails.NOTICES:
        raise BadArguments(_("There is no such person, or no such news."))
    if not mailing.is_configured():
        run.log("no mail server is configured; nobody was told by mail", "warning")
        return {"sent": 0}
    mails.send_notice(user, arguments.what, by=arguments.by, at=Task.objects.get(pk=run.task_id).created_at)
    return {"sent": 1}
