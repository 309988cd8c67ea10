"""Folders of an archive as Cleanmail lists them: an array, paged by offset, sorted by `sentDate` both ways.

Version 1 pages them by cursors, newest first; this walks there. Not for `Quarantine` and `Retention`, which version 1
lists as Cleanmail does, nor for reading a message of an archive: programs don't.
Source: cleanmail.md §5.7, §4.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict

from api.cleanmail.words import moment
from api.errors import BadRequest, NotAllowed

LISTS = "GET /users/{userId}/emails/{folderPath}"
READS = "GET /users/{userId}/emails/{folder}/{emailId}"
OTHERS = ("Quarantine", "Retention", "folders")
PAGE_SIZE, PAGE_SIZE_MAX, REACH = 40, 1_000, 10_000
SORTS = ("-sentDate", "sentDate", "-send_date", "send_date")
DATES = ("receivedAfter", "receivedBefore")
NOT_READ = (
    "A message of an archive is read on its page; programs read what is kept in Quarantine and Retention, "
    "and list and search the archive."
)
Ask = Callable[[list[str], str], HttpResponse]


def answer(operation: str, query: QueryDict, parts: list[str], ask: Ask) -> HttpResponse:
    """The messages of a folder; of a message in one that may be listed, why it isn't read. Raises: ApiError."""
    given = {name: str(value) for name, value in query.items() if name not in ("offset", "pageSize", "sort", "fields")}
    for name in DATES:
        if name in given:
            given[name] = moment(name, given[name])[:10]  # an archive is searched by days
    first = ask(parts, urlencode(given | {"pageSize": 1}))
    if first.status_code != 200:
        if operation == READS and ask(parts[:-1], "pageSize=1").status_code == 200:
            raise NotAllowed(NOT_READ)
        return first
    total = int(json.loads(first.content)["total"])
    offset, size = _number(query, "offset", 0), _number(query, "pageSize", PAGE_SIZE)
    sort = query.get("sort", SORTS[0])
    if sort not in SORTS or not 1 <= size <= PAGE_SIZE_MAX:
        raise BadRequest(f"A folder is sorted by one of {', '.join(SORTS)}, and pageSize is 1 to {PAGE_SIZE_MAX}.")
    begin, end = offset, min(offset + size, total)
    if not sort.startswith("-"):
        begin, end = max(0, total - offset - size), max(0, total - offset)
    if end > REACH:
        raise BadRequest(f"An offset reaches {REACH} messages; search for fewer.")
    lines = _walked(parts, given, end, ask)[begin:]
    made = HttpResponse(
        json.dumps([_line(each) for each in (lines if sort.startswith("-") else reversed(lines))], ensure_ascii=False),
        content_type="application/json",
    )
    made["X-Total-Count"] = str(total)
    return made


def _walked(parts: list[str], given: dict[str, Any], end: int, ask: Ask) -> list[dict[str, Any]]:
    """The newest so many messages."""
    lines: list[dict[str, Any]] = []
    before: str | None = ""
    while len(lines) < end and before is not None:
        page = json.loads(ask(parts, urlencode(given | {"pageSize": PAGE_SIZE_MAX, "before": before})).content)
        lines += page["messages"]
        before = page["older"]
    return lines[:end]


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": line["id"],
        "sentDate": line["date"],
        "subject": line["subject"],
        "from": line["from"],
        "to": [each.strip() for each in line["to"].split(",") if each.strip()],
        "size": line["sizeBytes"],
        "folder": line["folder"],
    }


def _number(query: QueryDict, name: str, default: int) -> int:
    """Raises: BadRequest."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise BadRequest(f"{name} is a whole number.")
    return int(text)
