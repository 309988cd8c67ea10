"""What a mailbox has beside its mail: absence note, information, preferences, rights of others, pulls.

The gateway and the clients act on these; here they are kept, checked and shown.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ScopeRef
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned
from domains.models.addresses import Mailbox


class MailboxProfile(Versioned):
    """One row for a mailbox that has any of it."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.CASCADE, related_name="profile")
    account_type = models.CharField(_("type"), max_length=40, blank=True, default="")
    information = models.JSONField(default=dict, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    absence_on = models.BooleanField(_("answer while away"), default=False)
    absence_from = models.DateField(_("from"), null=True, blank=True)
    absence_until = models.DateField(_("until"), null=True, blank=True)
    absence_subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    absence_text = models.TextField(_("text"), max_length=10_000, blank=True, default="")

    def __str__(self) -> str:
        return str(self.mailbox)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.mailbox.scopes()


class AccountRight(models.Model):
    """What somebody else may do with a mailbox: the letters of RFC 4314, for a mailbox of ours or for anyone."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="account_rights")
    grantee = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, related_name="rights_elsewhere")
    letters = models.CharField(max_length=20)  # null grantee: anyone who is signed in

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "grantee"], nulls_distinct=False, name="account_right_once")
        ]

    def __str__(self) -> str:
        return f"{self.grantee or 'anyone'}: {self.letters}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.mailbox.scopes()


class RemotePull(Versioned):
    """An account elsewhere whose mail is fetched into a mailbox."""

    class Protocol(models.TextChoices):
        POP3 = "pop3", "POP3"
        IMAP = "imap", "IMAP"

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="pulls")
    name = models.CharField(_("name"), max_length=100)
    protocol = models.CharField(_("protocol"), max_length=5, choices=Protocol.choices)
    host = models.CharField(_("server"), max_length=253)
    port = models.PositiveIntegerField(_("port"))
    use_tls = models.BooleanField(_("encrypted"), default=True)
    username = models.CharField(_("user name"), max_length=254)
    password = SealedTextField(purpose="remote pull password")
    remote_folder = models.CharField(_("folder there"), max_length=200, blank=True, default="INBOX")
    folder = models.CharField(_("folder here"), max_length=200, blank=True, default="INBOX")
    every_minutes = models.PositiveIntegerField(_("every"), default=15)
    leave_there = models.BooleanField(_("leave the mail there"), default=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["mailbox", "name"], name="pull_name_once")]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.mailbox.scopes()
