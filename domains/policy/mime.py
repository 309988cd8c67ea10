"""The parts of a message, in time proportional to its size, within limits; never raises on any bytes.

Large parts are views of the message: it lies in memory once, however deep they are.

A simple reader for the tester page. Not for the archive: `archive.mail` reads mail thoroughly, and sits above us.
Source: RFC 5322 §2.1-2.2, RFC 2045 §6, RFC 2046 §5.1, RFC 2047, RFC 2231.
"""

from __future__ import annotations

import binascii
import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses

from domains.policy.facts import Mailbox

MAX_PARTS = 500
MAX_DEPTH = 16
MAX_HEADERS = 1000
MAX_HEAD_BYTES = 256 * 1024
MAX_VALUE = 16 * 1024
MAX_PARAMETERS = 2048
MAX_LINE_BYTES = 998
VIEWED_BYTES = 256 * 1024

# What nearly every Content-Type is: no continuations, escapes or comments.
_PLAIN_PARAMETERS = re.compile(
    r"\s*([\w.+/-]{1,200})\s*((?:;\s*[\w.-]{1,100}=(?:\"[^\"\\\\]{0,500}\"|[\w.+/=:?@-]{1,500})\s*){0,20});?\s*",
    re.ASCII,
)
_PARAMETER = re.compile(r"([\w.-]+)=(?:\"([^\"]*)\"|([\w.+/=:?@-]+))", re.ASCII)
_BLANK_LINE = re.compile(rb"(?:\A|\n)\r?\n")
_HEADER = re.compile(r"([!-9;-~]{1,200})[ \t]*:[ \t]*")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,2000})\?=")
# What nearly every address header is: one entry without anything special in it.
_PLAIN_ENTRY = re.compile(
    r"\s*(?:\"([^\"\\\\<>]*)\"|([^\"\\\\<>,;:@()\[\]]*?))\s*<([^\s<>,;:\"()\\\\\[\]@]+@[\w.-]+)>\s*"
)
_PLAIN_ADDRESS = re.compile(r"\s*([^\s<>,;:\"()\\\\\[\]@]+@[\w.-]+)\s*")
_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,320}@[^\s<>,;:\"()]{1,320}")
# Codecs that aren't character sets of mail, or take more than linear time.
_UNDECLARED = frozenset({"", "us-ascii", "ascii", "unknown-8bit"})
_NO_CHARSETS = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})


