"""A signature put into the bytes of a message: above what is quoted, else at the end, in text and HTML alike.

    placed = place(raw, [block])
    placed.raw       the message with it (raw itself where nothing was put in)
    placed.added     names of the blocks that are in it now
    placed.why       why there are fewer than were wanted, None when all are in

What isn't touched stays byte by byte; pictures become parts of multipart/related. Never raises, whatever the bytes
are: a message that can't be signed goes out as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive.mail.structure import Entity, Structure, parse_structure
from gateway.delivery.composing import fields_of
from gateway.signatures import bodies, pages, texts
from gateway.signatures.block import MARK, Block, Picture
from gateway.signatures.coding import CannotPlace, Opened, Spliced, based, open_part, splice
from gateway.signatures.fitness import Why, unfit, unfit_text
from gateway.signatures.recognising import is_in_html, is_in_words, words_of_html, words_of_text

MOST_PARTS = 2_000
MOST_TEXT_BYTES = 16 * 1024 * 1024
_CHARSET = re.compile(rb";\s*charset\s*=\s*(?:\"[^\"\r\n]*\"|[^;\s]*)", re.I)


@dataclass(frozen=True, slots=True)
class Insertion:
    """What was put into a text part, and where: an offset in characters of its decoded text."""

    is_html: bool
    at: int
    piece: str
    is_above: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """`there`: names of blocks that the message had already."""

    raw: bytes
    added: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    why: Why | None = None
    insertions: tuple[Insertion, ...] = ()


@dataclass(frozen=True, slots=True)
class _Text:
    """A text part as it was read."""

    part: Entity
    opened: Opened
    spot: texts.Spot


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes of the message that become others; `start == end` puts in."""

    start: int
    end: int
    data: bytes


def place(raw: bytes, blocks: Sequence[Block]) -> Placed:
    """The message with these blocks, in their order. Never raises."""
    if not blocks:
        return Placed(raw)
    try:
        return _place(raw, blocks)
    except CannotPlace as error:
        return Placed(raw, why=error.why)
    except (RecursionError, ValueError, LookupError, OverflowError):
        return Placed(raw, why=Why.ERROR)


def _place(raw: bytes, blocks: Sequence[Block]) -> Placed:
    structure = parse_structure(raw, max_parts=MOST_PARTS)
    if structure.root.source is not raw:
        raise CannotPlace(Why.STRUCTURE)
    why = unfit(structure)
    if why is not None:
        raise CannotPlace(why)
    found = _texts(structure)
    wanted = [block for block in blocks if not _is_there(block, found)]
    there = tuple(block.name for block in blocks if block not in wanted)
    if not wanted:
        return Placed(raw, there=there, why=Why.THERE)
    chosen = _chosen(found)
    edits, insertions = _edits(raw, chosen, wanted)
    if not insertions:
        raise CannotPlace(Why.NO_TEXT)
    made = _applied(raw, edits)
    if not _only_these(structure, made, chosen, _pictures(wanted)):
        raise CannotPlace(Why.STRUCTURE)
    added = tuple(block.name for block in wanted)
    return Placed(made, added, there, Why.THERE if there else None, tuple(insertions))


def _texts(structure: Structure) -> list[list[_Text]]:
    """All text parts, read. Raises: CannotPlace."""
    groups = bodies.texts_of(structure.root)
    if not groups:
        raise CannotPlace(Why.NO_TEXT)
    if sum(part.end - part.start for group in groups for part in group) > MOST_TEXT_BYTES:
        raise CannotPlace(Why.SIZE)
    return [[_read(part) for part in group] for group in groups]


def _read(part: Entity) -> _Text:
    body = part.source[part.start : part.end]
    is_html = part.media == bodies.HTML
    charset = part.params.get("charset", b"").decode("latin-1")
    opened = open_part(body, encoding=part.encoding(), charset=charset, is_html=is_html)
    why = unfit_text(opened.data)
    if why is not None:
        raise CannotPlace(why)
    if is_html and len(opened.text) > pages.MOST_CHARS:
        raise CannotPlace(Why.SIZE)
    return _Text(part, opened, pages.spot_in(opened.text) if is_html else texts.spot_in(opened.text))


