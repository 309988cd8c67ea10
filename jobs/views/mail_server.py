"""The server by which our own mails leave: its settings, a test mail, and back to the environment's."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import ActorRequest
from config.kit.pages import redirect_page, render_page, toast
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from jobs import mail_server, services
from jobs.errors import BadArguments
from jobs.mail_server_commands import TestSmtpSettingsArguments
from jobs.mail_server_forms import MailServerForm, TestMailForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: ActorRequest) -> HttpResponse:
    row = mail_server.get_mail_server(request.actor)
    form = MailServerForm(request.POST or None, initial=MailServerForm.initial_of(row))
    if request.method == "POST" and form.is_valid():
        try:
            mail_server.set_mail_server(request.actor, form.values(), expected=form.cleaned_data["version"])
        except BadArguments as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except ChangedMeanwhile:
            form.add_error(None, str(CHANGED_MEANWHILE))
        else:
            toast(request, _("The mail server is saved. Send a test mail to see whether it takes mails."))
            return redirect_page(request, "jobs:mail-server")
    own = request.actor.user.email if request.actor.user is not None else ""
    context = {
        "form": form,
        "row": row,
        "environment": None if row is not None else mail_server.environment_server(),
        "test_form": TestMailForm(initial={"recipient": next(iter(row.recipients if row else []), own)}),
    }
    return render_page(request, "jobs/mail_server.html", context)


@require_POST
def test(request: ActorRequest) -> HttpResponse:
    """Send a test mail, as a task whose page shows what was said."""
    mail_server.get_mail_server(request.actor)
    form = TestMailForm(request.POST)
    if not form.is_valid():
        toast(request, _("This is not an e-mail address."), "error")
        return redirect_page(request, "jobs:mail-server")
    arguments = TestSmtpSettingsArguments(form.cleaned_data["recipient"])
    return redirect_page(request, "jobs:task-detail", services.submit(request.actor, "TestSmtpSettings", arguments).pk)


@require_POST
def forget(request: ActorRequest) -> HttpResponse:
    mail_server.forget_mail_server(request.actor)
    toast(request, _("The settings are forgotten."))
    return redirect_page(request, "jobs:mail-server")
