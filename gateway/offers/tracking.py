"""Following messages in the navigation."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import nav
from gateway import remediation_commands


def register() -> None:
    assert remediation_commands  # registers its command
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
    sentences.register({"message.remediate": _("Delivered message looked for in a mailbox, to take it out")})
    sentences.register_fields(
        {"copies": _("Copies deleted"), "dry_run": _("Only looked"), "outcome": _("What came of it")}
    )
