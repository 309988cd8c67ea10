"""The mails about approvals: to who could decide when something is asked, to who asked when it is decided."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import links
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from config.kit import branding, mailing
from jobs import two_people
from jobs.approvals import MAIL, ApprovalMailArguments
from jobs.commands import command
from jobs.errors import BadArguments
from jobs.models import Approval
from jobs.running import TaskRun

TEMPLATES = {
    "asked": "mails/approval_asked.txt",
    "approved": "mails/approval_decided.txt",
    "rejected": "mails/approval_decided.txt",
    "expired": "mails/approval_decided.txt",
    "emergency": "mails/approval_emergency.txt",
}


@command(MAIL, needs=Right.MANAGE_SERVER, arguments=ApprovalMailArguments, label=gettext_lazy("Mail about an approval"))
def mail_about_approval(actor: Actor, run: TaskRun, arguments: ApprovalMailArguments) -> dict[str, object]:
    """Tell who could approve something that it was asked, or who asked how it was decided."""
    actor.require(Right.MANAGE_SERVER)
    approval = Approval.objects.select_related("requester").filter(pk=arguments.approval).first()
    if approval is None or arguments.news not in TEMPLATES:
        raise BadArguments(_("There is no such request."))
    if not mailing.is_configured():
        run.log("no mail server is configured; nobody was told by mail", "warning")
        return {"sent": 0}
    sent = 0
    for person in _readers(approval, arguments.news):
        try:
            _send(person, approval, arguments.news)
            sent += 1
        except mailing.NotSent as error:
            run.log(f"{person.email}: {error}", "warning")
    return {"sent": sent}


def _readers(approval: Approval, news: str) -> list[User]:
    if news == "asked":
        return two_people.others(approval.need, approval, approval.requester)
    if news == "emergency":
        return list(User.objects.filter(is_administrator=True, is_active=True).order_by("email"))
    return [] if approval.requester is None or not approval.requester.is_active else [approval.requester]


def _send(person: User, approval: Approval, news: str) -> None:
    brand = branding.of_person(person, person.language or settings.LANGUAGE_CODE)
    context = {
        "person": person,
        "approval": approval,
        "link": links.public_url() + reverse("jobs:approval-detail", args=[approval.pk]),
        "brand": brand,
    }
    mailing.send(person.email, TEMPLATES[news], context, language=person.language, name=person.name, sender=brand.name)
