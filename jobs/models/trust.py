"""Authorities that the organisation trusts beside those of the system, for connections that we make."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TrustedAuthority(models.Model):
    """One authority's certificate."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    pem = models.TextField()
    subject = models.CharField(_("subject"), max_length=300)
    fingerprint = models.CharField(max_length=64, unique=True)  # SHA-256
    not_after = models.DateTimeField(_("valid until"))
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
