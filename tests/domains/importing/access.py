"""Who gets in where: imports and exports of CSV files."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.actors import Actor
from accounts.models import User
from accounts.permissions import Right
from domains.services.importing.uploads import keep_upload
from tests.access import AnyRow, Cast, Row, somewhere

# the right that must be held somewhere, to import and to export
KINDS = {
    "users": (Right.MANAGE_USERS, Right.VIEW_USERS),
    "aliases": (Right.MANAGE_ADDRESSES, Right.VIEW_USERS),
    "groups": (Right.MANAGE_ADDRESSES, Right.VIEW_USERS),
    "forwards": (Right.MANAGE_ADDRESSES, Right.VIEW_USERS),
    "forwarding": (Right.MANAGE_ADDRESSES, Right.VIEW_USERS),
    "catch-alls": (Right.EDIT_DOMAINS, Right.VIEW_DOMAINS),
    "subscribers": (Right.MANAGE_LISTS, Right.VIEW_USERS),
}


def _rows(kind: str, need: Right, see: Right) -> list[AnyRow]:
    def the_kind(cast: Cast, owner: User) -> tuple[object, ...]:
        return (kind,)

    def an_upload(cast: Cast, owner: User) -> tuple[object, ...]:
        """A file sent by an administrator; nobody else finds it."""
        file = SimpleUploadedFile("file.csv", b"email\nx@nowhere.example\n")
        return (kind, keep_upload(Actor.for_user(cast.administrator), file, "file.csv", kind).pk)

    return [
        somewhere("domains:csv-import", need=need, args=the_kind, variant=f"of {kind}"),
        somewhere("domains:csv-import", 422, method="POST", need=need, args=the_kind, variant=f"of {kind}"),
        somewhere("domains:csv-example", need=need, args=the_kind, variant=f"of {kind}"),
        somewhere("domains:csv-export", need=see, args=the_kind, variant=f"of {kind}"),
        Row(
            "domains:csv-import-run", method="POST", own=403, administrator=303, args=an_upload, delegate={403, 303},
            delegate_foreign={403, 303}, variant=f"of {kind}",
        ),
    ]  # fmt: skip


ROWS: list[AnyRow] = [somewhere("domains:csv-kinds", need=Right.MANAGE_ADDRESSES)]
for _kind, (_need, _see) in KINDS.items():
    ROWS += _rows(_kind, _need, _see)
