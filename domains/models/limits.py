"""Limits that hang on more than one level: the server's quotas, and throttles.

Quotas of a domain and a mailbox are fields of theirs. Throttles are stored here; the gateway enforces them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Level
from accounts.scopes import ScopeRef
from config.kit.versions import Versioned
from domains.models.addresses import Mailbox
from domains.models.tenants import Domain, limit_field


class ServerQuota(Versioned):
    """What counts where neither the mailbox nor its domain says otherwise. One row; without it all is unlimited."""

    quota_bytes = limit_field(_("quota of a mailbox"))
    quota_messages = limit_field(_("messages in a mailbox at most"))
    sieve_quota_bytes = limit_field(_("Sieve quota"))

    class Meta:
        constraints = [models.CheckConstraint(name="server_quota_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(_("The server's quotas"))


class Throttle(Versioned):
    """How much may come or go in a period, for the server, a domain, or a mailbox. The most specific one counts."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", _("Incoming")
        OUTBOUND = "outbound", _("Outgoing")

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, blank=True, related_name="throttles")
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, blank=True, related_name="throttles")
    direction = models.CharField(_("direction"), max_length=10, choices=Direction.choices)
    period_s = models.PositiveIntegerField(_("period"))
    max_messages = models.PositiveBigIntegerField(_("messages at most"), null=True, blank=True)
    max_bytes = models.PositiveBigIntegerField(_("sizes at most, added up"), null=True, blank=True)
    max_message_bytes = models.PositiveBigIntegerField(_("largest message"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="throttle_one_level", condition=Q(domain=None) | Q(mailbox=None)),
            models.UniqueConstraint(
                fields=["direction"], condition=Q(domain=None, mailbox=None), name="throttle_once_server"
            ),
            models.UniqueConstraint(
                fields=["domain", "direction"], condition=~Q(domain=None), name="throttle_once_domain"
            ),
            models.UniqueConstraint(
                fields=["mailbox", "direction"], condition=~Q(mailbox=None), name="throttle_once_mailbox"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_direction_display()}: {self.mailbox or self.domain or _('server')}"

    @property
    def level(self) -> Level:
        return Level.USER if self.mailbox_id else Level.DOMAIN if self.domain_id else Level.SERVER

    def scopes(self) -> tuple[ScopeRef, ...]:
        if self.mailbox is not None:
            return self.mailbox.scopes()
        return self.domain.scopes() if self.domain is not None else ()