def _is_there(block: Block, found: list[list[_Text]]) -> bool:
    for group in found:
        for each in group:
            text = each.opened.text
            if each.opened.is_html and is_in_html(block, text, words_of_html(text)):
                return True
            if not each.opened.is_html and is_in_words(block, words_of_text(text)):
                return True
    return False


def _chosen(found: list[list[_Text]]) -> list[_Text]:
    """The texts to write to: the first ones with something quoted in them, else the last ones."""
    return next((group for group in found if any(each.spot.is_above for each in group)), found[-1])


def _only_these(before: Structure, made: bytes, chosen: list[_Text], pictures: list[Picture]) -> bool:
    """Whether every other part of the message is what it was, read again; broken boundaries can deceive."""
    cids = {f"<{picture.cid}>".encode() for picture in pictures}
    touched = {id(each.part) for each in chosen}
    old = [part for part in before.walk() if not part.children]
    parts = [part for part in parse_structure(made, max_parts=MOST_PARTS * 2).walk() if not part.children]
    new = [part for part in parts if part.get(b"content-id") not in cids]
    return len(old) == len(new) and all(
        was.media == now.media and (id(was) in touched or _body(was) == _body(now))
        for was, now in zip(old, new, strict=True)
    )


def _body(part: Entity) -> bytes:
    return part.source[part.start : part.end]


# --- what becomes of the bytes ---


def _edits(raw: bytes, chosen: list[_Text], blocks: Sequence[Block]) -> tuple[list[_Edit], list[Insertion]]:
    newline = "\r\n" if b"\r\n" in raw[:4096] or b"\n" not in raw[:4096] else "\n"
    edits: list[_Edit] = []
    insertions = []
    for each in chosen:
        piece = _piece(each, blocks, newline)
        if not piece:
            continue
        spliced = splice(each.opened, each.spot.at, piece)
        insertions.append(Insertion(each.opened.is_html, each.spot.at, piece, each.spot.is_above))
        pictures = _pictures(blocks) if each.opened.is_html else []
        edits += _of_part(raw, each.part, spliced, pictures, newline.encode())
    return edits, insertions


def _piece(text: _Text, blocks: Sequence[Block], newline: str) -> str:
    if text.opened.is_html:
        return _html_piece(blocks, text.spot, newline)
    is_flowed = text.part.params.get("format", b"").lower() == b"flowed"
    words = "\n\n".join(block.text.strip("\n") for block in blocks if block.text.strip())
    if not words:
        return ""  # a picture alone: there is nothing of it that text could say
    return texts.piece_for(text.opened.text, text.spot, words, newline, is_flowed=is_flowed)


def _html_piece(blocks: Sequence[Block], spot: texts.Spot, newline: str) -> str:
    made = "".join(
        f'<div class="{MARK} {block.mark}"><br>{_short_lines(block.html, newline)}</div>' for block in blocks
    )
    return f"{made}<br>{newline}" if spot.is_above else f"{made}{newline}"


def _short_lines(html: str, newline: str) -> str:
    """No line longer than SMTP allows: broken before a tag, where a line end means nothing."""
    html = html.replace("\r\n", "\n").replace("\r", "\n")
    lines: list[str] = []
    for line in html.split("\n"):
        at = 0
        while len(line) - at > 500:
            cut = line.rfind("<", at + 1, at + 500)
            if cut <= at:
                cut = line.find("<", at + 500)
            if cut <= at:
                break
            lines.append(line[at:cut])
            at = cut
        lines.append(line[at:])
    return newline.join(lines)


def _pictures(blocks: Iterable[Block]) -> list[Picture]:
    return list({picture.cid: picture for block in blocks for picture in block.pictures}.values())


def _of_part(raw: bytes, part: Entity, spliced: Spliced, pictures: list[Picture], newline: bytes) -> list[_Edit]:
    """The part's body, its header where that has to say something else, its pictures."""
    header = raw[part.head : part.start]
    changed = _header(header, spliced, part.media, is_root=part.parent is None, newline=newline)
    own = [_Edit(part.head, part.start, changed)] if changed != header else []
    if not pictures:
        return [*own, _Edit(part.start, part.end, spliced.body)]
    related = part.parent
    if related is None or related.media != "multipart/related" or bodies.root_of(related) is not part:
        return _wrapped(raw, part, changed, spliced.body, pictures, newline)
    boundary = related.params.get("boundary", b"").rstrip()
    pieces = b"".join(newline + b"--" + boundary + newline + _picture_part(each, newline) for each in pictures)
    if raw[part.end : part.end + 1] not in (b"\r", b"\n", b""):
        pieces += newline  # a part without a body, whose boundary follows its header
    return [*own, _Edit(part.start, part.end, spliced.body + pieces)]


