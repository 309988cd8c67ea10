"""Where mail lies that could not go on: errors, unknown addresses, what a filter put aside. Read, reprocess, remove.

Source: james.md, mail repositories.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.models.content import Content
from gateway.models.messages import Message, Recipient


class Repository(models.Model):
    """A named place. `name` is the path James calls it by ("var/mail/error")."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RepositoryItem(models.Model):
    """A message lying there for some recipients, with everything needed to send it on its way again."""

    key = models.CharField(max_length=64)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="items", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.SET_NULL, null=True, related_name="stored")
    recipient = models.ForeignKey(Recipient, on_delete=models.SET_NULL, null=True, related_name="stored")
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="stored")
    sender = models.CharField(_("envelope sender"), max_length=320, blank=True, default="")
    addresses = models.JSONField(default=list)
    domain_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    why = models.TextField(_("reason"), blank=True, default="")
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["repository", "key"], name="gw_repository_key_once")]
        indexes = [models.Index(fields=["repository", "-created_at", "-id"], name="gw_repository_newest")]

    def __str__(self) -> str:
        return self.key
