"""What the pages of one kind of object share: header, state, facts, the way back. Tabs register themselves."""

from __future__ import annotations

from typing import Any

from django.forms import Form
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.requests import ActorRequest
from config.kit import nav
from config.kit.objects import ObjectPage
from config.kit.templatetags.kit import number
from domains.errors import DomainsError
from domains.models import Domain, Mailbox


def domain_page(request: ActorRequest, domain: Domain, **header: Any) -> ObjectPage:
    """The frame of every page of a domain."""
    count = domain.mailbox_count
    facts = [ngettext("%(count)s mailbox", "%(count)s mailboxes", count) % {"count": number(count)}]
    if domain.customer is not None:
        facts.insert(0, str(domain.customer))
    values = {
        "name": domain.display_name,
        "state": domain.status,
        "state_label": domain.get_status_display(),
        "facts": facts,
        "crumbs": [(_("Domains"), url)] if (url := nav.address("domains:domain-list")) else [],
    }
    return ObjectPage.of(request, "domain", domain, **values | header)


def mailbox_page(request: ActorRequest, mailbox: Mailbox, **header: Any) -> ObjectPage:
    """The frame of every page of a mailbox and its person."""
    values = {
        "name": mailbox.address,
        "state": mailbox.status,
        "state_label": mailbox.get_status_display(),
        "facts": [mailbox.name] if mailbox.name else [],
        "crumbs": [(_("Users"), url)] if (url := nav.address("domains:user-list")) else [],
    }
    return ObjectPage.of(request, "user", mailbox, **values | header)


def refuse(form: Form, error: DomainsError, fields: dict[str, str] | None = None) -> None:
    """Put what a service refused onto the form: at its field where the form has it, else on top."""
    name = (fields or {}).get(error.field, error.field.replace("_data.", "_").replace(".", "_").lower())
    form.add_error(name if name in form.fields else None, str(error))
