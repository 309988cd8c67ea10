"""What is measured once in a while, so that there is something to compare with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class DiskSample(models.Model):
    """How full a disk was on a day (UTC): the last look of that day."""

    node = models.CharField(max_length=255)
    place = models.CharField(max_length=1000)  # where it is mounted
    day = models.DateField()
    used_bytes = models.BigIntegerField()
    total_bytes = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["day", "pk"]
        constraints = [models.UniqueConstraint(fields=["node", "place", "day"], name="disk_sample_once")]
