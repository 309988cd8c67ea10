"""Following messages in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from config.kit import nav


def register() -> None:
    nav.register(
        "gateway",
        _("Follow messages"),
        "gateway:tracking",
        "map",
        right=Right.TRACK_MAIL,
        order=10,
        words=_("message tracking passport where is my mail"),
    )
    nav.register(
        "gateway",
        _("My messages"),
        "gateway:own-mail",
        "inbox-stack",
        audience="user",
        order=20,
        words=_("received sent verdict"),
    )
