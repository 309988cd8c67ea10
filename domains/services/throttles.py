"""Throttles: how much may come or go in a period. Stored and resolved here; the gateway counts and enforces them."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.permissions import Right
from config.kit.versions import ChangedMeanwhile, change
from domains.errors import Invalid
from domains.models import Domain, Mailbox, Throttle

LONGEST_PERIOD_S = 31 * 86_400
LARGEST = 1 << 60
_VALUES = ("max_messages", "max_bytes", "max_message_bytes")


def get_throttle(scope: Domain | Mailbox | None, direction: str) -> Throttle | None:
    """What is set on exactly this level (None: the server). The caller asked whether the actor may see it."""
    return Throttle.objects.filter(_on(scope), direction=direction).first()


def effective_throttle(mailbox: Mailbox, direction: str) -> Throttle | None:
    """The one that counts for a mailbox: its own, its domain's, the server's."""
    found = Throttle.objects.filter(
        Q(mailbox=mailbox) | Q(domain_id=mailbox.domain_id) | Q(domain=None, mailbox=None), direction=direction
    )
    return min(found, key=lambda each: (each.mailbox_id is None, each.domain_id is None), default=None)


def above(scope: Domain | Mailbox | None, direction: str) -> Throttle | None:
    """What counts on a level that sets nothing itself."""
    if isinstance(scope, Mailbox):
        own = get_throttle(scope.domain, direction)
        return own or get_throttle(None, direction)
    return get_throttle(None, direction) if scope is not None else None


def set_throttle(
    actor: Actor,
    scope: Domain | Mailbox | None,
    *,
    direction: str,
    period_s: int,
    limits: Mapping[str, int | None],
    expected: int | None = None,
) -> Throttle:
    """Set the throttle of a level: at least one of max_messages, max_bytes, max_message_bytes within `period_s`.

    What `limits` doesn't name is unlimited. Raises: Forbidden, Invalid, ChangedMeanwhile.
    """
    actor.require(Right.MANAGE_THROTTLES, scope)
    _check(direction, period_s, limits)
    values = {name: limits.get(name) for name in _VALUES} | {"period_s": period_s}
    with transaction.atomic():
        throttle = get_throttle(scope, direction)
        if throttle is None:
            throttle = _make(scope, direction, values)
            changes: dict[str, tuple[object, object]] = {name: (None, value) for name, value in values.items() if value}
        else:
            changes = change(throttle, values, expected=expected)
        if changes:
            audit.record(actor, "throttle.set", throttle, changes=changes, direction=direction)
    return throttle


def remove_throttle(actor: Actor, scope: Domain | Mailbox | None, *, direction: str) -> bool:
    """Back to what the level above says; whether there was one. Raises: Forbidden."""
    actor.require(Right.MANAGE_THROTTLES, scope)
    with transaction.atomic():
        throttle = get_throttle(scope, direction)
        if throttle is None:
            return False
        audit.record(actor, "throttle.remove", throttle, direction=direction)
        throttle.delete()
    return True


def _make(scope: Domain | Mailbox | None, direction: str, values: Mapping[str, int | None]) -> Throttle:
    owner = {"domain": scope} if isinstance(scope, Domain) else {"mailbox": scope} if scope is not None else {}
    try:
        with transaction.atomic():
            return Throttle.objects.create(direction=direction, **owner, **values)
    except IntegrityError as error:
        raise ChangedMeanwhile("somebody set this throttle at the same moment") from error


def _on(scope: Domain | Mailbox | None) -> Q:
    if isinstance(scope, Domain):
        return Q(domain=scope)
    return Q(mailbox=scope) if scope is not None else Q(domain=None, mailbox=None)


def _check(direction: str, period_s: int, limits: Mapping[str, int | None]) -> None:
    if direction not in Throttle.Direction.values:
        raise Invalid(_("The direction is inbound or outbound."), field="direction")
    if not 1 <= period_s <= LONGEST_PERIOD_S:
        raise Invalid(_("The period is 1 second to 31 days."), field="period")
    for name, value in limits.items():
        if name not in _VALUES:
            raise Invalid(_("There is no limit of this name."), field=name)
        if value is not None and not 0 <= value <= LARGEST:
            raise Invalid(_("A limit is a number from 0 up, or empty for none."), field=name)
    if all(value is None for value in limits.values()):
        raise Invalid(_("Set at least one limit: messages, sizes, or the largest message."), field="max_messages")
