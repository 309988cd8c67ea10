"""Folders of an archive as Cleanmail lists them: an array, paged by offset, sorted by `sentDate` both ways.

Version 1 pages them by cursors, newest first; this walks there. A message is read there by its id alone, here in its
folder. Not for `Quarantine` and `Retention`, which version 1 has as Cleanmail does.
Source: cleanmail.md §5.7, §4.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse, QueryDict

from api.cleanmail.words import moment
from api.errors import BadRequest, NotAllowed

LISTS = "GET /users/{userId}/emails/{folderPath}"
READS = "GET /users/{userId}/emails/{folder}/{emailId}"
FILES = "GET /users/{userId}/emails/{folder}/{emailId}/attachments"
FILE = "GET /users/{userId}/emails/{folder}/{emailId}/attachments/{partId}"
ABOUT_ONE = (READS, FILES, FILE)
OPERATIONS = (LISTS, *ABOUT_ONE)
TOLD = ("GET /users/{userId}/emails/folders", "GET /users/{userId}/emails/folders/{folderPath}")
OTHERS = ("Quarantine", "Retention", "folders")
PAGE_SIZE, PAGE_SIZE_MAX, REACH = 40, 1_000, 10_000
SORTS = ("-sentDate", "sentDate", "-send_date", "send_date")
DATES = ("receivedAfter", "receivedBefore")
NOT_READ = (
    "Programs read the archive of whoever's token they hold. Another's archive is opened on its page, with a reason, "
    "and its owner sees that it was."
)
Ask = Callable[[list[str], str], HttpResponse]


def answer(operation: str, query: QueryDict, parts: list[str], place: str, ask: Ask) -> HttpResponse:
    """The folders, the messages of one, or one of them. place: what stands before paths. Raises: ApiError."""
    root = f"{place}/users/{quote(parts[1], safe='@')}/emails"
    if operation in TOLD:
        return _folders(ask(parts, query.urlencode()), root)
    if operation in ABOUT_ONE:
        return _one(operation, query, parts, root, ask)
    given = {name: str(value) for name, value in query.items() if name not in ("offset", "pageSize", "sort", "fields")}
    for name in DATES:
        if name in given:
            given[name] = moment(name, given[name])[:10]  # an archive is searched by days
    first = ask(parts, urlencode(given | {"pageSize": 1}))
    if first.status_code != 200:
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
        json.dumps(
            [_line(each, f"{root}/{quote(parts[3], safe='')}") for each in _sorted(lines, sort)], ensure_ascii=False
        ),
        content_type="application/json",
    )
    made["X-Total-Count"] = str(total)
    return made


def _folders(found: HttpResponse, root: str) -> HttpResponse:
    """Folders with where their messages are listed, which is nowhere else in version 1."""
    if found.status_code == 200:
        told = json.loads(found.content)
        for each in told:
            each["messagesUri"] = each.get("messagesUri") or f"{root}/{quote(each['path'], safe='')}"
        found.content = json.dumps(told, ensure_ascii=False).encode()
    return found


def _sorted(lines: list[dict[str, Any]], sort: str) -> Iterable[dict[str, Any]]:
    return lines if sort.startswith("-") else reversed(lines)


def _one(operation: str, query: QueryDict, parts: list[str], root: str, ask: Ask) -> HttpResponse:
    """A message in one of its folders, its attachments, or one of them. Raises: NotAllowed, where only a person may."""
    users, user, _emails, folder, message, *_rest = parts
    place = [users, user, "messages", message]
    wanted = {"folder": folder, "fields": str(query.get("fields", "HEADERS"))}
    found = ask(place, urlencode(wanted))
    if found.status_code != 200:
        archive = [users, user, "emails"]
        is_seen = found.status_code == 404 and ask([*archive, "folders"], "").status_code == 200
        if is_seen and ask(archive, "pageSize=1").status_code != 200:
            raise NotAllowed(NOT_READ)
        return found
    if operation == FILE:
        return ask([*place, "attachments", parts[-1]], "")
    told = json.loads(found.content)
    told |= {"folder": folder, "hasAttachments": bool(told["attachments"])}
    told["uri"] = f"{root}/{quote(folder, safe='')}/{quote(message, safe=':')}"
    files = [each | {"partId": each["id"]} for each in told["attachments"]]
    for each in files:
        each["downloadUri"] = each["displayUri"] = f"{told['uri']}/attachments/{each['partId']}"
    told["attachments"] = {"attachments": files, "count": len(files)}
    answer = told["attachments"] if operation == FILES else told
    return HttpResponse(json.dumps(answer, ensure_ascii=False), content_type="application/json")


def _walked(parts: list[str], given: dict[str, Any], end: int, ask: Ask) -> list[dict[str, Any]]:
    """The newest so many messages."""
    lines: list[dict[str, Any]] = []
    before: str | None = ""
    while len(lines) < end and before is not None:
        page = json.loads(ask(parts, urlencode(given | {"pageSize": PAGE_SIZE_MAX, "before": before})).content)
        lines += page["messages"]
        before = page["older"]
    return lines[:end]


def _line(line: dict[str, Any], place: str) -> dict[str, Any]:
    return {
        "id": line["id"],
        "uri": f"{place}/{quote(line['id'], safe=':')}",
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
