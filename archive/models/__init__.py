"""What the database knows about the archive: one module a subject.

Not for mail: messages, folders and placements live in the stores (`archive.store`).
"""

from archive.models.access import ACCESS_MINUTES, AccessQuerySet, ArchiveAccess, ArchiveRead
from archive.models.exports import EXPORT_HOURS, Export, ExportFormat
from archive.models.imports import KEPT_REJECTIONS, Rejection, Upload, UploadState
from archive.models.stores import Store, StoreState

__all__ = [
    "ACCESS_MINUTES",
    "EXPORT_HOURS",
    "KEPT_REJECTIONS",
    "AccessQuerySet",
    "ArchiveAccess",
    "ArchiveRead",
    "Export",
    "ExportFormat",
    "Rejection",
    "Store",
    "StoreState",
    "Upload",
    "UploadState",
]
