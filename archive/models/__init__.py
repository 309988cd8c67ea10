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
from archive.models.backups import BackupDestination, BackupSet
from archive.models.cases import Case, CaseMessage, CaseNote, CaseSearch, CaseTag
from archive.models.evidence import PACKAGE_DAYS, EvidenceKey, EvidencePackage, PackageFormat, StoreCheckpoint
from archive.models.exports import EXPORT_HOURS, Export, ExportFormat
from archive.models.folders import FolderAlias, FolderClass, FolderMove, FolderSubscription
from archive.models.imports import KEPT_REJECTIONS, Rejection, Upload, UploadState
from archive.models.keeping import (
    BLOCK,
    LONGEST,
    Compliance,
    DeletionCertificate,
    LegalHold,
    RetentionBlock,
    RetentionEdition,
    RetentionPolicy,
    RetentionState,
)
from archive.models.profiles import (
    Completeness,
    FolderDay,
    Gap,
    Profile,
    ProfileKind,
    ProfileRun,
    RunFolder,
    RunOutcome,
    Sent,
    SourceFile,
    SourceFolder,
    SourceMessage,
    Trigger,
)
from archive.models.store_places import ObjectsKind, StoreKind
from archive.models.stores import AutoCreation, Store, StoreState

__all__ = [
    "ACCESS_CHOICES",
    "ACCESS_MINUTES",
    "BLOCK",
    "EXPORT_HOURS",
    "KEPT_REJECTIONS",
    "LONGEST",
    "PACKAGE_DAYS",
    "AccessQuerySet",
    "ArchiveAccess",
    "ArchiveRead",
    "AutoCreation",
    "BackupDestination",
    "BackupSet",
    "Case",
    "CaseMessage",
    "CaseNote",
    "CaseSearch",
    "CaseTag",
    "Completeness",
    "Compliance",
    "DeletionCertificate",
    "EvidenceKey",
    "EvidencePackage",
    "Export",
    "ExportFormat",
    "FolderAlias",
    "FolderClass",
    "FolderDay",
    "FolderMove",
    "FolderSubscription",
    "Gap",
    "LegalHold",
    "NoticeDelay",
    "ObjectsKind",
    "PackageFormat",
    "Profile",
    "ProfileKind",
    "ProfileRun",
    "Rejection",
    "RetentionBlock",
    "RetentionEdition",
    "RetentionPolicy",
    "RetentionState",
    "RunFolder",
    "RunOutcome",
    "Sent",
    "SourceFile",
    "SourceFolder",
    "SourceMessage",
    "Store",
    "StoreCheckpoint",
    "StoreKind",
    "StoreState",
    "Trigger",
    "Upload",
    "UploadState",
]
