"""Which parts of a message are its text: the ones a signature goes into. Not for where in them (`texts`, `pages`)."""

from __future__ import annotations

from archive.mail.structure import Entity, parse_params

TEXT, HTML = "text/plain", "text/html"
_DEPTH = 8


def texts_of(root: Entity) -> list[list[Entity]]:
    """The text parts, as groups that say the same or go on where the one before ends; [] where there is no text.

    multipart/alternative gives one group of its renderings. In multipart/mixed, Apple Mail goes on with the text after
    an attachment, so later inline texts of the kind of the first are groups of their own.
    """
    return _groups(root, 0)


def _groups(entity: Entity, depth: int) -> list[list[Entity]]:
    media = entity.media
    if depth > _DEPTH or entity.broken:
        return []
    if media in (TEXT, HTML):
        return [] if is_attached(entity) else [[entity]]
    if not media.startswith("multipart/") or not entity.children:
        return []
    if media == "multipart/alternative":
        return _alternatives(entity, depth)
    if media == "multipart/related":
        return _groups(root_of(entity), depth + 1)
    if media in ("multipart/digest", "multipart/parallel", "multipart/form-data", "multipart/byteranges"):
        return []
    return _mixed(entity, depth)


def _alternatives(entity: Entity, depth: int) -> list[list[Entity]]:
    """One group of all renderings; where one of them has several texts (Apple Mail), the others stand with its last."""
    found = [groups for child in entity.children if (groups := _groups(child, depth + 1))]
    if not found:
        return []
    longest = max(found, key=len)
    last = [part for groups in found if groups is not longest for group in groups for part in group]
    return [*longest[:-1], [*last, *longest[-1]]]


def _mixed(entity: Entity, depth: int) -> list[list[Entity]]:
    found: list[list[Entity]] = []
    for child in entity.children:
        if not found:
            found = _groups(child, depth + 1)
            if not found and child is entity.children[0] and child.media.startswith("multipart/"):
                return []
        elif child.media in (TEXT, HTML) and _goes_on(child, found):
            found.append([child])
    return found


def _goes_on(entity: Entity, found: list[list[Entity]]) -> bool:
    return not is_attached(entity) and {part.media for part in found[-1]} == {entity.media}


def root_of(related: Entity) -> Entity:
    """The part that the others of multipart/related belong to (RFC 2387 §3.2)."""
    start = related.params.get("start", b"").strip()
    if start:
        for child in related.children:
            if child.get(b"content-id").strip() == start:
                return child
    return related.children[0]


def is_attached(entity: Entity) -> bool:
    """Something to be saved, or that has a name."""
    value = entity.get(b"content-disposition")
    if value.partition(b";")[0].strip().lower() == b"attachment":
        return True
    return bool(entity.params.get("name") or any(key.startswith("filename") for key in parse_params(value)))
