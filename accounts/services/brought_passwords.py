"""Passwords that come along from another system: set as they are, for who may set them.

The rules are for passwords that people choose here. A tool that carries people over from elsewhere can't choose: their
mail programs know the old password, and would knock in vain with a better one. Not for pages.
"""

from __future__ import annotations

from django.db import transaction

from accounts import audit, proving
from accounts.actors import Actor
from accounts.errors import BadPassword
from accounts.models import OneTimeLink, User
from accounts.services.password_keeping import keep
from accounts.services.passwords import require_setting
from accounts.services.sessions import drop_sessions

LONGEST = 1_000


def bring_password(actor: Actor, user: User, *, password: str) -> None:
    """Set somebody's password, weak as it may be. Raises: Forbidden, BadPassword (none, or none that can be typed)."""
    require_setting(actor, user)
    proving.require_recent(actor)
    if not password or len(password) > LONGEST or not password.isprintable():
        raise BadPassword(["A password of 1 to 1,000 printable characters."])
    with transaction.atomic():
        keep(user, password)
        OneTimeLink.objects.filter(user=user, used_at=None).delete()
        drop_sessions([user.pk], keep=actor.session_id)
        audit.record(actor, "user.set_password", user, brought=True)
