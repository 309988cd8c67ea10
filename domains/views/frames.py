"""What the pages of one kind of object share: header, state, facts, the way back. Tabs register themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit.objects import ObjectPage
from config.kit.templatetags.kit import day, number
from config.kit.versions import CHANGED_MEANWHILE, ChangedMeanwhile
from domains.errors import DomainsError
from domains.models import Customer, Domain, Mailbox, Status
from domains.tables.mailboxes import TONES
from domains.tenant_wording import customer_state, domain_state


def customer_page(request: ActorRequest, customer: Customer, **header: Any) -> ObjectPage:
    """The frame of every page of a customer."""
    state, count = customer_state(customer), customer.domain_count
    facts = [ngettext("%(count)s domain", "%(count)s domains", count) % {"count": number(count)}]
    if customer.external_id:
        facts.append(customer.external_id)
    may_edit = request.actor.has(Right.MANAGE_CUSTOMERS, customer)
    values = {
        "name": customer.name,
        "state": state.key,
        "state_label": state.label,
        "tone": state.tone,
        "facts": facts,
        "crumbs": [(_("Customers"), reverse("domains:customer-list"))],
        "edit_url": reverse("domains:customer-edit", args=[customer.pk]) if may_edit else "",
    }
    return ObjectPage.of(request, "customer", customer, **values | header)


def domain_page(request: ActorRequest, domain: Domain, **header: Any) -> ObjectPage:
    """The frame of every page of a domain: the state that counts, whose it is, and when it is purged."""
    state, count = domain_state(domain), domain.mailbox_count
    facts = [ngettext("%(count)s mailbox", "%(count)s mailboxes", count) % {"count": number(count)}]
    if domain.customer is not None:
        facts.insert(0, str(domain.customer))
    if domain.name != domain.display_name:
        facts.append(domain.name)
    if domain.status == Status.DELETED and domain.purge_at is not None:
        facts.append(_("purged on %(date)s") % {"date": day(domain.purge_at)})
    values = {
        "name": domain.display_name,
        "state": state.key,
        "state_label": state.label,
        "tone": state.tone,
        "facts": facts,
        "crumbs": [(_("Domains"), reverse("domains:domain-list"))],
    }
    return ObjectPage.of(request, "domain", domain, **values | header)


def mailbox_page(request: ActorRequest, mailbox: Mailbox, **header: Any) -> ObjectPage:
    """The frame of every page of a mailbox and its person: name, domain, and when it is purged."""
    facts = [fact for fact in (mailbox.name, mailbox.domain.display_name) if fact]
    is_deleted = mailbox.status == Status.DELETED
    if is_deleted and mailbox.purge_at is not None:
        facts.append(_("purged on %(date)s") % {"date": day(mailbox.purge_at)})
    may_edit = not is_deleted and request.actor.has(Right.MANAGE_USERS, mailbox)
    values = {
        "name": mailbox.address,
        "state": mailbox.status,
        "state_label": mailbox.get_status_display(),
        "tone": TONES.get(mailbox.status, ""),
        "facts": facts,
        "crumbs": [(_("Users"), reverse("domains:user-list"))],
        "edit_url": reverse("domains:user-edit", args=[mailbox.pk]) if may_edit else "",
    }
    return ObjectPage.of(request, "user", mailbox, **values | header)


@contextmanager
def refusing(form: Form, fields: dict[str, str] | None = None) -> Iterator[None]:
    """Save and answer in this block; what a service refuses goes onto the form, and what follows the block shows it.

    `fields` says which field of the form shows what the service calls otherwise: {"members": "recipients"}.
    """
    try:
        yield
    except DomainsError as error:
        refuse(form, error, fields)
    except ChangedMeanwhile:
        form.add_error(None, str(CHANGED_MEANWHILE))


def refuse(form: Form, error: DomainsError, fields: dict[str, str] | None = None) -> None:
    """Put what a service refused onto the form: at its field where the form has it, else on top."""
    whole = (fields or {}).get(error.field, error.field.replace("_data.", "_").replace(".", "_").lower())
    names = (whole, error.field.partition(".")[0])
    form.add_error(next((name for name in names if name in form.fields), None), str(error))
