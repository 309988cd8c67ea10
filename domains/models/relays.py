"""Where a domain's mail goes, its DKIM keys, and what its last health check found.

Passwords and private keys are sealed (`config.kit.sealed`): written, never read back by anything but the part that
connects or signs.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.scopes import ScopeRef
from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned
from domains.models.owned import OwnedByDomain
from domains.models.tenants import Domain


class Relay(Versioned):
    """A target SMTP server of a domain ("platform"), with its authentication and remediation settings.

    auth_data and api_data hold what isn't secret; the passwords and client secrets are sealed beside them.
    """

    class Transport(models.TextChoices):
        SMTP = "SMTP", _("SMTP, no encryption")
        ENCRYPT = "SMTPS_ENCRYPT", _("SMTP, encryption required")
        MAY = "SMTPS_MAY", _("SMTP, encrypted where offered")

    class Api(models.TextChoices):
        IMAP = "IMAP", "IMAP"
        EXCHANGE = "EXCHANGE", "Exchange (EWS)"
        O365 = "O365", "Microsoft 365 (Graph)"

    class Auth(models.TextChoices):
        LOCAL = "local", _("Passwords kept here")
        IMAP = "imap", "IMAP"
        LDAP = "ldap", "LDAP"
        OIDC = "oidc", "OpenID Connect"
        ENTRA = "entra", "Microsoft Entra"

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="relays")
    name = models.CharField(_("name"), max_length=200)
    transport_dest = models.CharField(_("server"), max_length=253)
    transport_type = models.CharField(_("protocol"), max_length=20, choices=Transport.choices, default=Transport.MAY)
    transport_port = models.PositiveIntegerField(_("port"), default=25)
    fallback_dest = models.CharField(_("second server"), max_length=253, blank=True, default="")
    fallback_type = models.CharField(
        _("its protocol"), max_length=20, choices=Transport.choices, blank=True, default=""
    )
    fallback_port = models.PositiveIntegerField(_("its port"), null=True, blank=True)
    is_default = models.BooleanField(_("default"), default=False)
    username = models.CharField(_("user name"), max_length=254, blank=True, default="")
    password = SealedTextField(purpose="relay password", blank=True, default="")
    auth_type = models.CharField(_("how people sign in"), max_length=10, choices=Auth.choices, default=Auth.LOCAL)
    auth_data = models.JSONField(default=dict, blank=True)
    auth_secret = SealedTextField(purpose="relay authentication secret", blank=True, default="")
    api_type = models.CharField(_("remediation"), max_length=10, choices=Api.choices, blank=True, default="")
    api_data = models.JSONField(default=dict, blank=True)
    api_secret = SealedTextField(purpose="relay remediation secret", blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OwnedByDomain["Relay"].as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["domain"], condition=Q(is_default=True), name="relay_one_default"),
        ]
        indexes = [models.Index(fields=["domain", "name"], name="relay_by_domain")]

    def __str__(self) -> str:
        return self.name

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()


class DkimKey(Versioned):
    """A key that signs a domain's mail under a selector.

    One of an algorithm is active; others are being published or retired.
    """

    class Algorithm(models.TextChoices):
        RSA_2048 = "rsa2048", "RSA 2048"
        RSA_4096 = "rsa4096", "RSA 4096"
        ED25519 = "ed25519", "Ed25519"
        OTHER = "other", _("Brought along")

    class State(models.TextChoices):
        PENDING = "pending", _("To be published")
        ACTIVE = "active", _("Signs")
        RETIRED = "retired", _("Retired")

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="dkim_keys")
    selector = models.CharField(_("selector"), max_length=100)
    algorithm = models.CharField(_("algorithm"), max_length=10, choices=Algorithm.choices)
    private_key = SealedTextField(purpose="dkim private key")
    public_key = models.TextField()  # Base64, as in the record's p=
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    objects = OwnedByDomain["DkimKey"].as_manager()

    class Meta:
        ordering = ["selector"]
        constraints = [models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once")]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()


class HealthCheck(models.Model):
    """One check of a domain's DNS or of a relay's connectivity, with everything it found."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="health_checks")
    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, null=True, related_name="health_checks")
    performed_at = models.DateTimeField(default=timezone.now)
    severity = models.CharField(max_length=10)  # ok, warning, error, unknown: the worst of its entries
    is_latest = models.BooleanField(default=True)
    entries = models.JSONField(default=list)
    transcript = models.TextField(blank=True, default="")  # of a relay; not for delegated administrators

    objects = OwnedByDomain["HealthCheck"].as_manager()

    class Meta:
        ordering = ["-performed_at", "-pk"]
        indexes = [
            models.Index(fields=["domain", "relay", "-performed_at"], name="health_by_domain"),
            models.Index(fields=["severity", "domain"], condition=Q(is_latest=True), name="health_failing"),
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.performed_at:%Y-%m-%d %H:%M}"

    def scopes(self) -> tuple[ScopeRef, ...]:
        return self.domain.scopes()
