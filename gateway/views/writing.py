"""Writing a mail: new, or as an answer to one's own; files are sent first and wait beside it."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import Right
from accounts.requests import ActorRequest
from archive.views.doors import archive_page
from config.kit.pages import redirect_page, render_page, toast
from domains.errors import Invalid, LimitReached
from domains.models import Mailbox
from domains.selectors.identities import identities_of
from domains.views.frames import refusing
from gateway.forms.writing import MailForm, TrialForm
from gateway.models import Attachment, Message, Recipient
from gateway.services import attachments, writing
from gateway.services.origins import Origin, origin_of
from gateway.services.trial_mails import send_trial

MOST_FILES = 20


@require_http_methods(["GET", "HEAD", "POST"])
@archive_page
def mail_write(request: ActorRequest) -> HttpResponse:
    attachments.writer(request.actor)
    name = request.POST.get("origin", "") or request.GET.get("reply", "")
    origin = origin_of(request.actor, name) if name else None
    try:
        box = writing.box_of(request.actor)
    except Invalid as error:
        return render_page(request, "gateway/mail_write.html", {"refusal": str(error)})
    files, problems = _files(request)
    is_sending = "send" in request.POST and not problems
    form = MailForm(
        request.POST if is_sending else None, authors=identities_of(box), initial=_initial(request, box, origin)
    )
    if is_sending and form.is_valid():
        sent = _send(request, form, files, origin)
        if sent is not None:
            return _done(request, sent)
    context = {
        "form": form, "files": files, "origin": origin, "problems": problems,
        "most_mb": attachments.MOST_BYTES // 1024 // 1024,
    }  # fmt: skip
    return render_page(request, "gateway/mail_write.html", context, partial="form", status=422 if problems else None)


def _initial(request: ActorRequest, box: Mailbox, origin: Origin | None) -> dict[str, Any]:
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in MailForm.base_fields}
    if origin is None:
        return {"to": request.GET.get("to", "")[:1000], "subject": request.GET.get("subject", "")[:500]}
    others = []
    if request.GET.get("all"):
        mine = {*identities_of(box), *(each.address for each in origin.people)}
        others = [each for each in origin.others if each.address.lower() not in mine]
    return {
        "to": ", ".join(writing.typed(each) for each in origin.people),
        "cc": ", ".join(writing.typed(each) for each in others),
        "subject": origin.reply_subject[:500],
        "text": f"\n\n{origin.quoted()}",
    }


def _files(request: ActorRequest) -> tuple[list[Attachment], list[str]]:
    """The files named in the form that are still there, with those sent now; and what was wrong with these."""
    uids = request.POST.getlist("files")[: 2 * MOST_FILES]
    there = {str(row.pk): row for row in attachments.list_waiting(request.actor).filter(pk__in=_uuids(uids))}
    removed = request.POST.get("drop", "")
    if removed in there:
        attachments.delete_attachment(request.actor, there.pop(removed))
    files, problems = [there[uid] for uid in dict.fromkeys(uids) if uid in there], []
    if any(uid not in there and uid != removed for uid in uids):
        problems.append(_("A file is no longer here: it was sent already, or lay here for too long. Attach it again."))
    more = request.FILES.getlist("more")
    if len(files) + len(more) > MOST_FILES:
        problems.append(_("A mail has at most %(most)d files.") % {"most": MOST_FILES})
    for sent in more[: MOST_FILES - len(files)]:
        try:
            files.append(_taken(request, sent))
        except (Invalid, LimitReached) as error:
            problems.append(f"{sent.name}: {error}")
    return files, problems


def _taken(request: ActorRequest, file: UploadedFile[Any]) -> Attachment:
    """Raises: Invalid, LimitReached."""
    if (file.size or 0) > attachments.MOST_BYTES:
        raise Invalid(_("A file has at most %(most)d MB.") % {"most": attachments.MOST_BYTES // 1024 // 1024})
    return attachments.add_attachment(
        request.actor, name=file.name or "", data=file.read(), content_type=file.content_type or ""
    )


def _uuids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            found.append(UUID(text))
    return found


def _send(request: ActorRequest, form: MailForm, files: list[Attachment], origin: Origin | None) -> Message | None:
    """None: not sent, with the reason in the form."""
    data = form.cleaned_data
    draft = writing.Draft(**data, files=tuple(files), origin=origin)
    try:
        return writing.send_mail(request.actor, draft)
    except (Invalid, LimitReached) as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return None


def _done(request: ActorRequest, sent: Message) -> HttpResponse:
    """To its passport, which tells what became of it."""
    row = Recipient.objects.own(request.actor).filter(message=sent).order_by("-direction", "pk").first()
    is_on_its_way = row is not None and row.state in (Recipient.State.QUEUED, Recipient.State.DELIVERED)
    toast(request, _("The mail is on its way.") if is_on_its_way else _("The mail was not sent on; see why below."))
    return (
        redirect_page(request, "gateway:own-mail")
        if row is None
        else redirect_page(request, "gateway:passport", row.pk)
    )


@require_http_methods(["GET", "HEAD", "POST"])
def mail_trial(request: ActorRequest) -> HttpResponse:
    """A test message to somebody here, to see what rules and relay make of it."""
    request.actor.require_somewhere(Right.MANAGE_FILTERS)
    form = TrialForm(request.POST or None, initial={"to": request.GET.get("to", "")[:320]})
    if request.method == "POST" and form.is_valid():
        with refusing(form):
            sent = send_trial(request.actor, **form.cleaned_data)
            row = Recipient.objects.filter(message=sent).order_by("pk").first()
            if row is not None and request.actor.has(Right.TRACK_MAIL, row):
                return redirect_page(request, "gateway:passport", row.pk)
            toast(request, _("The test message is on its way."))
            return redirect_page(request, "gateway:mail-trial")
    return render_page(request, "gateway/mail_trial.html", {"form": form})
