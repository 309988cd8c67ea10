"""What the scanners put into the registries: their place in the navigation, the sentences of their events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from accounts.permissions import Right
from config.kit import nav


def register() -> None:
    nav.register(
        "gateway",
        _("Scanners"),
        "gateway:scanners",
        "shield-check",
        right=Right.MANAGE_GATEWAY,
        order=80,
        words=_("spam virus rspamd clamd SPF DKIM DMARC authentication score"),
    )
    sentences.register({"scanning.update": _("Scanners of the gateway changed")})
    sentences.register_fields(
        {
            "spam_scanner": _("Who looks for spam"),
            "rspamd_url": _("Address of rspamd"),
            "rspamd_learn_url": _("Address of rspamd's controller"),
            "spam_timeout_s": _("Waits for the verdict on spam"),
            "spam_when_down": _("Without a verdict on spam"),
            "virus_scanner": _("Who looks for viruses"),
            "clamd_address": _("Address of clamd"),
            "virus_timeout_s": _("Waits for the verdict on viruses"),
            "virus_when_down": _("Without a verdict on viruses"),
            "authenticate": _("Checks SPF, DKIM, DMARC and ARC"),
            "dns_timeout_s": _("Waits for DNS"),
            "dns_when_down": _("When DNS doesn't answer"),
            "verify_senders": _("Asks senders' servers"),
            "authserv_id": _("Our name in results"),
        }
    )
