"""The one table of `config.kit`: the keys that secrets at rest are sealed with, themselves wrapped.

They lie in the database because what they open lies there: a database that is restored elsewhere opens with the
recovery key alone. How they are wrapped is `config.kit.sealing_keys`' business.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone


class SealingKey(models.Model):
    """A random key of 32 bytes, wrapped by the master key and, where there is one, for the recovery key."""

    key_id = models.CharField(max_length=16, unique=True)  # 16 hexadecimal digits, named by every value sealed with it
    wrapped: models.JSONField[dict[str, Any], dict[str, Any]] = models.JSONField()
    is_lost = models.BooleanField(default=False)  # neither the recovery key nor any master key opened it
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.key_id
