"""Header fields into text: encoded words, addresses, dates, parameters. Not the structure of a message.

Every function takes any bytes, never raises, and takes time linear in them (patterns over hostile text are
bounded or possessive). Source: RFC 5322 §3.3–3.4, RFC 2047, RFC 2231.
"""

from __future__ import annotations

import binascii
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as calendar_date
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from archive.mail.charsets import decode

MAX_ADDRESSES = 10_000
EARLIEST = 0
TOLERATED_AHEAD_S = 2 * 86_400
_EPOCH_DAY = calendar_date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Address:
    """One mailbox of an address field: display name ("" if none) and address as written. Not to be changed."""

    name: str
    address: str


# --- text ---------------------------------------------------------------------------------------------------

_WORD = re.compile(
    rb"=\?([^?\s]{1,60})\?([bqBQ])\?([^?]*+(?:\?(?!=)[^?]*+){0,8}+)\?=(\s*(?==\?))?",
)
_BREAKS = re.compile(rb"[\r\n]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# What turns the direction of text: a subject or a name that reads "exe.png" and ends in .exe.
OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
_USUAL_ID = re.compile(rb"<([!-;=@-~]{1,900})>")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def text_of(value: bytes, hint: str = "") -> str:
    """A field's value as one line of text: unfolded, encoded words decoded, no control characters.

    `hint` is a charset for raw 8-bit text that is not UTF-8, usually the body's.
    """
    if b"\n" in value or b"\r" in value:
        value = _BREAKS.sub(b"", value)
    text = decode_words(value, hint) if b"=?" in value else decode(value, "", hint)
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return text.strip()


def decode_words(value: bytes, hint: str = "") -> str:
    """RFC 2047 encoded words decoded; what is none stays. Neighbours of one charset are joined before decoding,
    since senders cut characters in half.
    """
    pieces: list[str] = []
    waiting = b""
    charset = ""
    position = 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        label = match[1].partition(b"*")[0].decode("latin-1")
        if between or label != charset:
            if waiting:
                pieces.append(decode(waiting, charset, hint))
                waiting = b""
            if between:
                pieces.append(decode(between, "", hint))
        charset = label
        waiting += _word_bytes(match[2], match[3])
        position = match.end()
        if len(waiting) > 65_536:
            pieces.append(decode(waiting, charset, hint))
            waiting = b""
    if waiting:
        pieces.append(decode(waiting, charset, hint))
    pieces.append(decode(value[position:], "", hint))
    return "".join(pieces)


def _word_bytes(kind: bytes, data: bytes) -> bytes:
    if kind in b"qQ":
        return _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), data.replace(b"_", b" "))
    data = data.translate(None, _NOT_BASE64)
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def message_id(value: bytes) -> str:
    """A Message-ID without its angle brackets; "" where there is none."""
    if (match := _USUAL_ID.fullmatch(value)) is not None:
        return match[1].decode("ascii")
    text = text_of(value[:2000])
    start = text.find("<")
    end = text.find(">", start + 1)
    if 0 <= start < end:
        text = text[start + 1 : end]
    return "".join(text.split()).strip("<>")[:998]


# --- addresses ----------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<word>=\?[^?\s]{1,60}\?[bqBQ]\?[^?]*+\?=)
      | "(?P<quoted>(?:[^"\\]|\\.){0,300}+)"
      | <(?P<angle>[^<>]*+)>
      | \((?P<comment>(?:[^()\\]|\\.|\((?:[^()\\]|\\.){0,300}+\)){0,500}+)\)
      | (?P<separator>[,;])
      | (?P<colon>:)
      | (?P<space>\s++)
      | (?P<atom>[^\s"<>(),;:=]++|.)""",
    re.X | re.S,
)
_PAIR = re.compile(r"\\(.)", re.S)
_COMMON = re.compile(r"\s*+([ -~\xa1-\uffef]{0,200}?)\s*<?([!#-'*+\--9=?A-Z^-~]{1,100}+@[A-Za-z0-9.\-]{1,200}+)>?\s*+")
# `"Name" <a@b>`, `Name <a@b>`, `a@b (Name)`, `a@b`, with nothing in them that means more than it shows.
_USUAL = re.compile(
    r"""\s*+(?:(?:"(?P<quoted>[^"\\=\0]{0,200}+)"|(?P<bare>[ !#-'*+\--9?A-Z\[\]^-~\xa1-\uffef]{0,200}+))\s*+
              <(?P<angle>[!#-'*+\--9=?A-Z^-~]{1,100}+@[A-Za-z0-9.\-]{1,200}+)>
          | (?P<alone>[!#-'*+\--9?A-Z^-~]{1,100}+@[A-Za-z0-9.\-]{1,200}+)
            (?:\s*+\((?P<comment>[^()\\=\0]{0,200}+)\))?)\s*+(?:,|\Z)""",
    re.X,
)
_SIMPLE = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,400}@[^\s@<>,;:\"()\\]{1,400}")


