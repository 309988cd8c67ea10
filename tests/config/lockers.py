"""A table with sealed fields, for tests only."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from config.kit.sealed import SealedTextField


class Locker(models.Model):
    """Its table is made by the tests that want it."""

    name = models.CharField(max_length=20)
    password = SealedTextField(purpose="locker password")
    pin = SealedTextField("code", purpose="locker pin")

    objects: ClassVar[models.Manager[Locker]] = models.Manager()

    class Meta:
        app_label = "lockers"

    def __str__(self) -> str:
        return self.name
