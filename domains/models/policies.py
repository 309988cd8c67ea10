"""What happens to a domain's mail, as data: policies and the rules beside them. The gateway applies them.

The values of a policy's four services are kept as JSON objects with the fields of `domains.policy.policy`; that package
checks them. A rule belongs to a domain, or (sender rules) to one mailbox.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ScopeRef
from config.kit.versions import Versioned
from domains.models.addresses import Mailbox
from domains.models.owned import OwnedByDomain
from domains.models.tenants import Domain


class Policy(Versioned):
    """A named set of service switches and values; a domain has a default one, a mailbox may have another."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(_("name"), max_length=200)
    incoming = models.BooleanField(_("incoming"), default=True)
    outgoing = models.BooleanField(_("outgoing"), default=False)
    quarantine = models.BooleanField(_("quarantine"), default=False)
    retention = models.BooleanField(_("retention"), default=False)
    archive = models.BooleanField(_("archive"), default=False)
    mail_size_limit_mb = models.PositiveIntegerField(_("largest message"), default=21)
    spam_score = models.FloatField(_("spam from this score"), default=5.0)
    relay_props = models.JSONField(default=dict)
    quarantine_props = models.JSONField(null=True)
    retention_props = models.JSONField(null=True)
    archive_props = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OwnedByDomain["Policy"].as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["domain", "name"], name="policy_name_once")]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()


class Rule(Versioned):
    """What the kinds of rules have in common."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="%(class)ss")
    description = models.CharField(_("description"), max_length=1000, blank=True, default="")
    is_enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()


class SenderRule(Rule):
    """Allow, block or protect a sender: for a domain, or for one mailbox of it."""

    class Type(models.TextChoices):
        ALLOW = "allow", _("Allow")
        BLOCK = "block", _("Block")
        PROTECTED = "protected", _("Protected")

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, blank=True, related_name="sender_rules")
    value = models.CharField(_("sender"), max_length=254)  # an address, a domain, or .domain for what is below it
    type = models.CharField(_("what happens"), max_length=10, choices=Type.choices)
    spf_required = models.BooleanField(_("only if SPF passes"), null=True, blank=True)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)

    objects = OwnedByDomain["SenderRule"].as_manager()

    class Meta:
        ordering = ["value", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "value", "type"], condition=Q(mailbox=None), name="sender_rule_once_domain"
            ),
            models.UniqueConstraint(
                fields=["mailbox", "value", "type"], condition=~Q(mailbox=None), name="sender_rule_once_mailbox"
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "mailbox", "value", "id"], name="sender_rule_by_value"),
            models.Index(fields=["expires_at"], condition=~Q(expires_at=None), name="sender_rule_expiring"),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} {self.value}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes() if self.mailbox is None else self.mailbox.scopes()


class OrderedRule(Rule):
    """A rule with a place in the order; 1 comes first."""

    priority = models.PositiveIntegerField(_("place"), default=1)

    class Meta:
        abstract = True


class AttachmentRule(OrderedRule):
    """Deny or allow attachments by name or type, also inside archives."""

    class Action(models.TextChoices):
        DENY = "deny", _("Deny")
        ALLOW = "allow", _("Allow")

    class Check(models.TextChoices):
        FILENAME = "filename", _("Name")
        CONTENTTYPE = "contenttype", _("Type")
        ARCHIVE_FILENAME = "archive-filename", _("Name inside an archive")
        ARCHIVE_CONTENTTYPE = "archive-contenttype", _("Type inside an archive")

    action = models.CharField(_("what happens"), max_length=10, choices=Action.choices)
    check_type = models.CharField(_("what is looked at"), max_length=20, choices=Check.choices)
    filter = models.CharField(_("regular expression"), max_length=2000)

    objects = OwnedByDomain["AttachmentRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["domain", "action", "check_type", "filter"], name="attachment_rule_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.filter}"


class UriRule(OrderedRule):
    """How addresses of web pages in a mail count."""

    class Action(models.TextChoices):
        SKIP = "uridnsbl_skip_domain", _("Don't look it up")
        ALLOW = "whitelist_uri_host", _("Lower the spam score")
        BLOCK = "blacklist_uri_host", _("Raise the spam score")

    action = models.CharField(_("what happens"), max_length=30, choices=Action.choices)
    filter = models.CharField(_("regular expression"), max_length=2000)

    objects = OwnedByDomain["UriRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [models.UniqueConstraint(fields=["domain", "action", "filter"], name="uri_rule_once")]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.filter}"


class DlpRule(OrderedRule):
    """What must not leave: an expression looked for in what the domain's people send."""

    identifier = models.CharField(_("id"), max_length=100)
    expression = models.CharField(_("regular expression"), max_length=2000)
    explanation = models.CharField(_("explanation"), max_length=1000, blank=True, default="")
    targets_sender = models.BooleanField(_("look at the sender"), default=False)
    targets_recipients = models.BooleanField(_("look at the recipients"), default=False)
    targets_content = models.BooleanField(_("look at the content"), default=True)

    objects = OwnedByDomain["DlpRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [models.UniqueConstraint(fields=["domain", "identifier"], name="dlp_rule_once")]

    def __str__(self) -> str:
        return self.identifier