def addresses(values: Iterable[bytes], hint: str = "") -> list[Address]:
    """The mailboxes of address fields. Groups are flattened; what has no "@" is kept as it stands, if single."""
    found: list[Address] = []
    for value in values:
        # The same few people write to the same few lists: most fields were seen just before.
        found += _remembered(value, hint) if len(value) <= 400 else _parsed(value, hint)
        if len(found) >= MAX_ADDRESSES:
            break
    return found


@lru_cache(maxsize=4096)
def _remembered(value: bytes, hint: str) -> tuple[Address, ...]:
    return tuple(_parsed(value, hint))


def _parsed(field: bytes, hint: str) -> list[Address]:
    found: list[Address] = []
    value = _BREAKS.sub(b" ", field) if b"\n" in field or b"\r" in field else field
    text = value.decode("ascii") if value.isascii() else decode(value, "", hint)
    if '"' in text or "(" in text or "=?" in text or ":" in text or ";" in text or "\\" in text or "\0" in text:
        if not _usual(text, found):
            _tokenised(text, hint, found)
        return found
    for piece in text.split(","):
        _plain(piece, found)
        if len(found) >= MAX_ADDRESSES:
            break
    return found


def _usual(text: str, found: list[Address]) -> bool:
    """What `_tokenised` finds, where all addresses are of the usual forms; else nothing and False."""
    at, some = 0, list[Address]()
    while at < len(text):
        match = _USUAL.match(text, at)
        if match is None or len(some) >= MAX_ADDRESSES:
            return False
        quoted, bare, angle, alone, comment = match.groups()
        some.append(Address(one_line(quoted or bare or comment or "")[:1000], angle or alone))
        at = match.end()
    found += some
    return True


def _plain(piece: str, found: list[Address]) -> None:
    if (match := _COMMON.fullmatch(piece)) is not None:
        found.append(Address(one_line(match[1]) if match[1] else "", match[2]))
        return
    name, bracket, rest = piece.partition("<")
    if bracket:
        address = rest.partition(">")[0].strip()
        _add(name, address, found)
    else:
        _add("", piece, found)


def _add(name: str, address: str, found: list[Address]) -> None:
    name = one_line(name)
    address = one_line(address)
    if " " in address:
        hit = _SIMPLE.search(address)
        if hit and not name:
            name = (address[: hit.start()] + address[hit.end() :]).strip(" <>")
        address = hit.group() if hit else "".join(address.split()) if "@" in address else address
    if address.startswith("@") and ":" in address:  # source route of RFC 822: <@relay:user@host>
        address = address.rpartition(":")[2]
    if "@" not in address and "@" in name and not address:
        name, address = "", name
    if name or address:
        found.append(Address(name[:1000], address[:1000]))


def _tokenised(text: str, hint: str, found: list[Address]) -> None:
    if text.count('"') > 2 * MAX_ADDRESSES:
        text = text.replace('"', " ")  # no list of people; each open quote would be looked into again
    words: list[str] = []  # phrase or address outside brackets
    comments: list[str] = []
    angle: str | None = None
    last_was_word = False
    gap = False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            gap = True
            continue
        piece = token.group()
        if kind == "separator":
            _emit(words, comments, angle, found)
            words, comments, angle, gap, last_was_word = [], [], None, False, False
            if len(found) >= MAX_ADDRESSES:
                return
            continue
        if kind == "colon":
            if angle is None and not any("@" in word for word in words):
                words, comments = [], []  # a group's name
            else:
                words.append(piece)
            continue
        if kind == "angle":
            angle = token["angle"].strip() if angle is None else angle
            gap = last_was_word = False
            continue
        if kind == "comment":
            comments.append(_phrase(_PAIR.sub(r"\1", token["comment"]), hint))
            gap = True
            continue
        if gap and words and not (last_was_word and kind == "word"):
            words.append(" ")
        if kind == "quoted":
            piece = _phrase(_PAIR.sub(r"\1", token["quoted"]), hint)
        words.append(piece)
        last_was_word = kind == "word"
        gap = False
    _emit([_phrase("".join(words), hint)] if words else words, comments, angle, found)


