"""The headers of our objects, for pages about them that other apps have (rights, options, history)."""

from __future__ import annotations

from typing import Any

from accounts.permissions import Level, Right
from accounts.views.pages import register_header
from config.kit.objects import ObjectPage
from domains import selectors
from domains.views.frames import customer_page, domain_page, mailbox_page


def register() -> None:
    register_header(Level.CUSTOMER, customer_page)
    register_header(Level.DOMAIN, domain_page)
    register_header(Level.USER, _person)


def _person(request: Any, person: Any) -> ObjectPage | None:
    """The page of somebody with a mailbox is the mailbox's."""
    mailbox = selectors.mailbox_of(person)
    if mailbox is None or not request.actor.has(Right.VIEW_USERS, mailbox):
        return None
    return mailbox_page(request, mailbox)
