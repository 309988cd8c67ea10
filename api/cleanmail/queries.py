"""A query as Cleanmail's clients write it, for version 1: names and spellings of the manual that version 1 hasn't.

Not for moments and ids, which documents have too (`words`).
Source: cleanmail.md §3, §5.7, §5.8, §5.14 (whose samples look for people by `name`, where the table has `email`).
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from api.cleanmail import folders

PEOPLE = ("GET /users", "GET /domains/{domainId}/users")
NUMBERS = ("sort", "offset", "pageSize")
SENT = {"send_date": "sentDate", "-send_date": "-sentDate"}


def fitted(operation: str, query: str) -> str:
    """The query string for version 1; as it is where nothing of it is Cleanmail's own."""
    pairs = parse_qsl(query, keep_blank_values=True)
    read = [pair for name, value in pairs if (pair := _fitted(operation, name, value)) is not None]
    return query if read == pairs else urlencode(read)


def _fitted(operation: str, name: str, value: str) -> tuple[str, str] | None:
    """One of its pairs; None where it says nothing."""
    if name in NUMBERS and not value:
        return None
    if name == "name" and operation in PEOPLE:
        return "email", value
    if name == "action":
        return name, value.upper()
    if operation == folders.LISTS:
        if name == "operator" and value.upper() in ("AND", ""):
            return None
        if name == "sort":
            return name, SENT.get(value, value)
    return name, value