def _emit(words: list[str], comments: list[str], angle: str | None, found: list[Address]) -> None:
    phrase = _phrase("".join(words), "")
    if angle is not None:
        _add(phrase, angle, found)
    elif "@" in phrase or phrase:
        _add(" ".join(comments), phrase, found)


def _phrase(text: str, hint: str) -> str:
    return decode_words(text.encode("utf-8", "replace"), hint) if "=?" in text else text


def one_line(text: str) -> str:
    """Text with control characters and runs of white space turned into one space, and no turns of direction."""
    if not text.isprintable():
        text = _CONTROL.sub(" ", OVERRIDES.sub("", text))
    return " ".join(text.split())


# --- parameters ---------------------------------------------------------------------------------------------

_SECTION = re.compile(r"\*(\d{1,4})?(\*)?")


def parameter(params: Mapping[str, bytes], name: str, hint: str = "") -> str:
    """A parameter's text: plain, RFC 2231 (encoded, in pieces), or with the encoded words that must not be there."""
    if (plain := params.get(name)) is not None and f"{name}*" not in params:
        return one_line(text_of(plain, hint))
    pieces: list[tuple[int, bool, bytes]] = []
    for key, value in params.items():
        if key.startswith(name) and (match := _SECTION.fullmatch(key, len(name))):
            pieces.append((int(match[1] or 0), bool(match[2]) or key == f"{name}*", value))
    if not pieces:
        return one_line(text_of(plain, hint)) if plain is not None else ""
    pieces.sort(key=lambda piece: piece[0])
    charset = ""
    data = b""
    encoded = pieces[0][1]
    for number, (_, quoted, piece) in enumerate(pieces):
        value = piece
        if number == 0 and quoted and piece.count(b"'") >= 2:
            label, _, rest = piece.partition(b"'")
            charset = label.decode("latin-1")
            value = rest.partition(b"'")[2]
        data += unquote_to_bytes(value) if quoted else value
    if not encoded and b"=?" in data:
        return one_line(text_of(data, hint))
    return one_line(decode(data, charset, hint))


# --- dates --------------------------------------------------------------------------------------------------

# English, and the names that mailers of other languages wrote into the field against the standard.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar janvier enero ene gennaio gen januari",
            "feb februar février fevrier fév fev febrero febbraio februari",
            "mar mär mrz maerz märz mars marzo maart mrt",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag maj mei",
            "jun juni juin junio giugno giu",
            "jul juli juillet juil julio luglio lug",
            "aug august août aout aoû agosto ago augustus augusti",
            "sep sept september septembre septiembre settembre set",
            "oct okt oktober octobre octubre ottobre ott october",
            "nov november novembre noviembre",
            "dec dez dezember december décembre decembre déc diciembre dic dicembre des desember",
        ),
        1,
    )
    for name in names.split()
}
_ZONES = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 60, "WEST": 60, "CET": 60, "MET": 60, "MEZ": 60,
    "CEST": 120, "MEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "MSK": 180, "MSD": 240, "IST": 330,
    "JST": 540, "KST": 540, "HKT": 480, "CCT": 480, "AEST": 600, "EST": -300, "EDT": -240, "CST": -360,
    "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420, "AST": -240, "ADT": -180, "BRT": -180,
    "NZST": 720, "NZDT": 780, "HST": -600, "AKST": -540, "AKDT": -480,
}  # fmt: skip
_RFC = re.compile(
    r"\s*(?:[^\W\d]+\.?\s*,?\s*)?(\d{1,2})[\s.\-/]*([^\W\d]{3,12})[\s.\-/,]*(\d{2,4})"
    r"(?:[\s,;T]+(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2})(?:\.\d{1,9})?)?)?\s*(?:([AaPp][Mm])\b)?\s*(?:\(?(?:GMT|UTC)?([+\-]\s?\d{1,2}:?\d{2})|\(?([A-Z]{1,5}))?"
)
_ASCTIME = re.compile(
    r"\s*(?:[^\W\d]+\.?,?\s+)?([^\W\d]{3,12})[\s.]+(\d{1,2}),?\s+(?:(\d{4})\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"(?:\s*([AaPp][Mm])\b)?(?:\s+([A-Z]{3,5}|[+\-]\d{4}))?(?:\s+(\d{2,4}))?(?:\s+([A-Z]{3,5}|[+\-]\d{4}))?"
)
_ISO = re.compile(
    r"\s*(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?)?\s*(Z|[+\-]\d{2}:?\d{2})?"
)


