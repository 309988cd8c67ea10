"""What we serve: domains and the mailboxes in them, in their minimal form.

A mailbox binds an address to the person who signs in with it; archived mail hangs on the mailbox's id, never on its
address.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class Domain(models.Model):
    """A domain name, in ASCII and lower case."""

    name = models.CharField(_("name"), max_length=253, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="domain_name_lower", condition=~models.Q(name__regex="[A-Z]"))]

    def __str__(self) -> str:
        return self.name


class Mailbox(models.Model):
    """An address that keeps mail."""

    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="mailboxes")
    address = models.CharField(_("address"), max_length=254, unique=True)
    user = models.OneToOneField(User, on_delete=models.SET_NULL, null=True, related_name="mailbox")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["address"]
        constraints = [
            models.CheckConstraint(name="mailbox_address_lower", condition=~models.Q(address__regex="[A-Z]"))
        ]

    def __str__(self) -> str:
        return self.address
