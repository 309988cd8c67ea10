"""Figures that administrators keep themselves, for whoever watches this server."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class CustomElement(models.Model):
    """One figure under a name of somebody's own."""

    name = models.CharField(max_length=60, unique=True)
    value = models.FloatField(default=0)
    updated_at = models.DateTimeField(default=timezone.now)
    updated_by = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"custom.{self.name}"
