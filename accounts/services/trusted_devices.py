"""Trusted devices: browsers in which the second step isn't asked for, for the days that an option says.

The browser keeps a random value, we its hash. It is bound to the password it was made with, and goes with every change
of password or factors, with the option, and when its person or an administrator revokes it. It never stands in for a
password, nor for proving once more who it is.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import audit, options
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import TrustedDevice, User
from accounts.permissions import Right
from accounts.secrets import new_token, token_hash

OPTION = "TRUSTED_DEVICE_DAYS"
DEVICES_MAX, AGENT_MAX = 50, 300


def stamp_of(user: User) -> str:
    """What changes with the password, and says nothing about it."""
    return salted_hmac("accounts.trusted_devices", f"{user.pk}:{user.password}", algorithm="sha256").hexdigest()


def days_for(user: User) -> int:
    """How long a device of theirs may be trusted; 0: none is."""
    return int(options.value(OPTION, user))


def trust(actor: Actor, user: User, *, agent: str) -> tuple[str, int] | None:
    """Trust the browser that has just passed the second step: its cookie's value, and for how many seconds.

    None where the option lets none be trusted. agent: what the browser says of itself.
    """
    days = days_for(user)
    if days == 0:
        return None
    value, now = new_token(), timezone.now()
    with transaction.atomic():
        TrustedDevice.objects.filter(user=user, expires_at__lt=now).delete()
        kept = TrustedDevice.objects.filter(user=user).values_list("pk", flat=True)[DEVICES_MAX - 1 :]
        TrustedDevice.objects.filter(pk__in=list(kept)).delete()
        TrustedDevice.objects.create(
            user=user,
            token_hash=token_hash(value),
            stamp=stamp_of(user),
            agent=agent.replace("\0", "")[:AGENT_MAX],
            address=actor.address[:45],
            created_at=now,
            last_used_at=now,
            expires_at=now + timedelta(days=days),
        )
        audit.record(actor, "factor.trust_device", user, days=days)
    return value, days * 86400


def is_trusted(user: User, values: list[str]) -> bool:
    """Whether one of these values (a cookie's) is of a device that this person may trust now; notes its use."""
    hashes = [token_hash(each) for each in values]
    now = timezone.now()
    device = TrustedDevice.objects.filter(user=user, token_hash__in=hashes, expires_at__gt=now).first()
    if device is None or not constant_time_compare(device.stamp, stamp_of(user)):
        return False
    days = days_for(user)
    if days == 0 or device.created_at + timedelta(days=days) < now:  # the option became stricter meanwhile
        return False
    TrustedDevice.objects.filter(pk=device.pk).update(last_used_at=now)
    return True


def revoke_device(actor: Actor, device: TrustedDevice) -> None:
    """The second step is asked for there again. Raises: Forbidden."""
    require_over_devices(actor, device.user)
    with transaction.atomic():
        deleted, _rows = TrustedDevice.objects.filter(pk=device.pk).delete()
        if deleted:
            audit.record(actor, "factor.distrust_device", device.user, devices=1)


def revoke_devices(actor: Actor, user: User) -> int:
    """All of a person's; how many there were. Raises: Forbidden."""
    require_over_devices(actor, user)
    with transaction.atomic():
        deleted, _rows = TrustedDevice.objects.filter(user=user).delete()
        if deleted:
            audit.record(actor, "factor.distrust_device", user, devices=deleted)
    return deleted


def require_over_devices(actor: Actor, user: User) -> None:
    """Who may see and revoke them: the person, and who resets their password. Raises: Forbidden."""
    actor.require_writing()
    if actor.acting is not None:
        raise Forbidden("not while acting as somebody")
    if not actor.owns(user):
        actor.require_over(Right.SET_PASSWORDS, user)
    elif actor.allowed is not None and not actor.allowed:
        raise Forbidden("not through a temporary link")
