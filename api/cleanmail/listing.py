"""Lists longer than version 1 gives at once, and lists as spreadsheets. Not for folders of an archive (`folders`).

Source: cleanmail.md §4 (a page's size has no limit there), §5.8 to §5.10 and §5.14 (“application/vnd.ms-excel”).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse

from api.cleanmail import sheets
from api.dialects.call import Call

AT_ONCE, MOST = 1_000, 10_000
EXCEL = "application/vnd.ms-excel"
AS_SHEETS = {
    "GET /domains/{domainId}/filters/attachments": "attachment-filters",
    "GET /domains/{domainId}/filters/uris": "uri-filters",
    "GET /domains/{domainId}/wblist": "senders",
    "GET /users/{userId}/wblist": "senders",
    "GET /domains/{domainId}/users": "users",
}
Ask = Callable[[str], HttpResponse]


def is_own(call: Call, query: str) -> bool:
    """Whether this is one that version 1 doesn't answer in one go."""
    return call.method == "GET" and (_is_sheet(call) or _size(query) > AT_ONCE)


def answer(call: Call, query: str, ask: Ask) -> HttpResponse:
    """The whole page, of several of version 1; a sheet without a size has all, up to what anything answers here."""
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    start = pairs.get("offset", "0")
    size = min(_size(query) or MOST, MOST)
    rows: list[Any] = []
    while True:
        step = min(AT_ONCE, size - len(rows))
        offset = str(int(start) + len(rows)) if start.isdecimal() else start
        page = ask(urlencode({**pairs, "offset": offset, "pageSize": step}))
        found = json.loads(page.content) if page.status_code == 200 else None
        if not isinstance(found, list):
            return page
        rows += found
        if len(found) < step or len(rows) >= size:
            break
    if _is_sheet(call):
        made = HttpResponse(sheets.workbook(rows), content_type=EXCEL)
        made["Content-Disposition"] = f'attachment; filename="{AS_SHEETS[call.operation]}.xlsx"'
    else:
        made = HttpResponse(
            json.dumps(rows, ensure_ascii=False, separators=(",", ":")), content_type="application/json"
        )
    made["X-Total-Count"] = page.headers.get("X-Total-Count", str(len(rows)))
    return made


def _is_sheet(call: Call) -> bool:
    return call.operation in AS_SHEETS and EXCEL in call.header("Accept")


def _size(query: str) -> int:
    """The size that is asked for; 0 without one, or with none that is a number."""
    text = dict(parse_qsl(query)).get("pageSize", "")
    return int(text[:9]) if text.isascii() and text.isdecimal() else 0
