"""What the scanners put into the registries: the sentences of their events."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences


def register() -> None:
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
