"""Hashing the clear-text passwords of an import, some at a time; each sealed value goes when its hash is kept."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.db import transaction
from django.utils import timezone

from accounts import options, password_age
from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import PendingPassword


def hash_pending(actor: Actor, *, progress: Callable[[int], None], stop: Callable[[], bool]) -> int:
    """Hash what waits; how many. A stopped run goes on where it was. Raises: Forbidden."""
    actor.require(Right.MANAGE_SERVER)
    done = 0
    while not stop():
        pending = PendingPassword.objects.select_related("user").order_by("pk").first()
        if pending is None:
            break
        hashed = make_password(pending.password.reveal())
        with transaction.atomic():
            gone, _by_model = PendingPassword.objects.filter(pk=pending.pk).delete()
            if gone:  # somebody else's run may have been here, or the person chose another one meanwhile
                without = User.objects.filter(pk=pending.user_id, password__startswith=UNUSABLE_PASSWORD_PREFIX)
                wanted = bool(options.value(password_age.AFTER_RESET, pending.user))
                without.update(password=hashed, password_changed_at=timezone.now(), password_wanted=wanted)
        done += 1
        progress(done)
    return done
