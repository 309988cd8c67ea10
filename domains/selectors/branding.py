"""The places whose branding an actor may see or change."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.permissions import Level, Right
from accounts.scopes import SERVER
from domains.brands import Place
from domains.selectors.objects import get_customer, get_domain


def get_branded(actor: Actor, level: Level, object_id: int = 0, *, change: bool = False) -> Place:
    """A domain, a customer, or SERVER. Raises: Http404, Forbidden."""
    if level == Level.DOMAIN:
        return get_domain(actor, object_id, need=Right.EDIT_DOMAINS if change else Right.VIEW_DOMAINS)
    if level == Level.CUSTOMER:
        return get_customer(actor, object_id, need=Right.EDIT_DOMAINS if change else Right.VIEW_CUSTOMERS)
    actor.require(Right.MANAGE_SERVER)
    return SERVER
