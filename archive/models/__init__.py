"""What the database knows about the archive: one module a subject.

Not for mail: messages, folders and placements live in the stores (`archive.store`).
"""

from archive.models.access import (
    ACCESS_CHOICES,
    ACCESS_MINUTES,
    AccessQuerySet,
    ArchiveAccess,
    ArchiveRead,
    NoticeDelay,
)
from archive.models.evidence import PACKAGE_DAYS, EvidenceKey, EvidencePackage, PackageFormat, StoreCheckpoint
from archive.models.exports import EXPORT_HOURS, Export, ExportFormat
from archive.models.imports import KEPT_REJECTIONS, Rejection, Upload, UploadState
from archive.models.stores import Store, StoreState

__all__ = [
    "ACCESS_CHOICES",
    "ACCESS_MINUTES",
    "EXPORT_HOURS",
    "KEPT_REJECTIONS",
    "PACKAGE_DAYS",
    "AccessQuerySet",
    "ArchiveAccess",
    "ArchiveRead",
    "EvidenceKey",
    "EvidencePackage",
    "Export",
    "ExportFormat",
    "NoticeDelay",
    "PackageFormat",
    "Rejection",
    "Store",
    "StoreCheckpoint",
    "StoreState",
    "Upload",
    "UploadState",
]