def _wrapped(
    raw: bytes, part: Entity, header: bytes, body: bytes, pictures: list[Picture], newline: bytes
) -> list[_Edit]:
    """The part inside a new multipart/related, with the pictures beside it."""
    boundary = _boundary(raw, part)
    opening = b"--" + boundary + newline
    kind = b'Content-Type: multipart/related; type="text/html";' + newline + b' boundary="' + boundary + b'"' + newline
    rest = b"".join(newline + opening + _picture_part(picture, newline) for picture in pictures)
    closing = newline + b"--" + boundary + b"--" + (newline if part.parent is None else b"")
    if part.parent is not None:
        before = kind + newline + opening + header
    else:
        fields = list(fields_of(header.removesuffix(newline)))
        inner = b"".join(text for name, text in fields if name.startswith(b"content-"))
        outer = b"".join(text for name, text in fields if not name.startswith(b"content-"))
        before = outer + kind + newline + opening + inner + newline
    return [_Edit(part.head, part.end, before + body + rest + closing)]


def _boundary(raw: bytes, part: Entity) -> bytes:
    seed = f"{len(raw)}/{part.head}/".encode() + raw[part.head : part.head + 4096]
    while True:
        made = b"=_postkeep_" + hashlib.sha256(seed).hexdigest()[:24].encode()
        if made not in raw:
            return made
        seed += b"/"


def _picture_part(picture: Picture, newline: bytes) -> bytes:
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", picture.name)[:60].encode() or b"picture"
    lines = (
        b"Content-Type: " + picture.content_type.encode() + b'; name="' + name + b'"',
        b"Content-Transfer-Encoding: base64",
        b"Content-ID: <" + picture.cid.encode() + b">",
        b'Content-Disposition: inline; filename="' + name + b'"',
        b"",
        based(picture.data).rstrip(b"\r\n").replace(b"\r\n", newline),
    )
    return newline.join(lines)


def _header(header: bytes, spliced: Spliced, media: str, *, is_root: bool, newline: bytes) -> bytes:
    """The part's header, saying what is true of its body now."""
    if spliced.charset is None and spliced.encoding is None:
        return header
    ends = header.endswith(newline + newline) or header == newline
    fields = list(fields_of(header[: -len(newline)] if ends else header))
    if fields and not fields[-1][1].endswith(b"\n"):
        fields[-1] = (fields[-1][0], fields[-1][1] + newline)
    if spliced.charset is not None:
        old = next((text for name, text in fields if name == b"content-type"), b"Content-Type: " + media.encode())
        _set(fields, b"content-type", _CHARSET.sub(b"", old.rstrip(b"\r\n; \t")) + b"; charset=utf-8" + newline)
    if spliced.encoding is not None:
        _set(fields, b"content-transfer-encoding", b"Content-Transfer-Encoding: " + spliced.encoding.encode() + newline)
    if is_root and not any(name == b"mime-version" for name, _text in fields):
        fields.append((b"mime-version", b"MIME-Version: 1.0" + newline))
    return b"".join(text for _name, text in fields) + newline


def _set(fields: list[tuple[bytes, bytes]], name: bytes, text: bytes) -> None:
    at = next((number for number, (each, _text) in enumerate(fields) if each == name), None)
    if at is None:
        fields.append((name, text))
    else:
        fields[at] = (name, text)


def _applied(raw: bytes, edits: list[_Edit]) -> bytes:
    pieces: list[bytes | memoryview] = []
    at, view = 0, memoryview(raw)
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        if edit.start < at:
            raise CannotPlace(Why.STRUCTURE)
        pieces += [view[at : edit.start], edit.data]
        at = edit.end
    pieces.append(view[at:])
    return b"".join(pieces)
