"""The MIME structure of a message as spans of its bytes. Decodes nothing but what hides further structure.

One pass, no recursion, linear in the size of the message: what the stdlib parser does with a 10,000-deep
multipart (every line against every open boundary, a stack of generators) is why this is our own.
Source: RFC 5322 §2.2, RFC 2046 §5.1, RFC 2045 §5.2 for what is assumed when headers are missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from archive.mail.transfer import decode_transfer

MAX_DEPTH = 100
MAX_PARTS = 10_000
# A longer header field is cut; of a longer header the rest is not read.
MAX_FIELD = 256 * 1024
MAX_BLOCK = 2 * 1024 * 1024
MAX_FIELDS = 10_000
SMALL_BLOCK = 64 * 1024
MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})

_FIELD = re.compile(rb"([!-9;-~]{1,200}+)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_STOP = re.compile(rb"\n(?:\r?\n|--)")
_FOLD = re.compile(rb"[\r\n]+")
_PARAM = re.compile(
    rb';\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.){0,4000})"|([^;\s"]*"?[^;\r\n]*))', re.S
)
_TYPE = re.compile(rb"\s*\"?([A-Za-z0-9!#$&^_.+-]{1,80})\s*/\s*([A-Za-z0-9!#$&^_.+-]{1,120})")
# Only these are ever escaped on purpose; any other backslash is a path of some mailer for Windows.
_QUOTED_PAIR = re.compile(rb"\\([\"\\])")

Field = tuple[bytes, bytes]


@dataclass(slots=True)
class Entity:
    """One node: a message, a container or a leaf. `start:end` of `source` is its body, still encoded; `head` is where
    its header begins."""

    source: bytes
    fields: list[Field]  # as written, still folded
    start: int
    end: int
    depth: int
    parent: Entity | None
    media: str = "text/plain"
    params: dict[str, bytes] = field(default_factory=dict)
    children: list[Entity] = field(default_factory=list)
    first: dict[bytes, bytes] = field(default_factory=dict)
    is_message: bool = False  # it has the headers of a message, not only of a part
    broken: bool = False  # a container whose parts could not be told apart
    head: int = 0

    def get(self, name: bytes) -> bytes:
        """The first field of that (lower-case) name, b"" if there is none."""
        return self.first.get(name, b"")

    def get_all(self, name: bytes) -> list[bytes]:
        """Every field of that (lower-case) name."""
        return [value for key, value in self.fields if key.lower() == name]

    def encoding(self) -> str:
        """Content-Transfer-Encoding, lower-case."""
        value = self.get(b"content-transfer-encoding")
        return value.partition(b";")[0].strip().decode("latin-1").lower() if value else ""

    def content(self, limit: int | None = None) -> bytes:
        """The decoded bytes of a leaf (of its first `limit` encoded bytes)."""
        end = self.end if limit is None else min(self.end, self.start + limit)
        return decode_transfer(self.source[self.start : end], self.encoding())


@dataclass(slots=True)
class Structure:
    """A whole message: `root`, and what was cut off while reading it."""

    root: Entity
    parts: int
    too_deep: bool = False
    too_many: bool = False
    header_cut: bool = False
    decode_budget: int = 0  # bytes of encoded inner messages that may still be decoded

    def walk(self) -> Iterator[Entity]:
        """Every entity, depth first, in the order of the message."""
        stack = [self.root]
        while stack:
            entity = stack.pop()
            yield entity
            stack.extend(reversed(entity.children))


def parse_structure(raw: bytes, *, max_parts: int = MAX_PARTS) -> Structure:
    """The structure of `raw`. Never raises; anything that is not MIME becomes one text part."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")  # a message of an old Macintosh
    root = Entity(raw, [], 0, len(raw), 0, None, is_message=True)
    structure = Structure(root, 1, decode_budget=len(raw) + 1024 * 1024)
    pending = [root]
    while pending:  # each round: one entity whose own bytes are to be taken apart (root, encoded messages)
        entity = pending.pop()
        pending.extend(_Scan(structure, entity, max_parts).run())
    return structure


