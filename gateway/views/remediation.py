"""Taking a delivered message out of mailboxes, begun on its passport; what comes of it is a task."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from gateway.errors import GatewayError
from gateway.forms.remediation import ALL, RemediateForm
from gateway.remediating.accounts import account_of
from gateway.remediation_commands import COMMAND, RemediateArguments
from gateway.selectors.tracking import get_passport
from gateway.services.remediation import find_recipients, may_remediate
from jobs.errors import BadArguments
from jobs.services import submit


@require_http_methods(["GET", "HEAD", "POST"])
def remediate(request: ActorRequest, recipient_id: int) -> HttpResponse:
    """What it would touch, in numbers; looking first is a button beside deleting."""
    recipient = get_passport(request.actor, recipient_id)
    request.actor.require(Right.REMEDIATE_MAIL, recipient)
    if not may_remediate(request.actor, recipient):
        toast(request, _("It lies in no mailbox here, so it can't be taken out of one."), "error")
        return redirect_page(request, "gateway:passport", recipient.pk)
    try:
        everybody = len(find_recipients(request.actor, recipient.message.key))
    except GatewayError:
        everybody = 1
    form = RemediateForm(request.POST or None, address=recipient.address, everybody=everybody)
    if request.method == "POST" and form.is_valid():
        whose = "" if form.cleaned_data["whose"] == ALL else recipient.address
        dry_run = request.POST.get("do") != "remove"
        arguments = RemediateArguments(recipient.message.key, form.cleaned_data["reason"], whose, dry_run)
        try:
            task = submit(request.actor, COMMAND, arguments)
            return redirect_page(request, "jobs:task-detail", task.pk)
        except BadArguments as error:
            form.add_error("reason" if error.field == "reason" else None, str(error))
    account = None if recipient.mailbox is None else account_of(recipient.mailbox)
    context = {"recipient": recipient, "message": recipient.message, "form": form, "account": account}
    return render_page(request, "gateway/remediate.html", context)
