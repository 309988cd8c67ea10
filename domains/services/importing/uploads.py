"""The file of an import between its dry run and the real one: kept for a day, for the person who sent it."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.errors import Forbidden
from config.kit import paths
from domains.errors import Invalid
from domains.models import CsvUpload
from domains.services.importing.kinds import KINDS

KEPT = timedelta(hours=24)
LARGEST_BYTES = 256 << 20


def keep_upload(actor: Actor, file: Any, name: str, kind: str = "users") -> CsvUpload:
    """Keep what somebody sent, to import rows of this kind from it. Raises: Forbidden, Invalid."""
    KINDS[kind].require(actor)
    actor.require_writing()
    if actor.user is None or actor.acting is not None:
        raise Forbidden("files are sent by people")
    if file.size > LARGEST_BYTES:
        raise Invalid(_("The file is larger than %(size)d MiB.") % {"size": LARGEST_BYTES >> 20}, field="file")
    upload = CsvUpload(user=actor.user, kind=kind, name=name[:255], size_bytes=file.size)
    paths.uploads_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(upload.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as kept:
            for chunk in file.chunks():
                kept.write(chunk)
        with transaction.atomic():
            upload.save(force_insert=True)
    except BaseException:
        upload.path.unlink(missing_ok=True)
        raise
    return upload


def get_upload(actor: Actor, upload_id: str, kind: str = "users") -> CsvUpload | None:
    """The person's own file of this kind that is still there; the console and the system find all."""
    found = CsvUpload.objects.filter(pk=upload_id, kind=kind).first()
    if found is None or not found.path.exists():
        return None
    if actor.kind == "user" and (actor.user is None or found.user_id != actor.user.pk or actor.acting is not None):
        return None
    return found


def forget(upload: CsvUpload) -> None:
    upload.path.unlink(missing_ok=True)
    upload.delete()


def forget_old() -> int:
    """Files whose day is over (the clock calls this)."""
    old = list(CsvUpload.objects.filter(created_at__lt=timezone.now() - KEPT))
    for upload in old:
        forget(upload)
    return len(old)