class _Scan:
    """One pass over one buffer. Holds the boundaries that are open, innermost last."""

    def __init__(self, structure: Structure, top: Entity, max_parts: int) -> None:
        self.structure = structure
        self.top = top
        self.source = top.source
        self.max_parts = max_parts
        self.open: list[tuple[bytes, Entity]] = []
        self.depths: dict[bytes, list[int]] = {}
        self.needle = b"\n--"  # what a delimiter line starts with: more than dashes while one boundary is open
        self.encoded: list[Entity] = []  # messages in base64 or quoted-printable: no spans of this buffer
        self.current: Entity | None = top  # the leaf that goes on until the next delimiter

    def run(self) -> list[Entity]:
        """Fill in the tree below `top`; returns encoded messages, each with a buffer of its own."""
        position = self._read_entity(self.top, self.top.start)
        while self.open:
            found = self._next_delimiter(position)
            if found is None:
                break
            line_start, position, depth, closing = found
            self._finish(self._before(line_start))
            while len(self.open) > depth + 1:
                self._pop(line_start)
            container = self.open[-1][1]
            if closing:
                self._pop(position)
            elif self.structure.parts >= self.max_parts:
                self.structure.too_many = True
                break
            else:
                child = Entity(self.source, [], position, self.top.end, container.depth + 1, container)
                container.children.append(child)
                self.structure.parts += 1
                position = self._read_entity(child, position)
        self._finish(self.top.end)
        while self.open:
            self._pop(self.top.end)
        return [inner for message in self.encoded if (inner := self._decoded(message))]

    def _read_entity(self, entity: Entity, position: int) -> int:
        """Read headers, and those of messages directly inside; returns where to look for the next delimiter."""
        self.current = entity
        while True:
            entity.head = position
            position = self._read_header(entity, position)
            entity.start = min(position, entity.end)
            set_media(entity)
            if entity.media.startswith("multipart/"):
                self._open(entity)
                return position
            if entity.media not in MESSAGES:
                return position
            if entity.depth >= MAX_DEPTH or self.structure.parts >= self.max_parts:
                self.structure.too_deep = entity.broken = True
                return position
            if entity.encoding() in ("base64", "quoted-printable"):
                self.encoded.append(entity)
                return position
            inner = Entity(self.source, [], position, entity.end, entity.depth + 1, entity, is_message=True)
            entity.children.append(inner)
            self.structure.parts += 1
            self.current = entity = inner

    def _open(self, entity: Entity) -> None:
        boundary = entity.params.get("boundary", b"").rstrip()[:1000]
        if not boundary:
            entity.broken = True
        elif entity.depth >= MAX_DEPTH:
            self.structure.too_deep = entity.broken = True
        else:
            self.depths.setdefault(boundary, []).append(len(self.open))
            self.open.append((boundary, entity))
            self._aim()
            self.current = None  # what comes before the first delimiter is for nobody

    def _read_header(self, entity: Entity, position: int) -> int:
        """Fill in the fields of the entity at `position`; returns where its body starts."""
        end, body = self._header_end(position, entity.end)
        entity.fields, used, cut = parse_fields(self.source, position, end)
        entity.first = {name.lower(): value for name, value in reversed(entity.fields)}
        if cut:
            self.structure.header_cut = True
        return body if used >= end else used

    def _header_end(self, position: int, limit: int) -> tuple[int, int]:
        """End of the header block and start of the body: a blank line, or a delimiter where it is missing."""
        source = self.source
        if source.startswith(b"\n", position):
            return position, position + 1
        if source.startswith(b"\r\n", position):
            return position, position + 2
        if self.open and source.startswith(b"--", position) and self._match(position):
            return position, position
        at = position
        while True:
            stop = _STOP.search(source, at, limit)
            if stop is None:
                return limit, limit
            if source[stop.end() - 1] == 10:
                return stop.start() + 1, stop.end()
            at = stop.start() + 1
            if self.open and self._match(at):
                return at, at

    def _match(self, line_start: int) -> tuple[int, bool] | None:
        """Which open boundary the line at `line_start` is: its place among the open ones, and whether it closes."""
        most = min(line_start + 1100, self.top.end)
        newline = self.source.find(b"\n", line_start, most)
        text = self.source[line_start + 2 : newline if newline >= 0 else most].rstrip()
        if depths := self.depths.get(text):
            return depths[-1], False
        if text.endswith(b"--") and (depths := self.depths.get(text[:-2].rstrip())):
            return depths[-1], True
        return None

    def _next_delimiter(self, position: int) -> tuple[int, int, int, bool] | None:
        """Start and end of the next delimiter line at or after `position`, then what _match says of it."""
        source, end = self.source, self.top.end
        at = position
        if (at and source[at - 1] != 10) or not source.startswith(b"--", at, end):
            at = self._next_dashes(at)
        while at >= 0:
            if matched := self._match(at):
                newline = source.find(b"\n", at, end)
                return at, newline + 1 if newline >= 0 else end, *matched
            at = self._next_dashes(at)
        return None

    def _next_dashes(self, position: int) -> int:
        found = self.source.find(self.needle, position, self.top.end)
        return found + 1 if found >= 0 else -1

    def _finish(self, end: int) -> None:
        if self.current is not None:
            _end_at(self.current, end)
            self.current = None

    def _aim(self) -> None:
        self.needle = b"\n--" + (next(iter(self.depths)) if len(self.depths) == 1 else b"")

    def _pop(self, end: int) -> None:
        boundary, entity = self.open.pop()
        depths = self.depths[boundary]
        depths.pop()
        if not depths:
            del self.depths[boundary]
            self._aim()
        if not entity.children:
            entity.broken = True
        _end_at(entity, end)

    def _before(self, line_start: int) -> int:
        """The line break before a delimiter belongs to the delimiter."""
        if self.source[max(line_start - 2, 0) : line_start] == b"\r\n":
            return line_start - 2
        return max(line_start - 1, 0)

    def _decoded(self, message: Entity) -> Entity | None:
        size = message.end - message.start
        if size > self.structure.decode_budget or self.structure.parts >= self.max_parts:
            self.structure.too_deep = message.broken = True
            return None
        self.structure.decode_budget -= size
        content = message.content()
        inner = Entity(content, [], 0, len(content), message.depth + 1, message, is_message=True)
        message.children.append(inner)
        self.structure.parts += 1
        return inner


