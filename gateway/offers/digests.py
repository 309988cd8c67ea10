"""Digest mails: options, the clock, tabs and navigation, what their events say."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import clock, nav, tabs
from gateway.digests import command, options


def register() -> None:
    options.register()
    clock.register_chore(command.TICK_S, "ask for digest mails that are due", command.tick)
    clock.register_chore(command.CLEAR_S, "clear away links of digest mails", command.clear)
    need = Right.MANAGE_QUARANTINE
    tabs.register("domain", _("Digest mails"), "gateway:digest-settings", right=need, order=60, args=_of_domain)
    tabs.register("customer", _("Digest mails"), "gateway:digest-settings", right=need, order=60, args=_of_customer)
    tabs.register("user", _("Digest mail"), "gateway:digest-settings", right=need, order=60, args=_of_user)
    nav.register(
        "gateway", _("Digest mails"), "gateway:server-digest", "newspaper", right=Right.MANAGE_SERVER, order=15,
        words=_("quarantine report notification spam summary mail schedule"), under=("gateway:digest-settings",),
    )  # fmt: skip
    nav.register_command(
        _("When my quarantine is mailed to me"), "gateway:own-digest", "newspaper", words=_("digest mail schedule")
    )
    sentences.register(
        {
            "digest.example": _("Example of a digest mail sent"),
            "digest.send": _("Digest mail of one's quarantine sent at once"),
        }
    )
    sentences.register_fields({"items": _("Messages")})


def _of_domain(domain: Any) -> tuple[object, ...]:
    return ("domain", domain.pk)


def _of_customer(customer: Any) -> tuple[object, ...]:
    return ("customer", customer.pk)


def _of_user(mailbox: Any) -> tuple[object, ...]:
    """Of the person; nowhere, where nobody signs in."""
    return ("user", mailbox.user_id)