def parse_date(value: bytes) -> int | None:
    """Epoch seconds (UTC) of a Date field, None where it can't be read or the calendar has no such day.

    Two-digit years follow RFC 5322 §4.3 (00–49 are 2000–2049), three-digit ones count from 1900; a missing or
    unknown zone is UTC; hours beyond the day roll over. No opinion here on what is plausible: see `plausible`.
    """
    text = value.decode("ascii") if value.isascii() else decode(value)
    text = text[:200]
    try:
        return _rfc_date(text) if (match := _RFC.match(text)) is None else _from_rfc(match)
    except (ValueError, OverflowError):
        return None


def plausible(seconds: int | None, now: float | None = None) -> bool:
    """Whether a mail can be of that time: from 1970 to two days ahead of now (clocks and zones go wrong)."""
    return seconds is not None and EARLIEST <= seconds <= (time.time() if now is None else now) + TOLERATED_AHEAD_S


def sent_at(dates: Iterable[bytes], received: Iterable[bytes]) -> int | None:
    """When a message was sent, epoch seconds UTC: its Date, or where that is missing, unreadable or implausible
    (1996 mail dated 2036) the time in its topmost Received field; None if that is no better.
    """
    for value in dates:
        if plausible(seconds := parse_date(value)):
            return seconds
    for value in received:
        seconds = parse_date(value.rpartition(b";")[2])
        return seconds if plausible(seconds) else None
    return None


def _from_rfc(match: re.Match[str]) -> int | None:
    day, month, year, hour, minute, second, half, zone, letters = match.groups()
    number = _MONTHS.get(month.lower()) or _MONTHS.get(month[:3].lower())
    if number is None:
        return None
    return _seconds(year, number, day, hour, minute, second, half, zone or letters)


def _rfc_date(text: str) -> int | None:
    """The forms that are not RFC 5322: asctime, ISO 8601."""
    if match := _ISO.match(text):
        year, month, day, hour, minute, second, zone = match.groups()
        return _seconds(year, int(month), day, hour, minute, second, None, zone)
    if match := _ASCTIME.match(text):
        name, day, year, hour, minute, second, half, zone, late_year, late_zone = match.groups()
        number = _MONTHS.get(name.lower()) or _MONTHS.get(name[:3].lower())
        year = year or late_year
        if number is not None and year is not None:
            return _seconds(year, number, day, hour, minute, second, half, zone or late_zone)
    return None


def _seconds(
    year: str, month: int, day: str, hour: str | None, minute: str | None, second: str | None, half: str | None,
    zone: str | None,
) -> int:  # fmt: skip
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 50 else 1900
    elif len(year) == 3:
        number += 1900
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half in ("PM", "pm", "Pm", "pM") else 0)
    days = calendar_date(number, month, int(day)).toordinal() - _EPOCH_DAY
    return days * 86_400 + hours * 3600 + int(minute or 0) * 60 + int(second or 0) - _offset(zone)


def _offset(zone: str | None) -> int:
    if not zone:
        return 0
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "").strip().rjust(4, "0")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60
        if offset > 24 * 3600:
            return 0  # no such zone: the clock time is still the best we have
        return -offset if zone[0] == "-" else offset
    return _ZONES.get(zone, 0) * 60
