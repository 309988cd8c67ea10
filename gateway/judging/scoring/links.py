"""Signs in links and in attached files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domains.policy.facts import Attachment, Facts
from gateway.judging.scoring.sight import Sight

MOST_LINKS = 100
_NUMBER = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\d{8,10}|0x[0-9a-f]{8}", re.IGNORECASE)
_CHEAP = re.compile(
    r"\.(?:biz|info|top|xyz|click|link|club|online|site|icu|work|loan|win|bid|men|gq|cf|tk|ml|ga|cn|ru|ws|cc|tv|nu|to|kr|tw|hk|br)\Z"
)
_SHORT = frozenset(
    [
        "bit.ly",
        "t.co",
        "goo.gl",
        "tinyurl.com",
        "ow.ly",
        "is.gd",
        "buff.ly",
        "cutt.ly",
        "rb.gy",
        "t.ly",
        "rebrand.ly",
        "shorturl.at",
        "tiny.cc",
    ]
)
_REMOVE = re.compile(r"remov|unsub|opt-?out|optin|delete|takeoff|abmeld", re.IGNORECASE)
_REDIRECT = re.compile(r"https?[:%].{0,5}[/%].*https?(?::|%3a)(?:/|%2f)|\*http", re.IGNORECASE)
_ANCHOR = re.compile(
    r"<a\b[^>]{0,500}?href\s*=\s*[\"']?(https?://[^\s\"'>]{4,500})[^>]{0,300}>([^<]{4,300})</a", re.IGNORECASE
)
_SHOWN = re.compile(r"\s*(?:https?://|www\.)([a-z0-9.-]{4,100})", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:https?|ftp)://([^/?#\s]*)", re.IGNORECASE)
_RANDOM = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}|[a-z]\d[a-z]\d[a-z]|\d{5,}")

_PROGRAM = re.compile(
    r"\.(?:exe|scr|pif|com|bat|cmd|vbs|vbe|js|jse|wsf|wsh|hta|msi|cpl|jar|lnk|ps1|iso|img|vhd|reg|chm)\Z", re.IGNORECASE
)
_DOUBLE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|txt|jpe?g|gif|png|zip|mp3|avi|htm)[ _.]*\.(?:exe|scr|pif|com|bat|vbs|js|lnk|hta|cmd|iso)\Z",
    re.IGNORECASE,
)
_MACROS = re.compile(r"\.(?:docm|xlsm|pptm|dotm|xltm|xlam|xll)\Z", re.IGNORECASE)
_PAGE = re.compile(r"\.(?:s?html?|svg|mht|xht)\Z", re.IGNORECASE)
_ARCHIVES = ("zip", "rar", "7z", "tar", "gzip", "bzip", "xz")


def signs(sight: Sight) -> Iterator[str]:
    found = set(_links(sight.facts))
    if _is_own(sight.facts):
        found.add("own-links")
    html = sight.html
    if (
        html
        and "shown-link" in sight.tricks
        and any(_leads_elsewhere(href, shown) for href, shown in _ANCHOR.findall(html)[:MOST_LINKS])
    ):
        found.add("link-other")
    for attachment in sight.facts.attachments[:MOST_LINKS]:
        found.update(_file(attachment))
    if "archive-unread" in sight.facts.incomplete or "archive-locked" in sight.facts.incomplete:
        found.add("file-locked")
    yield from sorted(found)


def _links(facts: Facts) -> Iterator[str]:
    for uri in facts.uris[:MOST_LINKS]:
        host, full = uri.host, uri.full
        authority = (_AUTHORITY.match(full) or [full, ""])[1]
        if _NUMBER.fullmatch(host):
            yield "link-number"
        if "@" in authority:
            yield "link-user"
        if "%" in authority or re.search(r"%(?:[2-7][0-9a-f])", full.partition("?")[0], re.IGNORECASE):
            yield "link-escaped"
        port = authority.rpartition("@")[2].partition(":")[2]
        if port and port not in ("80", "443", "8080"):
            yield "link-port"
        if _CHEAP.search(host):
            yield "link-cheap"
        if host in _SHORT:
            yield "link-short"
        if host.startswith("xn--") or ".xn--" in host or not host.isascii():
            yield "link-lookalike"
        if _REMOVE.search(full):
            yield "link-remove"
        if _REDIRECT.match(full):
            yield "link-redirect"
        if _RANDOM.search(host) and not _NUMBER.fullmatch(host):
            yield "link-random"


def _is_own(facts: Facts) -> bool:
    """Whether at least half of the hosts are the sender's."""
    if not facts.uris or not facts.header_from:
        return False
    owner = owner_of(facts.header_from[0].address.rpartition("@")[2].lower())
    hosts = {uri.host for uri in facts.uris[:MOST_LINKS]}
    return sum(owner_of(host) == owner for host in hosts) * 2 >= len(hosts)


def _leads_elsewhere(href: str, shown: str) -> bool:
    said = _SHOWN.match(shown)
    if said is None:
        return False
    real = (_AUTHORITY.match(href) or [href, ""])[1].rpartition("@")[2].partition(":")[0].lower()
    return owner_of(real) != owner_of(said[1].lower().rstrip("."))


def owner_of(host: str) -> str:
    """Roughly who a host belongs to: its last two labels, three below short ones (co.uk)."""
    labels = host.split(".")
    most = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-most:])


def _file(attachment: Attachment) -> Iterator[str]:
    names = attachment.names
    if any(_DOUBLE.search(name) for name in names):
        yield "file-double"
    if any(_PROGRAM.search(name) for name in names) or attachment.content_type in _PROGRAM_TYPES:
        yield "file-program"
    if any(_PROGRAM.search(entry.name) or entry.content_type in _PROGRAM_TYPES for entry in attachment.entries):
        yield "file-archived-program"
    if any(_MACROS.search(name) for name in names) or any(
        e.name.endswith("vbaProject.bin") for e in attachment.entries
    ):
        yield "file-macros"
    if any(_PAGE.search(name) for name in names):
        yield "file-page"


_PROGRAM_TYPES = frozenset(
    {
        "application/x-dosexec",
        "application/x-msdownload",
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
    }
)
