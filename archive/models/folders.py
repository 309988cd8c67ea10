"""What is said of folders beside what the stores keep: class, other names, subscriptions, and moves under way.

A folder of an archive is named by its path; the same path in several stores is one folder. Not for folders themselves
(those are in the stores) nor for who may read them (`accounts.models.FolderGrant`).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PATH_MAX = 1000
CLASS_MAX = 64


class FolderClass(models.Model):
    """What a folder is for, in a word of the programs that use it (“IPF.Contact”)."""

    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.CASCADE, related_name="folder_classes")
    path = models.CharField(max_length=PATH_MAX)
    value = models.CharField(max_length=CLASS_MAX)

    objects: ClassVar[models.Manager[FolderClass]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "path"], name="folder_class_once")]

    def __str__(self) -> str:
        return f"{self.path}: {self.value}"


class FolderAlias(models.Model):
    """Another name by which a folder of an archive can be asked for."""

    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.CASCADE, related_name="folder_aliases")
    alias = models.CharField(max_length=PATH_MAX)
    path = models.CharField(max_length=PATH_MAX)

    objects: ClassVar[models.Manager[FolderAlias]] = models.Manager()

    class Meta:
        ordering = ["alias"]
        constraints = [models.UniqueConstraint(fields=["mailbox", "alias"], name="folder_alias_once")]

    def __str__(self) -> str:
        return f"{self.alias} = {self.path}"


class FolderSubscription(models.Model):
    """A folder that the owner's programs show; it needn't be there."""

    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.CASCADE, related_name="folder_subscriptions")
    path = models.CharField(max_length=PATH_MAX)

    objects: ClassVar[models.Manager[FolderSubscription]] = models.Manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["mailbox", "path"], name="folder_subscription_once")]

    def __str__(self) -> str:
        return self.path


class FolderMove(models.Model):
    """A folder on its way to another name or place, store by store; what was interrupted is finished from here."""

    class Kind(models.TextChoices):
        MOVE = "move", _("Move")
        MERGE = "merge", _("Merge")

    mailbox = models.ForeignKey("domains.Mailbox", on_delete=models.CASCADE, related_name="folder_moves")
    kind = models.CharField(max_length=5, choices=Kind.choices, default=Kind.MOVE)
    source = models.CharField(max_length=PATH_MAX)
    target = models.CharField(max_length=PATH_MAX)
    by_label = models.CharField(max_length=300)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    moved = models.BigIntegerField(default=0)

    objects: ClassVar[models.Manager[FolderMove]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailbox"], condition=models.Q(ended_at=None), name="folder_move_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"
