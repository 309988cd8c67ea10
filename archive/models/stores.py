"""Which store folders this installation has, and where new mail goes."""

from __future__ import annotations

from pathlib import Path

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.kit import paths


class StoreState(models.TextChoices):
    CURRENT = "current", _("Current")
    NORMAL = "normal", _("Normal")
    DISABLED = "disabled", _("Disabled")


class Store(models.Model):
    """One store folder this installation has attached. New mail goes to the current one."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    path = models.CharField(_("folder"), max_length=1000, unique=True)
    identity = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  # none until its folder is made
    state = models.CharField(_("state"), max_length=16, choices=StoreState, default=StoreState.NORMAL)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=models.Q(state="current"), name="archive_store_one_current"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def root(self) -> Path:
        """The store's folder: absolute as it stands, or below the stores folder (so that HOME can move)."""
        return paths.stores_dir() / self.path

    @property
    def work(self) -> Path:
        """Where the store's projections live on this machine."""
        return paths.work_dir() / f"store-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state != StoreState.DISABLED
