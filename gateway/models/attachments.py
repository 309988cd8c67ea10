"""Files that wait to be attached to a mail: until it is sent, their owner removes them, or a day has passed."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway.models.content import Content


class Attachment(models.Model):
    """A file that somebody sent here to attach it; theirs alone."""

    uid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=127)
    size_bytes = models.BigIntegerField(_("size"))
    content = models.ForeignKey(Content, on_delete=models.PROTECT, related_name="attachments")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "uid"]
        indexes = [models.Index(fields=["created_at"], name="gw_attachment_by_age")]

    def __str__(self) -> str:
        return self.name
