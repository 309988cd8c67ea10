"""Who gets in where: the import of users."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.models import CsvUpload
from domains.services.importing.uploads import keep_upload
from tests.access import Cast, Row, somewhere


def an_upload(cast: Cast, owner: User) -> tuple[object, ...]:
    """A file sent by an administrator; nobody else finds it."""
    file = SimpleUploadedFile("users.csv", b"email\nx@nowhere.example\n")
    return (keep_upload(Actor.for_user(cast.administrator), file, "users.csv").pk,)


ROWS = [
    somewhere("domains:user-import", need=Right.MANAGE_USERS),
    somewhere("domains:user-import", 422, method="POST", need=Right.MANAGE_USERS),
    Row(
        "domains:user-import-run", method="POST", own=403, administrator=303, args=an_upload, delegate={403, 303},
        delegate_foreign={403, 303},
    ),
]  # fmt: skip

__all__ = ["ROWS", "CsvUpload"]
