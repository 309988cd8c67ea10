"""Whose mail rules somebody may see: their own, those of a domain or a mailbox, the server's.

A place is named in addresses and in the API by one word: "own", "server", "domain-5", "user-7" (the mailbox's number).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404

from accounts.actors import Actor
from accounts.permissions import EndUserRight, Right
from accounts.scopes import SERVER
from domains.models import Domain, Mailbox
from domains.selectors import get_domain, get_mailbox, mailbox_of
from gateway.keeping.reading import kept_of
from gateway.models import Recipient, SieveScript
from gateway.services.mail_rules.scripts import Owner, may_change, of_owner

WORD = r"own|server|domain-[0-9]{1,12}|user-[0-9]{1,12}"
MOST_OFFERED = 25


@dataclass(frozen=True, slots=True)
class Place:
    """Whose rules they are, and what whoever looks may do there."""

    word: str
    owner: Owner
    may_change: bool

    @property
    def is_own(self) -> bool:
        return self.word == "own"

    @property
    def domain(self) -> Domain | None:
        return self.owner if isinstance(self.owner, Domain) else None

    @property
    def mailbox(self) -> Mailbox | None:
        return self.owner if isinstance(self.owner, Mailbox) else None


def get_place(actor: Actor, word: str) -> Place:
    """Raises: Http404, Forbidden."""
    if not re.fullmatch(WORD, word):
        raise Http404("no such place")
    kind, _dash, number = word.partition("-")
    owner: Owner = None
    match kind:
        case "own":
            if actor.user is None or actor.acting is not None:
                raise Http404("nobody's own")
            actor.require_own(EndUserRight.MANAGE_RULES)
            owner = mailbox_of(actor.user)
            if owner is None:
                raise Http404("no mailbox")
        case "domain":
            owner = get_domain(actor, int(number), need=Right.VIEW_POLICIES)
        case "user":
            owner = get_mailbox(actor, int(number), need=Right.VIEW_POLICIES)
        case _:
            actor.require(Right.VIEW_POLICIES, SERVER)
    return Place(word, owner, may_change(actor, owner))


def list_scripts(place: Place) -> QuerySet[SieveScript]:
    """All scripts of a place, the one in use first."""
    return of_owner(place.owner).order_by("-is_active", "name", "pk")


def get_script(place: Place, script_id: int) -> SieveScript:
    """Raises: Http404."""
    found = (
        of_owner(place.owner).select_related("mailbox__user", "mailbox__domain", "domain").filter(pk=script_id).first()
    )
    if found is None:
        raise Http404("no such script")
    return found


def own_messages(actor: Actor, place: Place) -> list[Recipient]:
    """The person's last messages whose bytes are still there, to try rules on."""
    if not place.is_own:
        return []
    rows = Recipient.objects.own(actor).filter(direction="incoming").select_related("message")
    found = rows.defer("decision", "message__facts").order_by("-received_at", "-pk")[:MOST_OFFERED]
    return [row for row in found if kept_of(row) is not None]
