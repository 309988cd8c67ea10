"""The frame around the pages of this app's objects: header, tabs, and what a page may offer. Not for whole pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import places
from accounts.models import User
from accounts.permissions import LEVEL_LABELS, Level
from accounts.requests import ActorRequest
from accounts.scopes import SERVER, ScopeRef
from accounts.selectors.administrators import sees_system_administrators
from config.kit.nav import Text
from config.kit.objects import ObjectPage

Header = Callable[[Any, Any], ObjectPage | None]  # of (request, object); None: it has none of its own
_headers: dict[Level, Header] = {}
KINDS = {Level.BROKER: "broker", Level.CUSTOMER: "customer", Level.DOMAIN: "domain", Level.USER: "person"}


def register_header(level: Level, header: Header) -> None:
    """The app that knows a level's objects draws the header of their pages, also of those that are ours."""
    _headers[level] = header


def person_page(request: ActorRequest, person: User) -> ObjectPage:
    """The header of a person's pages: their mailbox's, where an app knows one."""
    drawn = _headers[Level.USER](request, person) if Level.USER in _headers else None
    if drawn is not None:
        return drawn
    state, label, tone = person_state(person)
    told = person.is_administrator and (request.actor.owns(person) or sees_system_administrators(request.actor))
    role = _("System administrator") if told else ""
    return ObjectPage.of(
        request,
        "person",
        person,
        name=person.display_name,
        state=state,
        state_label=label,
        tone=tone,
        facts=[fact for fact in (person.email if person.name else "", role) if fact],
        crumbs=[(_("Accounts"), reverse("accounts:user-list"))],
    )


def scope_page(request: ActorRequest, scope: ScopeRef, obj: Any) -> ObjectPage:
    """The header of any scope's pages: its kind's tabs, and the way back to it."""
    if isinstance(obj, User):
        return person_page(request, obj)
    if scope == SERVER:
        return ObjectPage.of(request, "server", obj, name=_("Server"))
    drawn = _headers[scope.level](request, obj) if scope.level in _headers else None
    if drawn is not None:
        return drawn
    page = places.url_of(scope)
    crumbs = [(LEVEL_LABELS[scope.level], page)] if page else []
    return ObjectPage.of(request, KINDS[scope.level], obj, name=str(obj), crumbs=crumbs)


def person_state(person: User) -> tuple[str, Text, str]:
    """(state, word, tone) of somebody's account."""
    if not person.is_active:
        return "disabled", _("Shut out"), "bad"
    if not person.has_usable_password():
        return "pending", _("Not yet signed in"), "warn"
    return "active", _("Active"), "good"
