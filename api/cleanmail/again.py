"""Users and domains that are made again while their deletion could still be undone: they come back.

Version 1 says that the name is taken, and restores by an operation that Cleanmail has none of. Not for rights: each
step is one of version 1, for whoever calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpResponse

# what makes one → by which field it is found
MAKES = {"POST /users": "email", "POST /domains": "name"}
Ask = Callable[[str, list[str], str, bytes], HttpResponse]


def bring_back(operation: str, collection: str, document: dict[str, object], ask: Ask) -> HttpResponse | None:
    """The one of a document that is deleted, with what the document says of it; None where there is none.

    If it can't be changed so, it is deleted again, and the refusal is the answer.
    """
    name = MAKES[operation]
    wanted = str(document.get(name, "")).strip().lower()
    if not wanted or "*" in wanted:
        return None
    found = ask("GET", [collection], urlencode({name: wanted, "status": "DELETED"}), b"")
    rows = json.loads(found.content) if found.status_code == 200 else []
    key = next((row["id"] for row in rows if row[name] == wanted), None)
    if key is None or ask("POST", [collection, key, "restoration"], "", b"").status_code != 200:
        return None
    changed = ask("PATCH", [collection, key], "", json.dumps(document).encode())
    if changed.status_code >= 300:
        ask("DELETE", [collection, key], "", b"")
        return changed
    made = ask("GET", [collection, key], "", b"")
    made.status_code = 201
    return made
