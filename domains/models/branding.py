"""How the service looks to the people of a domain: name, logo, colour, words, and the host names it is shown under.

One row for a domain, a customer or the server that says anything; what is null there is as the level above says. Read
it through `domains.brands`; writing is `services.branding`'s.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Level
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import Versioned
from domains.logos import Kind
from domains.models.tenants import Customer, Domain


class Branding(Versioned):
    """What one level says.

    Texts are {"": the text, "de": the same in German}; support is {"address": …, "text": such a text}.
    """

    domain = models.OneToOneField(Domain, on_delete=models.CASCADE, null=True, related_name="branding")
    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, null=True, related_name="branding")
    name = models.CharField(_("name"), max_length=60, null=True)  # noqa: DJ001  # null inherits
    colour = models.CharField(_("colour"), max_length=7, null=True)  # noqa: DJ001
    greeting = models.JSONField(_("greeting"), null=True)
    support = models.JSONField(_("support"), null=True)

    class Meta:
        verbose_name_plural = _("brandings")
        constraints = [
            models.CheckConstraint(name="branding_of_one", condition=Q(domain=None) | Q(customer=None)),
            models.UniqueConstraint(fields=["domain", "customer"], nulls_distinct=False, name="branding_once"),
        ]

    def __str__(self) -> str:
        return str(self.domain or self.customer or "server")

    @property
    def scope(self) -> ScopeRef:
        """Who says it."""
        if self.domain_id is not None:
            return ScopeRef(Level.DOMAIN, self.domain_id)
        return SERVER if self.customer_id is None else ScopeRef(Level.CUSTOMER, self.customer_id)


class BrandLogo(models.Model):
    """A branding's picture, as `domains.logos` wrote it. `sha256` (of the content, in hexadecimal) is its address."""

    branding = models.OneToOneField(Branding, on_delete=models.CASCADE, related_name="logo")
    content = models.BinaryField()
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.name) for kind in Kind])
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind}, {self.width} × {self.height}, {self.size_bytes} bytes, SHA-256 {self.sha256}"


class BrandHost(models.Model):
    """A host name under which a branding is shown, beside the domain's own names.

    is_vouched: recorded by who runs the server; else it counts only while it lies below a name of its domain (or of
    one of its customer's domains), so that nothing is left of a name that went to somebody else.
    """

    branding = models.ForeignKey(Branding, on_delete=models.CASCADE, related_name="hosts")
    name = models.CharField(max_length=253, unique=True)
    is_vouched = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