def _end_at(entity: Entity, end: int) -> None:
    """Set the end of an entity, and of the messages around it in the same bytes, which end with it."""
    node: Entity | None = entity
    while node is not None:
        node.end = max(end, node.start)
        outer = node.parent
        node = outer if outer is not None and node.is_message and outer.source is node.source else None


def parse_fields(source: bytes, position: int, end: int) -> tuple[list[Field], int, bool]:
    """The header fields between two positions, where the header really ended, and whether something was cut.

    A line that is no field is stepped over where a field follows it, else the body starts with it.
    """
    if end - position <= SMALL_BLOCK and (quick := split_fields(source[position:end])) is not None:
        return quick, end, False
    fields: list[Field] = []
    kept = 0
    cut = False
    while position < end:
        match = _FIELD.match(source, position, end)
        if match is None:
            newline = source.find(b"\n", position, end)
            after = newline + 1 if newline >= 0 else end
            mbox_line = not fields and source.startswith((b"From ", b">From "), position)
            if not (mbox_line or source[position] in b" \t" or _FIELD.match(source, after, min(end, after + 400))):
                return fields, position, cut
            position = after
            continue
        start, stop = match.span(2)
        if stop - start > MAX_FIELD:
            stop, cut = start + MAX_FIELD, True
        fields.append((match[1], source[start:stop].strip()))
        position = match.end() + 1
        kept += stop - start
        if kept > MAX_BLOCK or len(fields) >= MAX_FIELDS:
            return fields, end, True
    return fields, end, cut


def split_fields(block: bytes) -> list[Field] | None:
    """The unfolded fields of a header in which every line is one; None if some line is not."""
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    lines = block.rstrip(b"\n").replace(b"\n\t", b"\t").replace(b"\n ", b" ").split(b"\n")
    fields = [line.partition(b":") for line in lines]
    names = b"".join([name for name, _, _ in fields])
    if b" " in names or not names.isascii() or b"" in [colon for _, colon, _ in fields]:
        return None
    return [(name, value.strip()) for name, _, value in fields]


def parse_params(value: bytes) -> dict[str, bytes]:
    """Parameters of a Content-Type or Content-Disposition, names lower-case, the first of each kept."""
    params: dict[str, bytes] = {}
    if b";" not in value:
        return params
    value = _FOLD.sub(b"", value[:20_000])
    for match in _PARAM.finditer(value):
        name, quoted, bare = match.groups()
        text = _QUOTED_PAIR.sub(rb"\1", quoted) if quoted is not None else bare.strip()
        params.setdefault(name.decode("latin-1").lower(), text)
        if len(params) >= 200:
            break
    return params


def set_media(entity: Entity) -> None:
    """Media type and parameters from the Content-Type, or what its absence means."""
    value = entity.get(b"content-type")
    if not value:
        if entity.parent is not None and entity.parent.media == "multipart/digest" and not entity.is_message:
            entity.media = "message/rfc822"
        return
    match = _TYPE.match(value)
    if match is None:
        kind = value.partition(b";")[0].strip().lower()
        entity.media = {b"text": "text/plain", b"html": "text/html"}.get(kind, "text/plain")
    else:
        entity.media = f"{match[1].decode('latin-1')}/{match[2].decode('latin-1')}".lower()
    entity.params = parse_params(value)
