"""Actors and mailboxes that more than one of these tests has."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.models import Grant, User
from accounts.scopes import ScopeRef
from domains.models import Domain, Mailbox
from tests.domains.factories import make_mailbox_in


def actor_of(user: User | None) -> Actor:
    """The person as a fresh request has them."""
    assert user is not None
    return Actor.for_user(User.objects.get(pk=user.pk))


def chief_in(domain: Domain) -> Mailbox:
    """The mailbox of a system administrator."""
    mailbox = make_mailbox_in(domain, "chief")
    User.objects.filter(mailbox=mailbox).update(is_administrator=True)
    return Mailbox.objects.select_related("user", "claim", "domain").get(pk=mailbox.pk)


def grant(mailbox: Mailbox, role: str, scope: ScopeRef) -> None:
    """Give the person of a mailbox a role."""
    assert mailbox.user is not None
    Grant.objects.create(user=mailbox.user, role_key=role, level=scope.level, object_id=scope.id)
