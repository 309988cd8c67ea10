"""Where a store lies, as columns of its row: a folder, or a schema of a PostgreSQL database with a place for its packs.

Not for opening anything (`archive.grounds`), nor for which places are allowed (`archive.services.store_places`).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.kit.sealed import SealedTextField


class StoreKind(models.TextChoices):
    FOLDER = "folder", _("Folder of this server")
    POSTGRES = "postgres", _("PostgreSQL database")


class ObjectsKind(models.TextChoices):
    NOWHERE = "", _("They stay in the database")
    FOLDER = "folder", _("Folder of this server")
    S3 = "s3", _("S3 bucket")


class StorePlace(models.Model):
    """The columns. `path`: the folder; of a store in a database the one that a restored backup of it is written to.

    An empty `dsn` is Postkeep's own database. The password is kept apart from it, sealed, and so is the secret of S3;
    both are written and never answered. `objects`: where sealed packs go.
    """

    kind = models.CharField(_("kind"), max_length=8, choices=StoreKind, default=StoreKind.FOLDER)
    path = models.CharField(_("folder"), max_length=1000)
    dsn = models.CharField(_("database"), max_length=1000, blank=True, default="")
    dsn_password = SealedTextField(_("password of the database"), purpose="store database password")
    schema = models.CharField(_("schema"), max_length=63, blank=True, default="")
    objects_kind = models.CharField(_("sealed packs"), max_length=8, choices=ObjectsKind, blank=True, default="")
    objects_path = models.CharField(_("folder of the packs"), max_length=1000, blank=True, default="")
    endpoint = models.CharField(_("endpoint"), max_length=500, blank=True, default="")
    bucket = models.CharField(_("bucket"), max_length=63, blank=True, default="")
    prefix = models.CharField(_("prefix"), max_length=300, blank=True, default="")
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    access_key = models.CharField(_("access key"), max_length=200, blank=True, default="")
    secret_key = SealedTextField(_("secret key"), purpose="store secret key")

    class Meta:
        abstract = True

    @property
    def is_folder(self) -> bool:
        return self.kind == StoreKind.FOLDER

    @property
    def database_shown(self) -> str:
        """Which database, as people read it; without its password."""
        return self.dsn or str(_("Postkeep's own database"))

    @property
    def objects_shown(self) -> str:
        """Where sealed packs go, as people read it."""
        if self.objects_kind == ObjectsKind.S3:
            return f"s3://{self.bucket}/{self.prefix}".rstrip("/")
        return self.objects_path or str(ObjectsKind.NOWHERE.label)
