"""The gateway's rows. Each row of a message says by itself whose administrators may see it (domain, customer)."""

from gateway.models.attachments import Attachment
from gateway.models.content import Content, ContentPart
from gateway.models.digests import Digest, DigestClock, DigestLink
from gateway.models.kept import Folder, Kept
from gateway.models.lists import ListPosting
from gateway.models.mail_rules import OutOfOffice, RuleSettings, SieveScript, VacationAnswer
from gateway.models.messages import Message, Recipient, Step
from gateway.models.openings import Opening
from gateway.models.queue import DestinationHour, QueueItem, QueueSettings
from gateway.models.reception import Certificate, IpEntry, RouterRule
from gateway.models.repositories import Repository, RepositoryItem
from gateway.models.requests import ReleaseRequest
from gateway.models.scanning import Scanning
from gateway.models.signatures import (
    OwnSignature,
    PictureContent,
    SignaturePicture,
    SignatureRule,
    SignatureSetting,
    SignatureTemplate,
)

__all__ = [
    "Attachment",
    "Certificate",
    "Content",
    "ContentPart",
    "DestinationHour",
    "Digest",
    "DigestClock",
    "DigestLink",
    "Folder",
    "IpEntry",
    "Kept",
    "ListPosting",
    "Message",
    "Opening",
    "OutOfOffice",
    "OwnSignature",
    "PictureContent",
    "QueueItem",
    "QueueSettings",
    "Recipient",
    "ReleaseRequest",
    "Repository",
    "RepositoryItem",
    "RouterRule",
    "RuleSettings",
    "Scanning",
    "SieveScript",
    "SignaturePicture",
    "SignatureRule",
    "SignatureSetting",
    "SignatureTemplate",
    "Step",
    "VacationAnswer",
]
