"""The server by which our own mails leave, where people set one: a single row, its password sealed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class MailServer(Versioned):
    """How to send by it, who we are there, and who gets notices where nobody else is named."""

    class Protocol(models.TextChoices):
        PLAIN = "SMTP", _("SMTP, no encryption")
        STARTTLS = "SMTP-TLS", _("SMTP with STARTTLS")
        TLS = "SMTP-SSL", _("SMTP with TLS from the first byte")

    hostname = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"), default=587)
    protocol = models.CharField(_("protocol"), max_length=10, choices=Protocol.choices, default=Protocol.STARTTLS)
    trusts_all = models.BooleanField(_("take any certificate"), default=False)
    signs_in = models.BooleanField(_("sign in"), default=False)
    username = models.CharField(_("user name"), max_length=254, blank=True, default="")
    password = SealedTextField(purpose="mail server password")
    from_name = models.CharField(_("sender's name"), max_length=200, blank=True, default="")
    from_address = models.CharField(_("sender's address"), max_length=254)
    recipients = models.JSONField(_("recipients of notices"), default=list, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="mail_server_one_row")]

    def __str__(self) -> str:
        return f"{self.hostname}:{self.port}"
