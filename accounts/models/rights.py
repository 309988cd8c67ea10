"""What people were granted, and the roles that bundle it. Scopes of higher apps are kept as a level and an id."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import places
from accounts.models.people import User
from accounts.permissions import BUILT_IN_ROLES, Level, Right, known_rights, rights_at
from accounts.scopes import SERVER, ScopeRef
from config.kit.versions import Versioned

LEVELS = [(level.value, level.value) for level in Level]


class Role(Versioned):
    """A bundle of rights somebody made, for one scope and what lies below it. The built-in ones are no rows."""

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    rights = ArrayField(models.CharField(max_length=40), verbose_name=_("rights"))
    needs_second_factor = models.BooleanField(_("needs a second factor"), default=False, db_default=False)
    level = models.CharField(max_length=10, choices=LEVELS, default=Level.SERVER)
    object_id = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["level", "object_id", "name"], name="role_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    def scopes(self) -> tuple[ScopeRef, ...]:
        return places.chain(self.scope)[:-1]


class Grant(models.Model):
    """A person holds a role, or single rights, on a scope. System administrators have a flag instead."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role_key = models.CharField(max_length=40, blank=True, default="")  # a built-in role
    role = models.ForeignKey(Role, on_delete=models.PROTECT, null=True, related_name="grants")
    rights = ArrayField(models.CharField(max_length=40), default=list)  # single rights, besides the role's
    level = models.CharField(max_length=10, choices=LEVELS)
    object_id = models.BigIntegerField(default=0)
    object_label = models.CharField(max_length=300, blank=True, default="")
    granted_by_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)
    # made because of a group there, and taken with it; by hand where there is none
    source = models.ForeignKey("accounts.Source", on_delete=models.CASCADE, null=True, related_name="grants")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["level", "object_id", "user"], name="grant_by_scope")]
        constraints = [
            models.UniqueConstraint(fields=["user", "level", "object_id"], name="grant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.level} {self.object_label or self.object_id}"

    @property
    def scope(self) -> ScopeRef:
        return SERVER if self.level == Level.SERVER else ScopeRef(Level(self.level), self.object_id)

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def all_rights(self) -> frozenset[Right]:
        """What it gives, cut to what its level can carry: a right that lost a level isn't held there any more."""
        names = set(self.rights)
        if self.role_key:
            built_in = BUILT_IN_ROLES.get(self.role_key)
            names |= set(built_in.rights) if built_in else set()
        elif self.role is not None:
            names |= set(self.role.rights)
        return known_rights(names) & rights_at(Level(self.level))


class FolderGrant(models.Model):
    """Somebody may read a folder of another's archive and what lies below it, or may not read one that they else could.

    The mailbox is named by its number and the folder by its path ("" for the whole archive): nothing here points
    upwards. Without privileges it denies, also what a wider one gives, and also in one's own archive.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="folder_grants")
    mailbox_id = models.BigIntegerField(db_index=True)
    folder = models.CharField(max_length=1000, blank=True, default="")
    privileges = ArrayField(models.CharField(max_length=10), default=list)
    granted_by_label = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["mailbox_id", "folder"]
        constraints = [models.UniqueConstraint(fields=["user", "mailbox_id", "folder"], name="folder_grant_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.mailbox_id}/{self.folder}"

    def covers(self, path: str) -> bool:
        """Whether a folder is this one or lies below it."""
        return not self.folder or path == self.folder or path.startswith(f"{self.folder}/")
