"""How Cleanmail writes what version 1 of our API writes otherwise: ids are strings, moments are epoch milliseconds
(seconds in health reports), enumerations of filters are upper case. Both ways; nothing else of a document is touched.

Source: cleanmail.md §4 and its samples.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from api.answering import PREFIX as OURS

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ID = re.compile(r"(?:^id|Id|Ids)\Z")
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_DATE_KEY = re.compile(r"(?:expiration|[a-z](?:At|Until|Date|Since|Before|After)|^date|^until|^expires)\Z")
_MILLISECONDS = re.compile(r"[1-9][0-9]{11,13}", re.ASCII)
IN_SECONDS = frozenset({"performedAt"})
SERVICES = {"quarantineProps": "quarantine", "retentionProps": "retention", "archiveProps": "archive"}
LEAST_MILLISECONDS = 10**11  # 1973; a smaller number is none of our moments


def outward(value: Any, key: str = "", *, place: str = OURS) -> Any:
    """A document of ours as Cleanmail writes it. place: what stands before paths of its own ("/cleanmail/api/v3")."""
    if isinstance(value, dict):
        shown = {name: outward(each, name, place=place) for name, each in value.items()}
        if SERVICES.keys() <= shown.keys():  # a policy: a service that is off has no values
            shown |= {props: None for props, service in SERVICES.items() if shown.get(service) is False}
        return shown
    if isinstance(value, list):
        return [outward(each, key, place=place) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and _ID.search(key):
        return str(value)
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        seconds = datetime.fromisoformat(value).timestamp()
        return round(seconds) if key in IN_SECONDS else round(seconds * 1000)
    if isinstance(value, str) and key.lower().endswith("uri") and value.startswith(f"{OURS}/"):
        return place + value.removeprefix(OURS)
    return value


def queried(query: str) -> str:
    """A query string of Cleanmail's as version 1 reads it: moments as it reads them, the rest as it is."""
    pairs = parse_qsl(query, keep_blank_values=True)
    read = [(name, moment(name, value)) for name, value in pairs]
    return query if read == pairs else urlencode(read)


def moment(name: str, value: str) -> str:
    """One value of a query: a moment where it is one in milliseconds."""
    return str(inward(int(value), name)) if _MILLISECONDS.fullmatch(value) else value


def inward(value: Any, key: str = "") -> Any:
    """A document of Cleanmail's as version 1 reads it."""
    if isinstance(value, dict):
        said = {name: each for name, each in value.items() if each is not None or name not in SERVICES}
        return {name: inward(each, name) for name, each in said.items()}
    if isinstance(value, list):
        return [inward(each, key) for each in value]
    if isinstance(value, str) and _ID.search(key) and _DIGITS.fullmatch(value):
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and _DATE_KEY.search(key) and LEAST_MILLISECONDS <= value < 10**14:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat().replace("+00:00", "Z")
    return value
