"""Where a signature goes into plain text: above what is quoted at its end, else at the end. Not for encodings.

What somebody wrote below a quotation, or between two, stays above the signature (RFC 3676 §4.5 for quote marks).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.signatures import quoting

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")
MOST_JOINED = 3  # lines that an introduction is wrapped over
MOST_FIELDS = 8


@dataclass(frozen=True, slots=True)
class Line:
    start: int
    text: str  # without its end


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is put in. is_above: what follows is quoted."""

    at: int
    is_above: bool


def spot_in(text: str) -> Spot:
    """Before the quotation at the end of the text, else at its end."""
    lines = _lines(text)
    ends, at = _below_which_all_is_quoted(lines), len(lines)
    is_quoted = ends is not None
    at = len(lines) if ends is None else ends
    directly = False
    while at > 0:
        line = lines[at - 1].text
        if not line.strip():
            at -= 1
        elif line.startswith(">"):
            at, is_quoted, directly = at - 1, True, True
        elif directly and (count := _introduction(lines, at)):
            at, directly = at - count, False
        else:
            break
    if not is_quoted:
        return Spot(len(text), False)
    while at < len(lines) and not lines[at].text.strip():
        at += 1
    return Spot(lines[at].start, True)


def piece_for(text: str, spot: Spot, block: str, newline: str, *, is_flowed: bool = False) -> str:
    """What is put in at the spot: the block with the line ends and empty lines that part it from what is there."""
    lines = [line.rstrip() for line in block.strip("\n").split("\n")]
    if is_flowed:  # RFC 3676 §4.4: lines that could be taken for something else get a space
        lines = [f" {line}" if line.startswith((" ", ">", "From ")) else line for line in lines]
    before = text[: spot.at]
    lead = "" if not before or before.endswith(("\n", "\r")) else newline
    if before.strip() and not _ends_with_blank_line(before):
        lead += newline
    tail = newline * 2 if spot.is_above else newline
    if not spot.is_above and before.strip():
        lines = ["-- ", *lines]
    return lead + newline.join(lines) + tail


def _ends_with_blank_line(text: str) -> bool:
    last = text[-400:].replace("\r\n", "\n").replace("\r", "\n").rsplit("\n", 2)
    return len(last) == 3 and not last[1].strip() and not last[2]


def _lines(text: str) -> list[Line]:
    found = []
    for match in _LINE.finditer(text):
        if match.end() == match.start():
            break
        found.append(Line(match.start(), match[0].rstrip("\r\n")))
    return found


def _below_which_all_is_quoted(lines: list[Line]) -> int | None:
    """The line with which an unmarked quotation begins that goes on to the end."""
    marked, written = _last(lines, marked=True), _last(lines, marked=False)
    for at, line in enumerate(lines):
        text = line.text
        if not text or text.startswith(">"):
            continue
        if quoting.is_banner(text):
            return at
        if quoting.is_from(text) and _has_fields(lines, at + 1):
            above = at - 1
            while above >= 0 and not lines[above].text.strip():
                above -= 1
            return above if above >= 0 and quoting.is_rule(lines[above].text) else at
        # what follows has no quote marks: then the introduction is all that parts it from what is own
        if marked <= at < written and quoting.introduces(text, alone=True):
            return at
    return None


def _has_fields(lines: list[Line], at: int) -> bool:
    """Two more fields of a header within the next lines; a long list of recipients may be wrapped."""
    following = [line.text for line in lines[at : at + MOST_FIELDS] if line.text.strip()]
    return sum(quoting.is_other_field(text) for text in following) >= 2


def _last(lines: list[Line], *, marked: bool) -> int:
    """The last line with a quote mark, or the last that isn't empty; -1 where there is none. Asked once a text."""
    for at in range(len(lines) - 1, -1, -1):
        text = lines[at].text
        if text.startswith(">") if marked else text.strip():
            return at
    return -1


def _introduction(lines: list[Line], end: int) -> int:
    """How many lines before `end` introduce the quotation below."""
    for count in range(1, MOST_JOINED + 1):
        if end < count:
            return 0
        chunk = [line.text.strip() for line in lines[end - count : end]]
        if not all(chunk):
            return 0
        if quoting.introduces(" ".join(chunk)) and (count == 1 or not quoting.introduces(" ".join(chunk[1:]))):
            return count if count > 1 or not _begins_above(lines, end) else count + 1
    return 0


def _begins_above(lines: list[Line], end: int) -> bool:
    """Whether a line that says "wrote:" goes on from one above it that has the date."""
    if end < 2:
        return False
    above, line = lines[end - 2].text.strip(), lines[end - 1].text.strip()
    if not above or above.startswith(">") or quoting.introduces(line, alone=True):
        return False
    return quoting.introduces(f"{above} {line}", alone=True)
