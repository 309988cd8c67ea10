"""Files that wait to be attached: taken, read by their owner, removed, and cleared away when nobody sends them."""

from __future__ import annotations

import mimetypes
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import User
from accounts.permissions import EndUserRight
from archive.mail.names import safe_filename
from domains.errors import Invalid, LimitReached
from gateway import content
from gateway.flow import InMemory
from gateway.models import Attachment

MOST_BYTES = 25 * 1024 * 1024
MOST_WAITING_BYTES = 100 * 1024 * 1024
MOST_WAITING = 100
UNUSED_FOR = timedelta(days=1)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_NEVER = ("multipart/", "message/")  # these have a structure of their own within a message
OCTETS = "application/octet-stream"


def writer(actor: Actor) -> User:
    """The person who writes, here themselves. Raises: Forbidden."""
    actor.require_writing()
    if actor.user is None or not actor.may_read_mail:
        raise Forbidden("nobody writes mail in somebody else's place")
    actor.require_own(EndUserRight.SEND_MAIL)
    return actor.user


def list_waiting(actor: Actor) -> QuerySet[Attachment]:
    """One's own."""
    return Attachment.objects.filter(user=actor.user) if actor.user is not None else Attachment.objects.none()


def get_attachment(actor: Actor, uid: uuid.UUID | str, name: str | None = None) -> Attachment:
    """One's own, by its id and where given its name. Raises: Http404."""
    try:
        found = list_waiting(actor).filter(pk=uuid.UUID(str(uid))).first()
    except ValueError:
        found = None
    if found is None or (name is not None and found.name != name):
        raise Http404("no such file")
    return found


def add_attachment(actor: Actor, *, name: str, data: bytes, content_type: str = "") -> Attachment:
    """Take a file. content_type: guessed from the name where it is none. Raises: Forbidden, Invalid, LimitReached."""
    user = writer(actor)
    if len(data) > MOST_BYTES:
        text = _("A file has at most %(most)d MB.") % {"most": MOST_BYTES // 1024 // 1024}
        raise Invalid(text, field="content")
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        there = list_waiting(actor)
        size = there.aggregate(size=Sum("size_bytes"))["size"] or 0
        if there.count() >= MOST_WAITING or size + len(data) > MOST_WAITING_BYTES:
            raise LimitReached(_("Too many files wait to be sent; remove some first."))
        (row,) = content.write([InMemory(data)])
        kept = safe_filename(name, "file")
        made = Attachment.objects.create(
            user=user, name=kept, content_type=_type_of(content_type, kept), size_bytes=len(data), content=row
        )
        audit.record(actor, "attachment.add", user, size_bytes=len(data))
    return made


def _type_of(given: str, name: str) -> str:
    kind = given.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind) or kind == OCTETS:
        kind = mimetypes.guess_type(name)[0] or OCTETS
    return OCTETS if kind.startswith(_NEVER) else kind


def delete_attachment(actor: Actor, attachment: Attachment) -> None:
    """Remove one's own file. Raises: Forbidden."""
    if attachment.user_id != writer(actor).pk:
        raise Forbidden("somebody else's file")
    with transaction.atomic():
        audit.record(actor, "attachment.delete", attachment.user, size_bytes=attachment.size_bytes)
        attachment.delete()


def require_there(rows: Sequence[Attachment]) -> None:
    """That nobody has sent or removed them meanwhile, nor does so until the transaction ends. Raises: Invalid."""
    there = Attachment.objects.select_for_update().filter(pk__in=[row.pk for row in rows])
    if len(there) != len({row.pk for row in rows}):
        raise Invalid(
            _("A file is no longer here: it was sent already, or lay here for too long. Attach it again."),
            field="files",
        )


def remove_sent(rows: Iterable[Attachment]) -> None:
    """They are in a message now."""
    Attachment.objects.filter(pk__in=[row.pk for row in rows]).delete()


def sweep() -> int:
    """Remove what nobody has sent within a day; how many. The bytes go with `content.sweep`."""
    return Attachment.objects.filter(created_at__lt=timezone.now() - UNUSED_FOR).delete()[0]
