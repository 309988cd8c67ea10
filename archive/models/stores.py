"""Which stores this installation has, whose mail goes where, and when a new one is made.

Figures are what was counted last (`services.upkeep`); the truth about a store's content is in the store.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from archive.models.store_places import StoreKind, StorePlace
from config.kit import paths
from config.kit.versions import Versioned


class StoreState(models.TextChoices):
    CURRENT = "current", _("Current")
    NORMAL = "normal", _("Normal")
    WRITE_PROTECTED = "write_protected", _("Write-protected")
    DISABLED = "disabled", _("Disabled")


class StoreQuerySet(models.QuerySet["Store"]):
    def attached(self) -> StoreQuerySet:
        """Those this installation has; a detached one is only remembered."""
        return self.filter(detached_at=None)

    def readable(self) -> StoreQuerySet:
        """Those that take part in search and reading."""
        return self.attached().exclude(state=StoreState.DISABLED)


class Store(StorePlace, Versioned):
    """One store this installation has attached. New mail goes to the current one.

    A store that is bound to a customer takes mail of that customer's mailboxes only; among those of a customer one may
    be current, and takes their new mail instead of the shared one. `state` is what was asked for; whether the store can
    be opened is asked of `engines`. A detached one stays as a row, since what was read from it is remembered by it.
    """

    name = models.CharField(_("name"), max_length=100)
    work_path = models.CharField(_("folder of the catalogue"), max_length=1000, blank=True, default="")
    index_path = models.CharField(_("folder of the index"), max_length=1000, blank=True, default="")
    identity = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001  # none until its folder is made
    state = models.CharField(_("state"), max_length=16, choices=StoreState, default=StoreState.NORMAL)
    customer = models.ForeignKey(
        "domains.Customer", on_delete=models.PROTECT, null=True, blank=True, related_name="stores"
    )
    created_at = models.DateTimeField(default=timezone.now)
    detached_at = models.DateTimeField(null=True, blank=True)
    retried_at = models.DateTimeField(null=True, blank=True)
    # Attached from elsewhere: what it holds is read by nobody until its mailboxes are told apart.
    is_locked = models.BooleanField(_("waits for its recovery key"), default=False)
    is_index_selected = models.BooleanField(_("index selected for rebuilding"), default=False)
    figures = models.JSONField(default=dict)
    measured_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_ok = models.BooleanField(null=True, blank=True)
    verified_by = models.ForeignKey(
        "jobs.Task", on_delete=models.SET_NULL, null=True, blank=True, related_name="verified_stores"
    )

    objects: ClassVar[models.Manager[Store]] = StoreQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(detached_at=None), name="archive_store_name_once"
            ),
            models.UniqueConstraint(
                fields=["path"], condition=models.Q(detached_at=None), name="archive_store_path_once"
            ),
            models.UniqueConstraint(
                fields=["dsn", "schema"],
                condition=models.Q(detached_at=None, kind=StoreKind.POSTGRES),
                name="archive_store_schema_once",
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state="current", customer=None),
                name="archive_store_one_current",
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(state="current"),
                name="archive_store_customer_current",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def root(self) -> Path:
        """The store's folder: absolute as it stands, or below the stores folder (so that HOME can move).

        Of a store in a database the folder that a restored backup would be in: nothing lies there.
        """
        return paths.stores_dir() / self.path

    @property
    def place(self) -> tuple[object, ...]:
        """All that an open store was opened by, secrets as they are sealed; changed, it is opened anew."""
        columns = (column.attname for column in StorePlace._meta.local_fields)
        return (*(getattr(self, name) for name in columns), self.work_path, self.index_path)

    @property
    def shown(self) -> str:
        """Where its mail lies, as people read it."""
        return str(self.root) if self.is_folder else f"{self.database_shown}: {self.schema}"

    @property
    def work(self) -> Path:
        """Where the store's catalogue lies on this machine."""
        return Path(self.work_path) if self.work_path else paths.work_dir() / f"store-{self.pk}"

    @property
    def index(self) -> Path:
        """Where its full-text index lies."""
        return Path(self.index_path) if self.index_path else self.work / "index"

    @property
    def is_open(self) -> bool:
        """Whether its mail is read and found."""
        return self.detached_at is None and self.state != StoreState.DISABLED

    @property
    def is_writable(self) -> bool:
        return self.is_open and self.state != StoreState.WRITE_PROTECTED


class AutoCreation(Versioned):
    """When a new current store is made by itself, and where; one row. Nothing is made without a threshold."""

    size_threshold_bytes = models.BigIntegerField(_("size"), null=True, blank=True)
    database_base = models.CharField(_("folder for catalogues"), max_length=1000, blank=True, default="")
    content_base = models.CharField(_("folder for stores"), max_length=1000, blank=True, default="")
    index_base = models.CharField(_("folder for indexes"), max_length=1000, blank=True, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="archive_one_auto_creation")]

    @classmethod
    def load(cls) -> AutoCreation:
        """As it is set; never saved before somebody sets it, so that who looks writes nothing."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