@dataclass(frozen=True, slots=True)
class Head:
    """Header fields in order, unfolded, as text; and what is wrong with them."""

    fields: tuple[tuple[str, str], ...] = ()
    defects: tuple[str, ...] = ()
    _by_name: dict[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[str]] = {}
        for name, value in self.fields:
            by_name.setdefault(name.lower(), []).append(value)
        object.__setattr__(self, "_by_name", by_name)

    def all(self, name: str) -> list[str]:
        return list(self._by_name.get(name, ()))

    def first(self, name: str) -> str:
        found = self._by_name.get(name)
        return found[0] if found else ""

    def repeated(self) -> set[str]:
        """The names of which there are several, in lower case."""
        return {name for name, values in self._by_name.items() if len(values) > 1}

    def names(self) -> Iterable[str]:
        """Each name once, in lower case."""
        return self._by_name.keys()


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf. `body` is still encoded; `names` are decoded."""

    head: Head
    body: bytes | memoryview
    content_type: str
    charset: str
    names: tuple[str, ...]
    is_attachment: bool


@dataclass(slots=True)
class Parts:
    """The message taken apart. `skipped` says which limits were met."""

    head: Head
    leaves: list[Part] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)


_Place = tuple[int, int]  # of a part in the message: where it begins and ends


def take_apart(raw: bytes) -> Parts:
    """Headers and leaves, in the order of the message."""
    head, place = _split_head(raw, (0, len(raw)))
    parts = Parts(head)
    waiting: list[tuple[Head, _Place, int]] = [(head, place, 0)]
    seen = 0
    while waiting:
        part_head, place, depth = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            parts.skipped.add("parts")
            break
        inner = _inner(part_head, raw, place)
        if inner is not None and depth < MAX_DEPTH:
            children = list(inner)
            waiting.extend((*child, depth + 1) for child in reversed(children[: MAX_PARTS + 1]))
            continue
        if inner is not None or _holds_more(part_head):
            parts.skipped.add("depth")
        parts.leaves.append(_leaf(part_head, raw, place))
    return parts


def _inner(head: Head, raw: bytes, place: _Place) -> Iterator[tuple[Head, _Place]] | None:
    """The parts inside a container; None for a leaf."""
    content_type, parameters = _content_type(head)
    if content_type.startswith("multipart/"):
        boundary = parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
        return (_split_head(raw, piece) for piece in _between(raw, place, boundary)) if boundary else None
    if content_type == "message/rfc822" and _encoding(head) not in ("base64", "quoted-printable"):
        return iter([_split_head(raw, place)])
    return None


def _holds_more(head: Head) -> bool:
    """Whether it says that there are parts in it: packed where they may not be, or without saying where they begin."""
    content_type = _content_type(head)[0]
    return content_type == "message/rfc822" or content_type.startswith("multipart/")


def _between(raw: bytes, place: _Place, boundary: bytes) -> Iterator[_Place]:
    """What stands between the boundary lines, at most MAX_PARTS + 1 pieces."""
    line, (start, end) = b"--" + boundary, place
    begun, count = None, 0
    at = start if raw.startswith(line, start, end) else _next_line(raw, line, start, end)
    while at >= 0 and count <= MAX_PARTS:
        line_end = raw.find(b"\n", at, end)
        rest = raw[at + len(line) : line_end if line_end >= 0 else end].strip()
        if rest in (b"", b"--"):
            if begun is not None:
                yield begun, _without_line_end(raw, begun, at)
                count += 1
            begun = line_end + 1 if line_end >= 0 and not rest else None
            if rest:
                return
        at = _next_line(raw, line, at + len(line), end)
    if begun is not None:
        yield begun, end


def _next_line(raw: bytes, line: bytes, start: int, end: int) -> int:
    """Where the next line begins that begins so; -1 without one."""
    found = raw.find(b"\n" + line, start, end)
    return found + 1 if found >= 0 else -1


def _without_line_end(raw: bytes, start: int, end: int) -> int:
    """The end of what ends before a boundary's line: the line end before it is the boundary's (RFC 2046 §5.1.1)."""
    end = max(start, end - 1)
    return end - 1 if raw.endswith(b"\r", start, end) else end


def _split_head(raw: bytes, place: _Place) -> tuple[Head, _Place]:
    start, end = place
    found = _BLANK_LINE.search(memoryview(raw)[start:end])
    head_end, body = (start + found.start(), start + found.end()) if found else (end, end)
    return _read_head(raw[start : min(head_end, start + MAX_HEAD_BYTES + 1)]), (body, end)


def _read_head(raw: bytes) -> Head:
    defects: dict[str, None] = {}
    if len(raw) > MAX_HEAD_BYTES:
        raw = raw[:MAX_HEAD_BYTES]
        defects["too-long"] = None
    if b"\0" in raw:
        defects["nul"] = None
    if len(raw) > MAX_LINE_BYTES and max(map(len, raw.split(b"\n"))) > MAX_LINE_BYTES + 1:
        defects["long-line"] = None
    text = raw.decode("utf-8", "replace")
    if "\ufffd" in text and b"\xef\xbf\xbd" not in raw:
        defects["8bit"] = None
        text = raw.decode("latin-1")
    fields: list[tuple[str, str]] = []
    for number, line in enumerate(_FOLD.sub("", text).split("\n")):
        found = _HEADER.match(line)
        if found is not None and len(fields) < MAX_HEADERS:
            fields.append((found[1], line[found.end() :].rstrip("\r")))
        elif line.strip() and not (number == 0 and line.startswith("From ")):
            defects["no-colon" if found is None else "too-many"] = None
    return Head(tuple(fields), tuple(defects))


def _leaf(head: Head, raw: bytes, place: _Place) -> Part:
    start, end = place
    body = raw[start:end] if end - start < VIEWED_BYTES else memoryview(raw)[start:end]
    content_type, parameters = _content_type(head)
    disposition, more = _parameters(head.first("content-disposition"), "attachment")
    names = dict.fromkeys(name for name in (more.get("filename", ""), parameters.get("name", "")) if name)
    is_text = content_type in ("text/plain", "text/html")
    is_attachment = bool(names) or disposition == "attachment" or not is_text
    return Part(head, body, content_type, parameters.get("charset", ""), tuple(names), is_attachment)


def _content_type(head: Head) -> tuple[str, dict[str, str]]:
    value, parameters = _parameters(head.first("content-type"), "text/plain")
    return (value if value.count("/") == 1 else "text/plain"), parameters


def _parameters(value: str, default: str) -> tuple[str, dict[str, str]]:
    """The value before the first “;” in lower case, and its parameters decoded."""
    if not value:
        return default if default == "text/plain" else "", {}
    plain = _PLAIN_PARAMETERS.fullmatch(value)
    if plain is not None:
        simple: dict[str, str] = {}
        for name, quoted, bare in _PARAMETER.findall(plain[2]):
            simple.setdefault(name.lower(), decode_words(quoted) if quoted else bare)
        return plain[1].lower(), simple
    message = Message()
    message["X"] = value[:MAX_PARAMETERS].replace("\r", " ").replace("\n", " ")
    try:
        pairs = message.get_params(failobj=[], header="X") or []
    except (ValueError, LookupError, TypeError, IndexError):
        return value.partition(";")[0].strip().lower(), {}
    found: dict[str, str] = {}
    for name, raw in pairs[1:]:
        try:
            text = collapse_rfc2231_value(raw)
        except (ValueError, LookupError, TypeError):
            continue
        found.setdefault(name.lower(), decode_words(text))
    return pairs[0][0].strip().lower() if pairs else "", found


def _encoding(head: Head) -> str:
    return head.first("content-transfer-encoding").partition(";")[0].strip().lower()


def decoded_body(part: Part) -> tuple[bytes, str]:
    """The body's bytes, and what is wrong with its encoding ("" when nothing is)."""
    encoding = _encoding(part.head)
    if encoding == "base64":
        return _from_base64(part.body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(part.body), ""
    known = ("", "7bit", "8bit", "binary", "x-uuencode", "uuencode")
    return bytes(part.body), "" if encoding in known else "transfer-encoding"


_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_LETTERS = bytes(sorted(set(range(256)) - set(_LETTERS)))
_PIECE_BYTES = 1 << 20


def _from_base64(body: bytes | memoryview) -> tuple[bytes, str]:
    """In pieces, so that of 50 MB nothing is held but what comes out; getvalue hands that over without a copy."""
    defect = "base64" if _NO_BASE64.search(body) else ""
    plain, letters = io.BytesIO(), b""
    for start in range(0, len(body), _PIECE_BYTES):
        letters += bytes(body[start : start + _PIECE_BYTES]).translate(None, _NO_LETTERS)
        whole = len(letters) - len(letters) % 4
        plain.write(binascii.a2b_base64(letters[:whole]))
        letters = letters[whole:]
    if len(letters) == 1:
        defect = "base64"
    elif letters:
        plain.write(binascii.a2b_base64(letters + b"=" * (4 - len(letters))))
    return plain.getvalue(), defect


def decode_text(raw: bytes, charset: str) -> tuple[str, str]:
    """The text, and what is wrong with it ("" when nothing is)."""
    name = charset.strip().lower()
    if name in _UNDECLARED:
        try:
            return raw.decode("utf-8"), ""
        except UnicodeError:
            return raw.decode("cp1252", "replace"), ""  # careless, but every reader shows it
    try:
        codec = codecs.lookup(name).name
        if codec.replace("-", "_") in _NO_CHARSETS:
            raise LookupError(name)
        return raw.decode(codec), ""
    except UnicodeError:
        return raw.decode("utf-8", "replace"), "charset"
    except (LookupError, ValueError):
        return raw.decode("utf-8", "replace"), "unknown-charset"


def decode_words(value: str) -> str:
    """A header's text with its encoded words decoded; white space between two of them goes (RFC 2047 §6.2)."""
    value = value[:MAX_VALUE]
    pieces, end, after_word = [], 0, False
    for found in _WORD.finditer(value):
        between = value[end : found.start()]
        if not (after_word and not between.strip()):
            pieces.append(between)
        pieces.append(_word(found[1], found[2], found[3]))
        end, after_word = found.end(), True
    pieces.append(value[end:])
    return "".join(pieces)


def _word(charset: str, kind: str, text: str) -> str:
    raw = text.encode("utf-8", "replace")
    data = _from_base64(raw)[0] if kind in "bB" else binascii.a2b_qp(raw, header=True)
    return decode_text(data, charset.partition("*")[0])[0]


def mailboxes(head: Head, name: str) -> tuple[Mailbox, ...]:
    """The entries of the address headers of this name, five headers at most."""
    found: list[Mailbox] = []
    for whole in head.all(name)[:5]:
        value = whole[:MAX_VALUE]
        plain = _PLAIN_ENTRY.fullmatch(value)
        if plain is not None:
            shown = plain[1] if plain[1] is not None else " ".join(plain[2].split())
            found.append(Mailbox(decode_words(shown), plain[3]))
            continue
        plain = _PLAIN_ADDRESS.fullmatch(value)
        if plain is not None:
            found.append(Mailbox("", plain[1]))
            continue
        try:
            pairs = getaddresses([value])
        except (ValueError, IndexError, TypeError, RecursionError):
            pairs = []
        entries = [Mailbox(decode_words(shown), address) for shown, address in pairs if "@" in address]
        if not entries:
            entries = [Mailbox("", address) for address in _ADDRESS.findall(value)]
        found.extend(entries)
    return tuple(found[:MAX_HEADERS])
