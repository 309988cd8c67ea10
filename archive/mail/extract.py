"""What of a message goes into the index. Not for showing it (`reading`), not for keeping it (`archive.store`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from archive.mail.attached import HEAD_BYTES, TEXT_SUFFIXES, FileText, kind_of
from archive.mail.charsets import decode
from archive.mail.headers import Address, addresses, message_id, one_line, parameter, sent_at, text_of
from archive.mail.markup import text_of_html
from archive.mail.structure import Entity, Structure, parse_params, parse_structure, set_media
from archive.mail.transfer import decode_transfer

__all__ = ["Address", "Extract", "FileText", "extract", "extract_many", "heads", "waiting"]

MAX_TEXT_CHARS = 4_000_000
# Encoded bytes of all text parts together that are decoded at all.
MAX_TEXT_BYTES = 10_000_000
MAX_HTML_CHARS = 5_000_000
MAX_SUBJECT_CHARS = 10_000
MAX_NAMES = 1_000

_TEXT_TYPES = frozenset(
    {
        "application/csv", "application/ics", "application/javascript", "application/json", "application/mbox",
        "application/sql", "application/x-httpd-php", "application/x-log", "application/x-patch",
        "application/x-perl", "application/x-python", "application/x-sh", "application/x-subrip",
        "application/x-tex", "application/x-yaml", "application/xml", "application/yaml",
        "message/delivery-status", "message/disposition-notification",
    }
)  # fmt: skip
_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
MAX_PLAIN_BYTES = 1_000_000
# So short a message can't have more text than is taken (no byte becomes more than two characters), so that `partial`
# is known without reading its texts.
MAX_HEADS_BYTES = 1_000_000
MAX_PLAIN_HEADER = 64 * 1024
_BLANK = re.compile(rb"\n\r?\n")
_ASKED = (b"from", b"to", b"cc", b"bcc", b"subject", b"date")
# Lines of a header that are neither a field nor more of one; and the fields that the short way asks for.
_NO_FIELD = re.compile(rb"\n(?![ \t]|[!-9;-~]++:)")
_FIELDS = re.compile(
    rb"\n(?=[bcdfmst])(bcc|cc|content-(?:disposition|transfer-encoding|type)|date|from|message-id|subject|to):"
    rb"([^\n]*+(?:\n[ \t][^\n]*+)*+)",
    re.I,
)
_WORDS = re.compile(r"\w+")


@dataclass(slots=True)
class Extract:
    """The indexed facts of one message; `date` is epoch seconds UTC, `cc` holds Cc and Bcc.

    files: the texts of attached files, those that are text themselves; `waiting` counts the others, whose text a parser
    in a process of its own can tell (`archive.texts`).
    """

    message_id: str = ""
    subject: str = ""
    date: int | None = None
    from_: list[Address] = field(default_factory=list)
    to: list[Address] = field(default_factory=list)
    cc: list[Address] = field(default_factory=list)
    body: str = ""
    attachment_names: list[str] = field(default_factory=list)
    files: list[FileText] = field(default_factory=list)
    has_attachment: bool = False
    partial: bool = False
    waiting: int = 0

    @property
    def attachment_text(self) -> str:
        """The texts of all attached files."""
        return "\n".join(each.text for each in self.files if each.text)


def extract(raw: bytes, *, size: int | None = None) -> Extract:
    """The facts of one message; `raw` may be only its first bytes, then `size` says how long it is.

    Never raises on any bytes; time and memory are bounded by a small multiple of the input. `partial` is True
    where something of the message did not get into the result.
    """
    try:
        result = _plain(raw) or _extract(raw)
    except (MemoryError, RecursionError, ValueError, IndexError, KeyError, TypeError, OverflowError):
        # A fault of ours must not cost the message its place in the archive: it is kept, and says so.
        result = Extract(partial=True)
    if size is not None and size > len(raw):
        result.partial = True
    return result


def waiting(raw: bytes, most_bytes: int, reads: Callable[[str], bool] = bool) -> Iterator[tuple[str, bytes | None]]:
    """The attached files of a message that `Extract.waiting` counts: name and content, None where it is larger.

    `reads` says which kinds (`attached.kind_of`) are wanted. Never raises on any bytes.
    """
    structure = parse_structure(raw)
    hint = charset_hint(structure.root)
    for number, entity in enumerate(structure.walk(), 1):
        if entity.children:
            continue
        name = name_of(entity, hint)
        kind = _waits(entity, name)
        if kind and reads(kind):
            shown = name or f"part-{number}"
            too_large = (entity.end - entity.start) // 4 * 3 > most_bytes
            content = None if too_large else entity.content()
            yield shown, None if content is not None and len(content) > most_bytes else content


def name_of(entity: Entity, hint: str) -> str:
    """The file name of a part, "" if it has none."""
    disposition = entity.get(b"content-disposition")
    if not disposition and not entity.params:
        return ""
    return parameter(parse_params(disposition), "filename", hint) or parameter(entity.params, "name", hint)


def _is_text(entity: Entity) -> bool:
    """Whether the part says of itself that it is text of some kind."""
    media = entity.media
    if media in ("text/rtf", "text/richtext"):
        return not entity.content(HEAD_BYTES).startswith(b"{\\rtf")
    return media.startswith("text/") or entity.broken or media in _TEXT_TYPES or media.endswith(("+xml", "+json"))


def _waits(entity: Entity, name: str) -> str:
    """The kind of a part whose text only a parser of its format can tell; "" of all others."""
    if _is_text(entity):
        return ""
    head = entity.content(HEAD_BYTES * 2)[:HEAD_BYTES]
    kind = kind_of(head, name)
    plain = kind == "text" and entity.media == "application/octet-stream" and b"\0" not in head
    return "" if plain else kind


def extract_many(raws: list[bytes]) -> list[Extract]:
    """`extract` for a batch, in order."""
    return [extract(raw) for raw in raws]


def heads(raws: list[bytes]) -> list[Extract]:
    """`extract` for a batch, in order, but without the texts: body, files, and what waits are left empty.

    Everything else is the same, at half the cost: for who lists messages and indexes none.
    """
    return [_head(raw) if len(raw) <= MAX_HEADS_BYTES else extract(raw) for raw in raws]


def _head(raw: bytes) -> Extract:
    try:
        return _plain(raw, texts=False) or _extract(raw, texts=False)
    except (MemoryError, RecursionError, ValueError, IndexError, KeyError, TypeError, OverflowError):
        return extract(raw)


def _plain(raw: bytes, *, texts: bool = True) -> Extract | None:
    """The short way for most mail: one text, a header without surprises. None where it is anything else.

    It asks the header for ten fields in one search instead of taking it apart, and then the same functions as the
    long way, so the results are the same (tests/archive/mail/test_corpora.py compares them).
    """
    blank = _BLANK.search(raw, 0, MAX_PLAIN_HEADER)
    if blank is None or len(raw) > MAX_PLAIN_BYTES:
        return None
    fields = _asked_fields(raw[: blank.start()])
    if fields is None or b"from" not in fields or fields.get(b"content-disposition", b"inline") != b"inline":
        return None
    media, label, named = _media(fields.get(b"content-type", b""))
    if media not in ("text/plain", "text/html") or named:
        return None
    date = sent_at((fields.get(b"date", b""),), ()) if texts else None
    if texts and date is None:
        return None
    body = ""
    if texts:
        encoding = fields.get(b"content-transfer-encoding", b"").decode("latin-1")
        data = raw[blank.end() :]
        body = decode(decode_transfer(data, encoding) if encoding else data, label, label)
    return Extract(
        message_id(fields.get(b"message-id", b"")),
        one_line(text_of(fields.get(b"subject", b""), label))[:MAX_SUBJECT_CHARS],
        date,
        addresses((fields[b"from"],), label),
        addresses((fields.get(b"to", b""),), label),
        addresses((fields.get(b"cc", b""), fields.get(b"bcc", b"")), label),
        text_of_html(body) if media == "text/html" or _is_html(body) else body,
    )


def _asked_fields(block: bytes) -> dict[bytes, bytes] | None:
    """The fields of a header that the short way asks for, by their lower-case names, unfolded; the first of each.

    None where a line is no field, or one of `_ASKED` stands there twice.
    """
    block = b"\n" + (block.replace(b"\r\n", b"\n") if b"\r" in block else block)
    if _NO_FIELD.search(block):
        return None
    fields: dict[bytes, bytes] = {}
    for written, value in _FIELDS.findall(block):
        name = written.lower()
        if name not in fields:
            fields[name] = (value.replace(b"\n", b"") if b"\n" in value else value).strip()
        elif name in _ASKED:
            return None
    return fields


@lru_cache(maxsize=1024)
def _media(value: bytes) -> tuple[str, str, bool]:
    """Media type, charset label, and whether the part has a name."""
    entity = Entity(b"", [], 0, 0, 0, None, first={b"content-type": value})
    set_media(entity)
    return (
        entity.media,
        entity.params.get("charset", b"").decode("latin-1"),
        any("name" in key for key in entity.params),
    )


def _is_html(text: str) -> bool:
    return text[:200].lstrip()[:5].lower() == "<html"


def _extract(raw: bytes, *, texts: bool = True) -> Extract:
    structure = parse_structure(raw)
    root = structure.root
    headers: dict[bytes, list[bytes]] = {}
    for name, value in root.fields:
        headers.setdefault(name.lower(), []).append(value)
    hint = charset_hint(root)
    result = Extract(partial=structure.too_deep or structure.too_many or structure.header_cut)
    result.message_id = message_id(headers.get(b"message-id", [b""])[0])
    result.subject = one_line(text_of(_first(headers, b"subject"), hint))[:MAX_SUBJECT_CHARS]
    result.date = sent_at(headers.get(b"date", ()), headers.get(b"received", ()))
    result.from_ = addresses(headers.get(b"from") or headers.get(b"sender") or [], hint)
    result.to = addresses(headers.get(b"to", ()), hint)
    result.cc = addresses(headers.get(b"cc", []) + headers.get(b"bcc", []), hint)
    if texts:
        _Texts(result, hint).read(structure)
    else:
        result.has_attachment = _has_attachment(structure, hint)
    return result


def _has_attachment(structure: Structure, hint: str) -> bool:
    """What `_Texts` says of attachments, without reading any text."""
    return any(_leaf_of(entity, hint).is_attachment for entity in structure.walk() if not entity.children)


def _first(headers: dict[bytes, list[bytes]], name: bytes) -> bytes:
    """The first value that says something: some mailers write an empty Subject and then the real one."""
    return next((value for value in headers.get(name, ()) if value), b"")


def charset_hint(root: Entity) -> str:
    """The charset of the first part: the best guess for raw 8-bit text in the header."""
    node: Entity | None = root
    for _ in range(4):
        if node is None:
            return ""
        if label := node.params.get("charset"):
            return label.decode("latin-1")
        node = node.children[0] if node.children else None
    return ""


@dataclass(slots=True)
class _Leaf:
    """What a part without further ones is."""

    name: str
    is_text: bool
    is_body: bool
    attached: bool  # it says so itself
    is_attachment: bool


def _leaf_of(entity: Entity, hint: str) -> _Leaf:
    name = name_of(entity, hint)
    attached = entity.get(b"content-disposition")[:10].lower() == b"attachment"
    is_text = _is_text(entity)
    is_body = is_text and (entity.broken or entity.media.startswith("text/"))
    counts = attached or (not is_body and _counts(entity)) or bool(name and is_body and entity.depth)
    return _Leaf(name, is_text, is_body, attached, counts)


def _counts(entity: Entity) -> bool:
    """Whether a part without `Content-Disposition: attachment` is one for a person."""
    if entity.media in _SIGNATURES or entity.media.startswith("message/"):
        return False
    inside = entity.parent is not None and entity.parent.media == "multipart/related"
    return not (inside and entity.media.startswith("image/") and entity.get(b"content-id"))


class _Texts:
    """Collects the texts of the parts, within the bounds."""

    def __init__(self, result: Extract, hint: str) -> None:
        self.result = result
        self.hint = hint
        self.body: list[str] = []
        self.room = MAX_TEXT_CHARS
        self.encoded_room = MAX_TEXT_BYTES
        self.alternatives: dict[int, set[str]] = {}  # words of each multipart/alternative so far

    def read(self, structure: Structure) -> None:
        for entity in structure.walk():
            if entity.is_message and entity.parent is not None:
                self._inner_headers(entity)
            if not entity.children:
                self._leaf(entity)
        self.result.body = "\n".join(self.body)

    def _inner_headers(self, entity: Entity) -> None:
        lines = [text_of(entity.get(b"subject"), self.hint)]
        lines += [
            f"{address.name} {address.address}".strip()
            for name in (b"from", b"to", b"cc")
            for address in addresses(entity.get_all(name)[:5], self.hint)[:200]
        ]
        self._keep("\n".join(line for line in lines if line), self.body)

    def _leaf(self, entity: Entity) -> None:
        leaf = _leaf_of(entity, self.hint)
        name = leaf.name
        if name and len(self.result.attachment_names) < MAX_NAMES:
            self.result.attachment_names.append(name[:500])
        self.result.has_attachment = self.result.has_attachment or leaf.is_attachment
        if leaf.is_body and not leaf.attached:
            self._body(entity)
        elif leaf.is_text:
            if entity.media.startswith("message/"):
                self._keep(self._text(entity), self.body)
            else:
                self._keep_file(name, self._text(entity))
        elif _waits(entity, name):
            self.result.waiting += 1
        elif entity.media == "application/octet-stream" and name.lower().endswith(TEXT_SUFFIXES):
            data = self._content(entity)
            if b"\0" not in data[:4096]:
                self._keep_file(name, decode(data, "", self.hint))

    def _keep_file(self, name: str, text: str) -> None:
        kept: list[str] = []
        self._keep(text, kept)
        if kept:
            self.result.files.append(FileText(name[:500], kept[0]))

    def _body(self, entity: Entity) -> None:
        text = self._text(entity)
        if entity.parent is not None and entity.parent.media in ("multipart/alternative", "multipart/related"):
            text = self._news(entity, text)
        self._keep(text, self.body)

    def _news(self, entity: Entity, text: str) -> str:
        """Of a further alternative only the words the first one does not have."""
        node: Entity | None = entity.parent
        while node is not None and node.media != "multipart/alternative":
            node = node.parent
        if node is None:
            return text
        known = self.alternatives.get(id(node))
        if known is None:
            # Its words are looked at only where a second form follows.
            self.alternatives[id(node)] = set(_WORDS.findall(text.lower())) if len(node.children) > 1 else set()
            return text
        return " ".join(_unknown(text, known))

    def _text(self, entity: Entity) -> str:
        label = entity.params.get("charset", b"").decode("latin-1")
        text = decode(self._content(entity), label, self.hint)
        if entity.media == "text/html" or (entity.media == "text/plain" and _is_html(text)):
            if len(text) > MAX_HTML_CHARS:
                text = text[:MAX_HTML_CHARS]
                self.result.partial = True
            text = text_of_html(text)
        return text

    def _content(self, entity: Entity) -> bytes:
        size = entity.end - entity.start
        if size > self.encoded_room:
            self.result.partial = True
        data = entity.content(self.encoded_room)
        self.encoded_room = max(self.encoded_room - size, 0)
        return data

    def _keep(self, text: str, where: list[str]) -> None:
        if not text:
            return
        if len(text) > self.room:
            text = text[: self.room]
            self.result.partial = True
        if text:
            self.room -= len(text)
            where.append(text)


def _unknown(text: str, known: set[str]) -> Iterator[str]:
    for word in _WORDS.findall(text):
        lower = word.lower()
        if lower not in known:
            known.add(lower)
            yield word
