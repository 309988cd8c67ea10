"""How messages are inspected: one row for the server; without it the defaults count (the built-in scorer, no clamd)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class Scanning(Versioned):
    """Which scanners look at messages, where they are, and what happens when one doesn't answer."""

    class Spam(models.TextChoices):
        NONE = "none", _("Nobody")
        BUILT_IN = "builtin", _("The built-in scorer")
        RSPAMD = "rspamd", _("rspamd")

    class Virus(models.TextChoices):
        NONE = "none", _("Nobody")
        CLAMD = "clamd", _("clamd")

    class Down(models.TextChoices):
        DELIVER = "deliver", _("Go on without, and say so in a header")
        REFUSE = "refuse", _("Refuse for now; the sending server tries again")

    spam_scanner = models.CharField(_("who looks for spam"), max_length=10, choices=Spam.choices, default=Spam.BUILT_IN)
    rspamd_url = models.CharField(_("address of rspamd"), max_length=300, default="http://127.0.0.1:11333")
    rspamd_learn_url = models.CharField(_("address of rspamd's controller"), max_length=300, blank=True, default="")
    rspamd_password = SealedTextField(purpose="rspamd password", blank=True, default="")
    spam_timeout_s = models.PositiveIntegerField(_("waits for its answer"), default=10)
    spam_when_down = models.CharField(
        _("when it doesn't answer"), max_length=8, choices=Down.choices, default=Down.DELIVER
    )
    virus_scanner = models.CharField(
        _("who looks for viruses"), max_length=10, choices=Virus.choices, default=Virus.NONE
    )
    clamd_address = models.CharField(_("address of clamd"), max_length=300, default="127.0.0.1:3310")
    virus_timeout_s = models.PositiveIntegerField(_("waits for its answer"), default=30)
    virus_when_down = models.CharField(
        _("when it doesn't answer"), max_length=8, choices=Down.choices, default=Down.REFUSE
    )
    authenticate = models.BooleanField(_("checks SPF, DKIM, DMARC and ARC"), default=True)
    dns_timeout_s = models.PositiveIntegerField(_("waits for DNS"), default=8)
    dns_when_down = models.CharField(
        _("when DNS doesn't answer"), max_length=8, choices=Down.choices, default=Down.DELIVER
    )
    verify_senders = models.BooleanField(_("asks senders' servers whether they exist"), default=False)
    authserv_id = models.CharField(_("our name in results"), max_length=253, blank=True, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="gw_scanning_one_row")]

    def __str__(self) -> str:
        return str(_("Scanners"))
