"""The headers of object pages, which every tab of an object shows the same way."""

from __future__ import annotations

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import ObjectPage
from domains.models import Mailbox, Status
from domains.tables.mailboxes import TONES

USER = "user"


def user_page(request: ActorRequest, mailbox: Mailbox) -> ObjectPage:
    """The header of a user's pages: address, state, name, domain, when it is purged."""
    facts = [fact for fact in (mailbox.name, mailbox.domain.display_name) if fact]
    if mailbox.status == Status.DELETED and mailbox.purge_at is not None:
        facts.append(_("purged on %(date)s") % {"date": date_format(mailbox.purge_at, "SHORT_DATE_FORMAT")})
    may_edit = request.actor.has(Right.MANAGE_USERS, mailbox) and mailbox.status != Status.DELETED
    return ObjectPage.of(
        request,
        USER,
        mailbox,
        name=mailbox.address,
        state=mailbox.status,
        state_label=mailbox.get_status_display(),
        tone=TONES.get(mailbox.status, ""),
        facts=facts,
        crumbs=[(_("Users"), reverse("domains:user-list"))],
        edit_url=reverse("domains:user-edit", args=[mailbox.pk]) if may_edit else "",
    )
