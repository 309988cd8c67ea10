"""Mail rules as people keep them: Sieve scripts of the server, of domains and of mailboxes; out-of-office notes; who
was answered when; how folders are told to the servers behind.

Which of an owner's scripts is used is in the row. Not for what scripts mean (`gateway.sieve`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import Versioned
from domains.models import Domain, Mailbox


class SieveScript(Versioned):
    """A named script. Whose it is: the mailbox's, the domain's, or (neither) the server's."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    name = models.CharField(_("name"), max_length=100)
    text = models.TextField(_("script"), blank=True, default="")
    size_bytes = models.PositiveIntegerField(_("size"), default=0)
    is_active = models.BooleanField(_("in use"), default=False)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(domain=None) | Q(mailbox=None), name="gw_script_of_one"),
            models.UniqueConstraint(fields=["mailbox", "name"], condition=~Q(mailbox=None), name="gw_script_of_box"),
            models.UniqueConstraint(fields=["domain", "name"], condition=~Q(domain=None), name="gw_script_of_domain"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(domain=None, mailbox=None), name="gw_script_of_server"
            ),
            models.UniqueConstraint(
                fields=["mailbox"], condition=Q(is_active=True) & ~Q(mailbox=None), name="gw_script_active_mailbox"
            ),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(is_active=True) & ~Q(domain=None), name="gw_script_active_domain"
            ),
            models.UniqueConstraint(
                fields=["is_active"],
                condition=Q(is_active=True, domain=None, mailbox=None),
                name="gw_script_active_server",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def level(self) -> Level:
        if self.mailbox_id is not None:
            return Level.USER
        return Level.SERVER if self.domain_id is None else Level.DOMAIN

    def scopes(self) -> tuple[ScopeRef, ...]:
        if self.mailbox is not None:
            return self.mailbox.scopes()
        return (SERVER,) if self.domain is None else self.domain.scopes()


class OutOfOffice(Versioned):
    """What is answered while somebody is away, in plain words; it works beside their rules, and as Sieve."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.CASCADE, related_name="+")
    is_on = models.BooleanField(_("answers"), default=False)
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ends_on = models.DateField(_("until"), null=True, blank=True)
    subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    inside = models.TextField(_("text for people of the domain"), max_length=5000, blank=True, default="")
    answers_outside = models.BooleanField(_("answers others too"), default=True)
    outside = models.TextField(_("text for others"), max_length=5000, blank=True, default="")
    days = models.PositiveSmallIntegerField(_("again after days"), default=7)

    def __str__(self) -> str:
        return str(self.mailbox)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.mailbox.scopes()


class VacationAnswer(models.Model):
    """Somebody was answered, and isn't again until then (RFC 5230 §4.2)."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="+", db_index=False)
    handle = models.CharField(max_length=64)
    address = models.CharField(max_length=320)
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "handle", "address"], name="gw_answered_once"),
        ]
        indexes = [models.Index(fields=["until"], name="gw_answered_until")]

    def __str__(self) -> str:
        return self.address


class RuleSettings(Versioned):
    """What rules may do, of a domain or (without one) of the server, which counts where a domain has none."""

    class Folders(models.TextChoices):
        HEADER = "header", _("in a header only")
        DETAIL = "detail", _("in the address too: name+folder@…")

    domain = models.OneToOneField(Domain, on_delete=models.CASCADE, null=True, related_name="+")
    folders = models.CharField(_("how folders are told"), max_length=8, choices=Folders.choices, default=Folders.HEADER)
    most_redirects = models.PositiveSmallIntegerField(_("a message is sent on at most"), default=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=Q(domain=None), name="gw_rule_settings_of_server")
        ]

    def __str__(self) -> str:
        return str(self.domain or _("Server"))

    def scopes(self) -> tuple[ScopeRef, ...]:
        return (SERVER,) if self.domain is None else self.domain.scopes()
