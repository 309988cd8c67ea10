"""What happens to a domain's mail, as data: policies and the rules beside them. The gateway applies them.

The values of a policy's four services are kept as JSON objects with the fields of `domains.policy.policy`; that package
checks them. A rule belongs to a domain, or (sender rules) to one mailbox.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.scopes import ScopeRef
from config.kit.versions import Versioned
from domains.models.addresses import Mailbox
from domains.models.owned import OwnedByDomain
from domains.models.tenants import Domain


class Policy(Versioned):
    """A named set of service switches and values; a domain has a default one, a mailbox may have another."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(_("name"), max_length=255)
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
        indexes = [models.Index(fields=["name", "id"], name="policy_by_name")]

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


class SenderRuleQuerySet(OwnedByDomain["SenderRule"]):
    def visible_to(self, actor: Actor, right: str) -> SenderRuleQuerySet:
        """As for what belongs to a domain, and the rules of the mailboxes of persons on whom the right is held."""
        reach = actor.reach(right)
        if reach.everything:
            return self
        within = Q(domain_id__in=reach.domains) | Q(domain__customer_id__in=reach.customers)
        return self.filter(within | Q(mailbox__user_id__in=reach.users) if reach.users else within)


class SenderRule(Rule):
    """Allow, block or protect a sender: for a domain, or for one mailbox of it."""

    class Type(models.TextChoices):
        ALLOW = "allow", _("Allow")
        BLOCK = "block", _("Block")
        PROTECTED = "protected", _("Protected")

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, null=True, blank=True, related_name="sender_rules")
    # an address, a domain, or .domain for that and what is below it; canonical
    value = models.CharField(_("sender"), max_length=254)
    type = models.CharField(_("what happens"), max_length=10, choices=Type.choices)
    spf_required = models.BooleanField(_("only if SPF passes"), default=False)
    display_name = models.CharField(_("name that nobody else may show"), max_length=1000, blank=True, default="")
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)

    objects = SenderRuleQuerySet.as_manager()

    class Meta:
        ordering = ["value", "pk"]
        constraints = [
            models.UniqueConstraint(
                "domain",
                "value",
                "type",
                MD5("display_name"),
                condition=Q(mailbox=None),
                name="sender_rule_once_domain",
            ),
            models.UniqueConstraint(
                "mailbox",
                "value",
                "type",
                MD5("display_name"),
                condition=~Q(mailbox=None),
                name="sender_rule_once_mailbox",
            ),
        ]
        indexes = [
            models.Index(fields=["domain", "mailbox", "value", "id"], name="sender_rule_by_value"),
            models.Index(fields=["value", "id"], name="sender_rule_all_by_value"),
            models.Index(fields=["expires_at"], condition=~Q(expires_at=None), name="sender_rule_expiring"),
            GinIndex(fields=["value"], opclasses=["gin_trgm_ops"], name="sender_rule_parts"),
        ]

    def __str__(self) -> str:
        return self.value

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes() if self.mailbox is None else self.mailbox.scopes()

    @property
    def subdomains(self) -> bool:
        """Whether it is about a domain and everything below it."""
        return self.value.startswith(".")

    @property
    def owner(self) -> str:
        """Whose rule it is: a mailbox's address, or the domain's name."""
        return self.domain.name if self.mailbox is None else self.mailbox.address

    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class Mode(models.TextChoices):
    """How an expression is read; `domains.policy.patterns` runs it."""

    REGEX = "regex", _("Regular expression")
    WILDCARD = "wildcard", _("The whole text, with * and ?")
    TEXT = "text", _("Part of the text, letter by letter")


class UriMode(models.TextChoices):
    """As `Mode`, and for links a host with everything below it."""

    DOMAIN = "domain", _("A host and everything below it")
    REGEX = "regex", _("Regular expression")
    WILDCARD = "wildcard", _("The whole text, with * and ?")
    TEXT = "text", _("Part of the text, letter by letter")


def _expression(label: Any) -> models.CharField[str, str]:
    return models.CharField(label, max_length=4096)


class OrderedRule(Rule):
    """A rule with a place in its domain's order; 1 comes first, and there are no gaps."""

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
    mode = models.CharField(_("how it is read"), max_length=10, choices=Mode.choices, default=Mode.REGEX)
    filter = _expression(_("expression"))

    objects = OwnedByDomain["AttachmentRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [
            models.UniqueConstraint(
                "domain", "action", "check_type", "mode", MD5("filter"), name="attachment_rule_once"
            )
        ]
        indexes = [models.Index(fields=["domain", "priority", "id"], name="attachment_rule_by_place")]

    def __str__(self) -> str:
        return self.filter


class UriRule(OrderedRule):
    """How addresses of web pages in a mail count."""

    class Action(models.TextChoices):
        SKIP = "uridnsbl_skip_domain", _("Don't look it up")
        ALLOW = "whitelist_uri_host", _("Lower the spam score")
        BLOCK = "blacklist_uri_host", _("Raise the spam score")

    action = models.CharField(_("what happens"), max_length=30, choices=Action.choices)
    mode = models.CharField(_("how it is read"), max_length=10, choices=UriMode.choices, default=UriMode.REGEX)
    filter = _expression(_("expression"))

    objects = OwnedByDomain["UriRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [models.UniqueConstraint("domain", "action", "mode", MD5("filter"), name="uri_rule_once")]
        indexes = [models.Index(fields=["domain", "priority", "id"], name="uri_rule_by_place")]

    def __str__(self) -> str:
        return self.filter


class DlpRule(OrderedRule):
    """What must not leave: an expression looked for in what the domain's people send."""

    identifier = models.CharField(_("id"), max_length=200)
    mode = models.CharField(_("how it is read"), max_length=10, choices=Mode.choices, default=Mode.REGEX)
    expression = _expression(_("expression"))
    case_sensitive = models.BooleanField(_("upper and lower case matter"), default=False)
    explanation = models.CharField(_("explanation"), max_length=1000, blank=True, default="")
    targets_sender = models.BooleanField(_("look at the sender"), default=False)
    targets_recipients = models.BooleanField(_("look at the recipients"), default=False)
    targets_content = models.BooleanField(_("look at the content"), default=False)

    objects = OwnedByDomain["DlpRule"].as_manager()

    class Meta:
        ordering = ["priority", "pk"]
        constraints = [models.UniqueConstraint(fields=["domain", "identifier"], name="dlp_rule_once")]
        indexes = [models.Index(fields=["domain", "priority", "id"], name="dlp_rule_by_place")]

    def __str__(self) -> str:
        return self.identifier
