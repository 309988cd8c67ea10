"""Messages that get no signature, and why: what is signed or encrypted, what no person wrote.

Source: RFC 8551 (S/MIME), RFC 3156 and RFC 4880 §7 (PGP), RFC 5545/6047 (calendars), RFC 3462/8098 (reports),
RFC 3834 (automatic answers), RFC 5322 §3.6.6 (resent).
"""

from __future__ import annotations

from enum import StrEnum

from archive.mail.structure import Entity, Structure

LEVELS = 4


class Why(StrEnum):
    """Why a message goes out without. Stored in passports; the words stay as they are."""

    SIGNED = "signed"
    ENCRYPTED = "encrypted"
    CALENDAR = "calendar"
    REPORT = "report"
    AUTOMATIC = "automatic"
    RESENT = "resent"
    NO_TEXT = "no_text"
    STRUCTURE = "structure"
    ENCODING = "encoding"
    CHARSET = "charset"
    THERE = "there"  # it is in the message already
    SIZE = "size"
    ERROR = "error"


_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_PGP_ARMOR = (b"-----BEGIN PGP MESSAGE", b"-----BEGIN PGP SIGNED MESSAGE", b"-----BEGIN PGP SIGNATURE")
_AUTOMATIC = (b"x-autoreply", b"x-autorespond", b"x-autoresponder", b"x-auto-reply-from", b"x-mail-autoreply")
_PRECEDENCE = frozenset({b"auto_reply", b"auto-reply", b"autoreply"})


def unfit(structure: Structure) -> Why | None:
    """Why this message is left as it is; None: it may be signed. What its text says is `unfit_text`'s."""
    root = structure.root
    if structure.header_cut or structure.too_deep or structure.too_many:
        return Why.STRUCTURE
    said = root.get(b"auto-submitted").partition(b";")[0].strip().lower()
    if said not in (b"", b"no") or any(root.get(name) for name in _AUTOMATIC):
        return Why.AUTOMATIC
    if root.get(b"precedence").strip().lower() in _PRECEDENCE:
        return Why.AUTOMATIC
    if root.get(b"resent-from") or root.get(b"resent-sender"):
        return Why.RESENT
    for entity in _shown(root):
        found = _of_part(entity)
        if found is not None:
            return found
    return None


def unfit_text(data: bytes) -> Why | None:
    """PGP inline, in text or in HTML."""
    if _PGP_ARMOR[0] in data:
        return Why.ENCRYPTED
    return Why.SIGNED if any(mark in data for mark in _PGP_ARMOR[1:]) else None


def _shown(root: Entity) -> list[Entity]:
    """The parts of the message itself, not of messages attached to it."""
    found, stack = [], [root]
    while stack:
        entity = stack.pop()
        found.append(entity)
        if entity.media.startswith("multipart/") and entity.depth < root.depth + LEVELS * 2:
            stack += entity.children
    return found


def _of_part(entity: Entity) -> Why | None:
    media = entity.media
    if media in _SMIME:
        kind = entity.params.get("smime-type", b"").lower()
        return Why.SIGNED if kind == b"signed-data" else Why.ENCRYPTED
    if media == "multipart/signed":
        return Why.SIGNED
    if media in ("multipart/encrypted", "application/pgp-encrypted"):
        return Why.ENCRYPTED
    if media in ("multipart/report", "message/delivery-status", "message/disposition-notification"):
        return Why.REPORT
    if media == "text/calendar" and (b"attachment" not in _disposition(entity) or entity.params.get("method")):
        return Why.CALENDAR
    name = (entity.params.get("name") or b"").strip().lower()
    if media == "application/octet-stream" and name in (b"smime.p7m", b"encrypted.asc"):
        return Why.ENCRYPTED
    return None


def _disposition(entity: Entity) -> bytes:
    return entity.get(b"content-disposition").partition(b";")[0].strip().lower()
