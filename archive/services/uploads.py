"""Files that people send to be imported: kept under the uploads folder until their import ended well.

Not for reading them (`archive.sources`). A file's own name is kept only in a cleaned form: it decides nothing but how
the file is recognised (`.eml`) and what the result calls it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from archive.errors import BadArguments
from archive.mail.names import safe_filename
from archive.models import Upload, UploadState
from config.kit import paths

KEPT_DAYS = 7
INCOMING = "incoming"


class IncomingFile(UploadedFile):  # type: ignore[type-arg]  # generic only in its stubs
    """A file on its way in, in the uploads folder already, so that keeping it is a rename."""

    def __init__(self, name: str, content_type: str, charset: str | None, extra: Any) -> None:
        folder = paths.uploads_dir() / INCOMING
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.place = folder / f"{timezone.now():%Y%m%d%H%M%S%f}-{id(self):x}"
        super().__init__(self.place.open("xb+"), name, content_type, 0, charset, extra)

    def forget(self) -> None:
        self.close()
        self.place.unlink(missing_ok=True)


class DiskUploadHandler(FileUploadHandler):
    """Streams every uploaded file to the uploads folder, whatever its size; a broken upload leaves nothing."""

    chunk_size = 1 << 20

    def __init__(self, request: object = None) -> None:
        super().__init__(request)  # type: ignore[arg-type]
        self.failed = False
        self._files: list[IncomingFile] = []

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        file = IncomingFile(self.file_name or "upload", self.content_type or "", self.charset, self.content_type_extra)
        self._files.append(file)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self._files[-1].write(raw_data)
        except OSError as error:  # most likely no room
            self.failed = True
            self.upload_interrupted()
            raise StopUpload(connection_reset=True) from error

    def file_complete(self, file_size: int) -> UploadedFile[Any]:
        file = self._files[-1]
        file.seek(0)
        file.size = file_size
        return file

    def upload_interrupted(self) -> None:
        self.forget_leftovers()

    def forget_leftovers(self) -> None:
        """Delete what came in and was not taken over by `keep_upload`: of a broken upload, or of a refused form."""
        for file in self._files:
            file.forget()


def keep_upload(actor: Actor, files: Sequence[UploadedFile[Any]]) -> Upload:
    """Take over what was uploaded. Raises: Forbidden (not signed in), BadArguments (nothing there)."""
    if actor.user is None:
        raise Forbidden("only a signed-in person can upload")
    if not files:
        raise BadArguments("no file was sent")
    with transaction.atomic():
        upload = Upload.objects.create(user=actor.user)
        upload.root.mkdir(mode=0o700, parents=True)
        for number, file in enumerate(files, start=1):
            name = safe_filename(file.name or "", f"file-{number}")
            _place(file, upload.root / str(number) / name)
            upload.names.append(name)
            upload.size_bytes += file.size or 0
        upload.save()
        audit.record(actor, "upload.create", None, files=len(files), size_bytes=upload.size_bytes)
    return upload


def _place(file: UploadedFile[Any], target: Path) -> None:
    target.parent.mkdir(mode=0o700)
    if isinstance(file, IncomingFile):
        file.flush()
        file.place.rename(target)
        file.close()
        return
    with target.open("xb") as out:
        for chunk in file.chunks():
            out.write(chunk)


def upload_paths(upload: Upload) -> list[Path]:
    """Its files in the order they were sent."""
    folders = sorted(upload.root.iterdir(), key=lambda each: int(each.name)) if upload.root.is_dir() else []
    return [file for folder in folders for file in folder.iterdir()]


def remove_upload(upload: Upload) -> None:
    """Delete the files; doing it twice changes nothing."""
    shutil.rmtree(upload.root, ignore_errors=True)
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.REMOVED)


def remove_old_uploads() -> int:
    """Uploads whose import never ended well go after a week, half-received files after a day."""
    now = timezone.now()
    old = list(Upload.objects.filter(state=UploadState.KEPT, created_at__lt=now - timedelta(days=KEPT_DAYS)))
    for upload in old:
        remove_upload(upload)
    incoming = paths.uploads_dir() / INCOMING
    for file in incoming.iterdir() if incoming.is_dir() else []:
        if file.stat().st_mtime < (now - timedelta(days=1)).timestamp():
            file.unlink(missing_ok=True)
    return len(old)
