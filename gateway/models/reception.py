"""How mail comes in, as an administrator sets it: IP lists, the router table, certificates.

The gateway's processes keep them in memory and hear from the database when they change (`gateway.directory`).
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.kit.sealed import SealedTextField
from config.kit.versions import Versioned


class IpEntry(models.Model):
    """An address or network and what it means. `expires_at`: it counts until then; None: until it is removed.

    CLIENT: ours; may send from every domain we serve. DENIED: no conversation at all. BLACKLISTED: may write only to
    postmasters. BLOCKED: comes again later, usually for a while only. WHITE_HOLE: whatever the other lists say, it is
    none of them. Source: communigate.md (Client, Denied, Blacklisted, WhiteHole and temporarily blocked addresses).
    """

    class List(models.TextChoices):
        CLIENT = "client", pgettext_lazy("IP list", "Client")
        DENIED = "denied", pgettext_lazy("IP list", "Denied")
        BLACKLISTED = "blacklisted", pgettext_lazy("IP list", "Blacklisted")
        BLOCKED = "blocked", pgettext_lazy("IP list", "Blocked for now")
        WHITE_HOLE = "white_hole", pgettext_lazy("IP list", "White hole")

    list = models.CharField(_("list"), max_length=12, choices=List.choices)
    network = models.CharField(_("address or network"), max_length=43)  # canonical: 192.0.2.0/24, 2001:db8::1/128
    comment = models.CharField(_("comment"), max_length=200, blank=True, default="")
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["list", "network"]
        constraints = [models.UniqueConstraint(fields=["list", "network"], name="gw_ip_once")]
        indexes = [
            models.Index(fields=["expires_at"], condition=~Q(expires_at=None), name="gw_ip_due"),
            models.Index(fields=["network", "id"], name="gw_ip_by_network"),
        ]

    def __str__(self) -> str:
        return self.shown

    @property
    def shown(self) -> str:
        """As people write it: a single address without its mask."""
        return self.network.removesuffix("/32" if ":" not in self.network else "/128")


class RouterRule(Versioned):
    """A line of the router table. The first one that fits an address counts; REWRITE goes on with the new address.

    pattern: `ada@example.org`, `*@example.org`, `sales-*@example.org`, `*@*.example.org`; target: an address where `*`
    stands for what stood there (REWRITE), host:port (RELAY), what is answered (REFUSE), nothing (DISCARD), the networks
    that may send reports (JOURNAL).
    """

    class Kind(models.TextChoices):
        REWRITE = "rewrite", _("goes to another address")
        RELAY = "relay", _("leaves through a server")
        REFUSE = "refuse", _("is refused")
        DISCARD = "discard", _("is thrown away")
        JOURNAL = "journal", _("is archived as a journal report")

    position = models.PositiveIntegerField(_("position"))
    pattern = models.CharField(_("address"), max_length=320)
    kind = models.CharField(_("what happens"), max_length=10, choices=Kind.choices)
    target = models.CharField(_("target"), max_length=320, blank=True, default="")
    comment = models.CharField(_("comment"), max_length=200, blank=True, default="")
    is_enabled = models.BooleanField(_("in use"), default=True)

    class Meta:
        ordering = ["position", "pk"]
        indexes = [models.Index(fields=["position", "id"], name="gw_route_in_order")]

    def __str__(self) -> str:
        return f"{self.pattern} {self.kind} {self.target}".strip()


class Certificate(Versioned):
    """What the gateway shows when a connection is encrypted, for the names in it (SNI); the default for all others.

    Either kept here (chain and sealed key) or read from files, which are looked at again when they change.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    is_default = models.BooleanField(_("for every other name"), default=False)
    is_web = models.BooleanField(_("for the pages"), default=False)
    chain = models.TextField(_("certificate and chain"), blank=True, default="")
    private_key = SealedTextField(purpose="gateway certificate key", blank=True, default="")
    chain_path = models.CharField(_("file of the certificate"), max_length=500, blank=True, default="")
    key_path = models.CharField(_("file of the key"), max_length=500, blank=True, default="")
    hosts = models.JSONField(default=list)  # the names in it, lower case
    issuer = models.CharField(_("issued by"), max_length=300, blank=True, default="")
    fingerprint = models.CharField(max_length=64, blank=True, default="")  # SHA-256 of the certificate
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(_("valid until"), null=True)
    problem = models.CharField(max_length=300, blank=True, default="")  # of a file that can't be read now
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["is_default"], condition=Q(is_default=True), name="gw_certificate_default"),
            models.UniqueConstraint(fields=["is_web"], condition=Q(is_web=True), name="gw_certificate_web"),
        ]

    def __str__(self) -> str:
        return self.name
