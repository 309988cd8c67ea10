"""What the app that knows domains writes about the people who belong to one: names, address, and that they leave.

The rights on the mailbox are asked there; here only that nobody changes somebody who holds more than they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import Field

from accounts import audit, following, holdings
from accounts.actors import Actor
from accounts.errors import AddressTaken, Forbidden
from accounts.models import Grant, OneTimeLink, User
from accounts.permissions import Level
from accounts.scopes import ScopeRef
from accounts.services import leaving
from accounts.services.grants import relabel
from config.kit import versions

EDITABLE = ("name", "first_name", "last_name", "language")


def require_dominance(actor: Actor, user: User | None) -> None:
    """Nobody edits, renames, shuts out or forwards the mail of who holds more. Raises: Forbidden."""
    if user is not None and not actor.dominates(user):
        raise Forbidden(f"{user} holds rights that {actor.label} doesn't")


def beyond(actor: Actor, user_ids: Iterable[int]) -> frozenset[int]:
    """Those of these people who hold something that the actor doesn't; a few queries however many they are."""
    if actor.dominates_everybody:
        return frozenset()
    wanted = set(user_ids)
    found = set(User.objects.filter(pk__in=wanted, is_administrator=True).values_list("pk", flat=True))
    grants: dict[int, list[Grant]] = {}
    for grant in holdings.grants_in_force().filter(user_id__in=wanted - found):
        grants.setdefault(grant.user_id, []).append(grant)
    for user_id, held in grants.items():
        if not all(actor.covers(each) for each in holdings.from_grants(held)):
            found.add(user_id)
    return frozenset(found)


def edit_person(actor: Actor, user: User, values: Mapping[str, str]) -> versions.Changes:
    """Set names and language of somebody. Call it inside a transaction. Raises: Forbidden, ValidationError."""
    require_dominance(actor, user)
    unknown = set(values) - set(EDITABLE)
    if unknown:
        raise ValueError(f"not for this: {', '.join(sorted(unknown))}")
    for name, value in values.items():
        field = user._meta.get_field(name)
        assert isinstance(field, Field)
        field.clean(value, user)
    changes = versions.change(user, values)
    if changes:
        audit.record(actor, "user.edit", user, changes=changes)
        following.told(user)
    return changes


def readdress(actor: Actor, user: User, email: str) -> None:
    """The person signs in with another address (canonical) from now on; password and sessions stay.

    Links sent to the old address stop working. Call it inside a transaction. Raises: Forbidden, AddressTaken.
    """
    require_dominance(actor, user)
    old = user.email
    if old == email:
        return
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(email=email)
    except IntegrityError as error:
        raise AddressTaken(email) from error
    user.email = email
    OneTimeLink.objects.filter(user=user, used_at=None).delete()
    relabel(user)
    audit.record(actor, "user.rename", user, changes={"email": (old, email)})
    following.told(user)


def leave(actor: Actor, user: User) -> None:
    """Somebody's mailbox is gone for good: their account goes with it, and the rights it had.

    A system administrator stays one; who did something that must stay provable stays as a name. Call it inside a
    transaction.
    """
    if not user.is_administrator:
        Grant.objects.filter(user=user).delete()
        audit.record(actor, "user.delete", user)
    leaving.leave_many(User.objects.filter(pk=user.pk), ScopeRef(Level.USER, user.pk))
