"""What a postmark is: the `From sender date` line that begins each message of an mbox.

The one definition that reading and counting share. Sources: RFC 4155 appendix A ("From ", an address, a ctime date
in UTC; parsers should be lenient), mbox(5) of qmail (the line begins with "From ", a separator only counts at the
start of a line; mboxo, mboxrd, mboxcl, mboxcl2), and files as they are: Thunderbird's `From - Sat Jan  1 …`,
Takeout's `From 17@xxx Fri Jan 12 20:29:02 +0000 2024`, Pipermail's `From joe at example.org  Mon …`,
UUCP's `… remote from host`, RFC 2822 and ISO dates of home-made exporters.

Rules:
- A line that begins with "From " and ends in a date, with something like a sender between, is a postmark, whether or
  not a blank line stands before it. A sentence that begins with "From " has no date at its end and is text.
- A file whose first line begins with "From " but has no date was written by a program that leaves the date out.
  In such a file (it is judged as a whole) a "From " line of as many words as the first one that is directly followed
  by a header line is a separator too. `From -` (Mozilla) followed by a header line is one in every file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

LINE_MAX = 1000  # a longer line is no postmark
LOOK_BYTES = 2048  # so much after a "From " must be seen to decide, header line included

_MONTHS = {m: n for n, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_CLOCK = rb"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?"
_ZONES = rb"((?:[ \t]+(?:[A-Za-z]{1,5}|[+-]\d{4}|\([^()]{1,40}\))){0,3})"
_MONTH = rb"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_WEEKDAY = rb"(?:[A-Za-z]{3},?[ \t]+)?"
_REMOTE = rb"(?:[ \t]+remote from [^ \t]{1,64})?[ \t]*$"
_CTIME = re.compile(
    rb"(?:^|[ \t])" + _WEEKDAY + _MONTH + rb"[ \t]+(\d{1,2})[ \t]+" + _CLOCK + _ZONES + rb"[ \t]+(\d{4}|\d\d)"
    rb"" + _ZONES + _REMOTE,
    re.IGNORECASE,
)
_RFC2822 = re.compile(
    rb"(?:^|[ \t])" + _WEEKDAY + rb"(\d{1,2})[ -]" + _MONTH + rb"[ -](\d{4}|\d\d)[ \t]+" + _CLOCK + _ZONES + _REMOTE,
    re.IGNORECASE,
)
_ISO = re.compile(
    rb"(?:^|[ \t])(\d{4})-(\d\d)-(\d\d)[ T]" + _CLOCK + rb"[ \t]*((?:Z|[+-]\d\d:?\d\d)?)" + _REMOTE,
)
_USUAL = re.compile(
    rb"From [^ \t]+ +[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$",
)
_OFFSET = re.compile(rb"([+-])(\d\d):?(\d\d)")
_HEADER = re.compile(rb"[!-9;-~]{1,200}[ \t]*:|>From ")


def header_like(line: bytes) -> bool:
    """Could this line be the first one of a header (RFC 5322 §2.2: printable name without blanks, then a colon)?"""
    return _HEADER.match(line) is not None


def _sender_like(sender: bytes) -> bool:
    words = sender.split()
    return len(words) <= 1 or b"@" in sender or sender.startswith(b'"') or (len(words) == 3 and words[1] == b"at")


def _epoch(year: bytes, month: int, day: bytes, clock: tuple[bytes, bytes, bytes | None], zone: bytes) -> int | None:
    """Seconds since 1970 UTC; None for a date that doesn't exist. A zone name is taken as UTC, like no zone at all."""
    number = int(year)
    if len(year) == 2:
        number += 1900 if number >= 70 else 2000
    try:
        days = date(number, month, int(day)).toordinal() - 719_163
    except ValueError:
        return None
    hour, minute, second = (int(part or 0) for part in clock)
    if hour > 23 or minute > 59 or second > 60:
        return None
    offset = _OFFSET.search(zone) if zone else None
    shift = 0 if offset is None else (int(offset[2]) * 60 + int(offset[3])) * (60 if offset[1] == b"+" else -60)
    return days * 86_400 + hour * 3600 + minute * 60 + second - shift


def dated(line: bytes) -> tuple[bool, int | None]:
    """Is this line (without its end) a postmark with a date, and when was that?

    Returns (yes, epoch seconds or None). 1970-01-01 00:00:00 is what writers put who know no date: None.
    """
    if len(line) > LINE_MAX:
        return False, None
    usual = _USUAL.match(line)
    if usual is not None:
        month = _MONTHS.get(usual[1].lower())
        if month is not None:
            return True, _epoch(usual[6], month, usual[2], (usual[3], usual[4], usual[5]), b"") or None
    if not line.startswith(b"From "):
        return False, None
    tail = line[5:][-120:]
    for pattern, order in ((_CTIME, "ctime"), (_RFC2822, "2822"), (_ISO, "iso")):
        found = pattern.search(tail)
        if found is None:
            continue
        sender = line[5 : len(line) - len(tail) + found.start()].strip()
        if not _sender_like(sender):
            return False, None
        part = found.groups(b"")
        if order == "ctime":
            when = _epoch(part[6], _MONTHS[part[0].lower()], part[1], (part[2], part[3], part[4]), part[5] + part[7])
        elif order == "2822":
            when = _epoch(part[2], _MONTHS[part[1].lower()], part[0], (part[3], part[4], part[5]), part[6])
        else:
            when = _epoch(part[0], int(part[1]), part[2], (part[3], part[4], part[5]), part[6])
        return True, when or None
    return False, None


@dataclass(frozen=True, slots=True)
class Style:
    """How the postmarks of one file look: with a date, or (words > 0) without one and of so many words."""

    words: int = 0

    @classmethod
    def of(cls, first_line: bytes) -> Style:
        """The style of a file whose first From_ line is this one (without its end)."""
        return cls() if dated(first_line)[0] else cls(words=len(first_line.split()))

    def judge(self, text: bytes, at: int) -> tuple[bool, int | None]:
        """Does a message begin at `text[at:]`, which begins with "From " at the start of a line?

        `text` must hold LOOK_BYTES from `at` on, or reach to the end of the file. Returns (yes, date or None).
        """
        end = text.find(b"\n", at, at + LINE_MAX + 2)
        if end < 0:
            if len(text) - at > LINE_MAX:
                return False, None
            end = len(text)
        line = text[at:end].rstrip(b"\r")
        is_dated, when = dated(line)
        if is_dated:
            return True, when
        words = self.words or (2 if line.startswith(b"From -") else 0)
        if not words or len(line.split()) != words:
            return False, None
        return header_like(text[end + 1 : end + 1 + 256]), None
