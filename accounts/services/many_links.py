"""Links for many people at once, with which each chooses a password: written in sets, shown while they are made.

Links for one person are `passwords`'. What a link looks like is `accounts.links`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit, links, proving
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.membership import beyond
from accounts.models import OneTimeLink, User
from accounts.permissions import Right
from accounts.secrets import new_token, token_hash

Kind = OneTimeLink.Kind


def issue_links(actor: Actor, people: Sequence[User], *, base_url: str | None = None) -> Iterator[tuple[User, str]]:
    """(person, link) of each of these who may sign in: an invitation, or a link for a new password.

    Give a batch of some hundred; it is one transaction. The links are never seen again. Who lacks the right on one of
    them, or holds less than one of them, gets none at all. Raises: Forbidden, ProofNeeded.
    """
    actor.require_writing()
    too_high = beyond(actor, (person.pk for person in people))
    for person in people:
        actor.require(Right.SET_PASSWORDS, person)
        if actor.owns(person):
            actor.require_in_person()
        if person.pk in too_high:
            raise Forbidden(f"{person} holds rights that {actor.label} doesn't")
    proving.require_recent(actor)
    active = [person for person in people if person.is_active]
    now = timezone.now()
    base = (base_url or links.public_url()).rstrip("/")
    rows, shown = [], []
    for person in active:
        kind = Kind.RESET if person.has_usable_password() else Kind.INVITATION
        token = new_token()
        rows.append(
            OneTimeLink(
                kind=kind,
                user=person,
                token_hash=token_hash(token),
                created_at=now,
                expires_at=now + links.LIFETIMES[kind],
            )
        )
        shown.append((person, base + reverse("accounts:link", args=[token])))
    with transaction.atomic():
        OneTimeLink.objects.filter(user__in=active, used_at=None).exclude(kind=Kind.SIGN_IN).delete()
        OneTimeLink.objects.bulk_create(rows)
        audit.record_many(audit.build(actor, f"user.{row.kind}_link", row.user) for row in rows)
    yield from shown
