"""What the shell shows of webhooks: navigation, and sentences of the audit trail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts import sentences
from config.kit import nav
from jobs.webhooks import catalogue, delivering
from jobs.webhooks.selectors import NEED


def register() -> None:
    catalogue.register_ours()
    delivering.register()
    nav.register(
        "jobs", _("Webhooks"), "jobs:webhook-list", "bolt", right=NEED, order=45,
        words=_("events notify program HTTP signature"),
    )  # fmt: skip
    sentences.register(
        {
            "webhook.change": _("Webhook changed"),
            "webhook.create": _("Webhook made"),
            "webhook.delete": _("Webhook deleted"),
            "webhook.disable": _("Webhook switched off"),
            "webhook.enable": _("Webhook switched on"),
            "webhook.renew_secret": _("Secret of a webhook renewed"),
            "webhook.resend": _("Event sent to a webhook again"),
            "webhook.stop": _("Webhook switched off by the system, for it took nothing"),
            "webhook.test": _("Test event sent to a webhook"),
        }
    )
    sentences.register_fields({"events": _("Events"), "event": _("Event"), "host": _("Host")})
