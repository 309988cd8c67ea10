"""Secrets for APOP: a person's own, made by themselves or at the shell; sealed, since the protocol needs it in clear.

Nobody has one until it is made; without any, the banner has no challenge and clients send passwords.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress, Forbidden
from accounts.models import User
from api.communigate.models import ApopSecret

BYTES = 18


def new_secret(actor: Actor, person: User) -> str:
    """A new secret in place of the one before; shown once. For the person and the shell only. Raises: Forbidden."""
    _require(actor, person)
    secret = secrets.token_urlsafe(BYTES)
    with transaction.atomic():
        row, _made = ApopSecret.objects.get_or_create(person=person, defaults={"secret": secret})
        row.secret = secret
        row.save(update_fields=["secret"])
        audit.record(actor, "apop.set", person)
    return secret


def remove_secret(actor: Actor, person: User) -> bool:
    """Whether there was one. Raises: Forbidden."""
    _require(actor, person)
    with transaction.atomic():
        gone, _kinds = ApopSecret.objects.filter(person=person).delete()
        if gone:
            audit.record(actor, "apop.remove", person)
    return bool(gone)


def forget(people: Collection[int]) -> int:
    """Delete these people's, for who asked the right (`accounts.services.other_secrets`); how many there were."""
    gone, _kinds = ApopSecret.objects.filter(person__in=people).delete()
    return gone


def has_any() -> bool:
    return ApopSecret.objects.exists()


def is_secret_of(person: User, secret: str) -> bool:
    """Whether it still is theirs."""
    row = ApopSecret.objects.filter(person=person).first()
    return row is not None and secrets.compare_digest(row.secret.reveal().encode(), secret.encode())


def secret_of(name: str) -> tuple[User | None, str]:
    """(person, secret) of an address; (None, something random) for whoever has none, so that both cost the same."""
    try:
        email = str(parse_address(name))
    except BadAddress:
        email = ""
    row = ApopSecret.objects.select_related("person").filter(person__email=email).first()
    if row is None:
        return None, secrets.token_urlsafe(BYTES)
    return row.person, row.secret.reveal()


def _require(actor: Actor, person: User) -> None:
    if actor.kind != "console":
        actor.require_in_person()
        if not actor.owns(person):
            raise Forbidden("a secret is for the person themselves")
