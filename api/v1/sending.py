"""Sending a mail as oneself, with files that were sent here before."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from django.utils.translation import gettext as _
from pydantic import Field

from accounts.actors import Actor
from accounts.errors import Forbidden
from api.errors import Fault, Invalid
from api.operations import Created, Group
from api.schemas import Answer, Body
from api.v1 import subjects
from archive.mail.names import safe_filename
from domains.models import Mailbox
from domains.selectors import mailbox_of
from gateway import content
from gateway.models import Attachment, Recipient
from gateway.services import attachments, writing
from gateway.services.origins import Origin, origin_of

group = Group(
    "Sending",
    "Write mail as oneself. It goes the way of all outgoing mail: judged by the policy, signed, queued.",
    names={"text": "body", "html": "body", "author": "from", "files": "attachments"},
)

MOST_BASE64 = 9_500_000  # a request has at most 10 MB
Addresses = Annotated[
    list[Annotated[str, Field(max_length=500, examples=["Bob <bob@example.net>"])]],
    Field(max_length=writing.MOST_RECIPIENTS),
]


class MailAttachment(Body):
    """A file that was sent here before. name: as the mail shows it; uid: as the answer to sending it said."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    uid: Annotated[str, Field(max_length=40)]


class MailBody(Body):
    """A mail. body: HTML, from which a text is made beside it; or `text` alone.

    originId: of one's own mail that it answers, by its key in the gateway or its id in the archive. There are no drafts
    here, so `draftId` stays empty.
    """

    to: Addresses = Field(default_factory=list)
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    from_: Annotated[str, Field(alias="from", max_length=320, description="An address of one's own.")] = ""
    subject: Annotated[str, Field(max_length=writing.LONGEST_SUBJECT)] = ""
    body: Annotated[str, Field(max_length=writing.LONGEST_TEXT)] = ""
    text: Annotated[str, Field(max_length=writing.LONGEST_TEXT)] = ""
    attachments: Annotated[list[MailAttachment], Field(max_length=100)] = Field(default_factory=list)
    draft_id: Annotated[str | None, Field(max_length=0)] = None
    origin_id: Annotated[str | None, Field(max_length=60)] = None
    ack: Annotated[bool, Field(description="Ask for a read receipt.")] = False
    important: bool = False


class MailRecipient(Answer):
    """What became of it for one recipient: `queued`, `delivered`, `held` or `refused`, and the verdict."""

    address: str
    state: str
    verdict: str


class MailSent(Answer):
    """The mail on its way. id: its key in the gateway."""

    id: str
    message_id: str
    recipients: list[MailRecipient]


class AttachmentBody(Body):
    """A file. type: of its content; guessed from the name where it is left out."""

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["plan.pdf"])]
    type: Annotated[str, Field(max_length=127, examples=["application/pdf"])] = ""
    content: Annotated[str, Field(max_length=MOST_BASE64, description="Base64.", examples=["JVBERi0xLjQK"])]


class AttachmentFile(Answer):
    """A file that waits to be attached, for a day at most; it goes when a mail with it is sent."""

    uid: str
    name: str
    uri: str
    type: str
    size: Annotated[int, Field(description="In bytes.")]


def _oneself(actor: Actor, user_id: int) -> Mailbox:
    """Only as oneself: nobody writes in somebody else's place. Raises: Http404, Forbidden."""
    if actor.user is None or actor.user.pk != user_id:
        box = subjects.mailbox()(actor, user_id)
        raise Forbidden(f"{actor.label} is not {box.address}")
    attachments.writer(actor)
    return subjects.there(mailbox_of(actor.user))


@group.post("/users/{int:userId}/emails/send", admit=_oneself)
def mail_send(actor: Actor, mailbox: Mailbox, body: MailBody) -> MailSent:
    """Send a mail as oneself.

    Answers what became of it for each recipient: a policy may hold or refuse it. Its files are gone afterwards.
    """
    draft = writing.Draft(
        to=", ".join(body.to), cc=", ".join(body.cc), bcc=", ".join(body.bcc), subject=body.subject, text=body.text,
        html=body.body, author=body.from_, files=tuple(_file(actor, each) for each in body.attachments),
        origin=_origin(actor, body.origin_id), wants_receipt=body.ack, is_important=body.important,
    )  # fmt: skip
    sent = writing.send_mail(actor, draft)
    rows = Recipient.objects.filter(message=sent, direction="outgoing").order_by("pk")
    return MailSent(
        id=sent.key,
        message_id=sent.message_id,
        recipients=[MailRecipient(address=row.address, state=row.state, verdict=row.category) for row in rows],
    )


def _file(actor: Actor, named: MailAttachment) -> Attachment:
    row: Attachment = subjects.named("attachments", lambda: attachments.get_attachment(actor, named.uid))
    row.name = safe_filename(named.name, row.name)  # for this mail; never saved
    return row


def _origin(actor: Actor, name: str | None) -> Origin | None:
    return subjects.named("originId", lambda: origin_of(actor, name)) if name else None


def _present(row: Attachment) -> AttachmentFile:
    uri = f"/api/v1/emails/attachments/{row.pk}/{quote(row.name)}"
    return AttachmentFile(uid=str(row.pk), name=row.name, uri=uri, type=row.content_type, size=row.size_bytes)


def _writes(actor: Actor) -> None:
    attachments.writer(actor)


@group.post("/emails/attachments", admit=_writes)
def mail_attachment_create(actor: Actor, body: AttachmentBody) -> Created[AttachmentFile]:
    """Send a file here, to be attached to a mail afterwards."""
    try:
        data = base64.b64decode("".join(body.content.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        text = _("This is not Base64.")
        raise Invalid(f"content: {text}", faults=[Fault("content", text)]) from error
    row = attachments.add_attachment(actor, name=body.name, data=data, content_type=body.type)
    return Created(_present(row), f"/emails/attachments/{row.pk}/{quote(row.name)}")


def _own_file(actor: Actor, uid: str, filename: str) -> Attachment:
    return attachments.get_attachment(actor, uid, filename)


@group.stream("/emails/attachments/{uid}/{filename}", admit=_own_file, media="application/octet-stream")
def mail_attachment_read(actor: Actor, row: Attachment) -> Iterator[bytes]:
    """Read a file that waits to be attached."""
    return content.chunks_of(row.content)


@group.delete("/emails/attachments/{uid}/{filename}", admit=_own_file)
def mail_attachment_delete(actor: Actor, row: Attachment) -> None:
    """Remove a file that waits to be attached."""
    attachments.delete_attachment(actor, row)
