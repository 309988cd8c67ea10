"""What a package says about itself, and what its making leaves behind for the owners of the mail in it.

The head of its manifest, the log of who made what when, the words for people; and a line under "Who read my mail" of
everybody whose mail was looked through. Not for the messages (`packages`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.models import AuditEvent
from archive.models import ArchiveAccess, CaseTag, EvidencePackage
from archive.services.notices import notice_at
from domains.models import Mailbox

README = """\
Archived mail with evidence

This package was made on {when} by {who}
on {server}.
Reason: {reason}
It holds {messages} messages, byte for byte as they were archived.

Each message is linked to a signed checkpoint of the archive it lay in. Nobody can change, add or take away a single
byte of this package without that being noticed. To check it, without any access to the archive:

    python3 verify_package.py THIS-FILE.zip

The program verify_package.py comes with Postkeep (deploy/verifier). Get it from somebody you trust, not from whoever
gave you this package. Ask the people of the server for the fingerprint of its key by another way than the one this
package came, and compare: anybody can make a key.

manifest.json   all files and messages with their SHA-256, and the way to the checkpoints
manifest.sig    the server's signature over manifest.json
log.json        who made this package and looked through whose mail
public-key.pem  the server's key
"""


def note_owners(actor: Actor, package: EvidencePackage, mailboxes: list[Mailbox]) -> None:
    """A line for each owner but oneself; it opens nothing, for it has ended when it is written."""
    now = timezone.now()
    for mailbox in mailboxes:
        if actor.user is None or mailbox.user_id == actor.user.pk:
            continue
        ArchiveAccess.objects.create(
            user=actor.user, mailbox=mailbox, reason=package.reason, created_at=now, expires_at=now, closed_at=now,
            package=package, query=package.query, notice_at=notice_at(actor.user, mailbox),
        )  # fmt: skip
        audit.record(
            actor, "archive.package", mailbox, reason=package.reason, query=package.query[:500], package=str(package.pk)
        )


def note_counts(actor: Actor, package: EvidencePackage, counts: dict[int, int]) -> None:
    """How many messages of whom went in."""
    for mailbox, count in counts.items():
        rows = ArchiveAccess.objects.filter(package=package, mailbox_id=mailbox)
        rows.update(exported_messages=F("exported_messages") + count)


def head_of(actor: Actor, package: EvidencePackage, left_out: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "package": str(package.pk),
        "made": timezone.now().isoformat(timespec="seconds"),
        "made_by": package.by_label,
        "server": settings.PUBLIC_URL,
        "reason": package.reason,
        "mailboxes": package.mailboxes,
        "query": package.query,
        "chosen": package.chosen,
        **({} if package.case is None else {"case": package.case.name}),
        "left_out": left_out,
    }


def tags_of(package: EvidencePackage, identity: str, number: int) -> dict[str, list[str]]:
    """What a message was marked with in the case that the package is for; nothing where it is for none."""
    if package.case_id is None:
        return {}
    tags = CaseTag.objects.filter(
        case=package.case_id, messages__store_identity=identity, messages__number=number
    ).order_by("name")
    return {"tags": list(tags.values_list("name", flat=True))}


def log_of(package: EvidencePackage) -> list[dict[str, Any]]:
    """The audit trail's events about this package and its case, as far as they have happened when it is closed."""
    about = Q(object_type=package._meta.label_lower, object_id=str(package.pk))
    if package.case is not None:  # how its messages were found
        about |= Q(object_type=package.case._meta.label_lower, object_id=str(package.case_id))
    events = AuditEvent.objects.filter(about).order_by("pk")
    return [
        {
            "at": event.at.isoformat(),
            "who": event.actor_label,
            "what": event.action,
            "reason": event.reason,
            "details": event.details,
        }
        for event in events
    ]


def readme(package: EvidencePackage, messages: int) -> str:
    return README.format(
        when=package.created_at.strftime("%Y-%m-%d %H:%M UTC"), who=package.by_label, server=settings.PUBLIC_URL,
        reason=package.reason, messages=messages,
    )  # fmt: skip
