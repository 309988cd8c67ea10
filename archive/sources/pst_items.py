"""What an Outlook data file holds, as Internet messages. Runs in the bounded process of `pst` only.

Source: MS-OXPROPS (property tags), MS-OXCMAIL (from properties to a message), RFC 2045-2047 for what is written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from io import BytesIO
from typing import Any

import pypff

SUBJECT, SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP = 0x0037, 0x0C1A, 0x0C1F, 0x5D01
DISPLAY_TO, DISPLAY_CC, DISPLAY_BCC, MESSAGE_ID, HEADERS = 0x0E04, 0x0E03, 0x0E02, 0x1035, 0x007D
IN_REPLY_TO, REFERENCES, FLAGS = 0x1042, 0x1039, 0x0E07
RECIPIENT_TYPE, ADDRESS, DISPLAY_NAME, SMTP_ADDRESS = 0x0C15, 0x3003, 0x3001, 0x39FE
FILENAME, LONG_FILENAME, MIME_TAG, CONTENT_ID, METHOD = 0x3704, 0x3707, 0x370E, 0x3712, 0x3705
EMBEDDED_MESSAGE = 5
MOST_DEPTH, MOST_EMBEDDED = 64, 10
_ROOTS = ("top of personal folders", "top of information store", "top of outlook data file", "ipm_subtree")
_DROPPED = re.compile(r"^(content-type|content-transfer-encoding|content-disposition|mime-version)\s*:", re.IGNORECASE)
_POLICY = policy.SMTP.clone(cte_type="7bit", refold_source="none", max_line_length=998)


def items(path: str) -> Iterator[tuple[dict[str, object], bytes]]:
    """({"id", "folder", "received_at"} or {"id", "reason"}, message) for each item, in the order of the file."""
    file = pypff.file()
    file.open(path)
    try:
        yield from _folder(file.get_root_folder(), (), 0)
    finally:
        file.close()


def _folder(folder: Any, above: tuple[str, ...], depth: int) -> Iterator[tuple[dict[str, object], bytes]]:
    name = (_quiet(folder, "name") or "").strip()
    path = above if not name or name.casefold() in _ROOTS else (*above, name.replace("/", "∕"))
    for at in range(_quiet(folder, "number_of_sub_messages") or 0):
        yield _item(folder, at, "/".join(path))
    if depth < MOST_DEPTH:
        for at in range(_quiet(folder, "number_of_sub_folders") or 0):
            yield from _folder(folder.get_sub_folder(at), path, depth + 1)


def _item(folder: Any, at: int, path: str) -> tuple[dict[str, object], bytes]:
    number = None
    try:
        message = folder.get_sub_message(at)
        number = int(message.identifier)
        raw = as_message(message, 0)
        moment = _moment(message)
        return {"id": number, "folder": path, "received_at": None if moment is None else int(moment.timestamp())}, raw
    except Exception as error:  # one broken item among many: named, and the next one is read
        reason = f"an item of “{path}” can't be read: {str(error)[:200] or type(error).__name__}"
        return {"id": number, "reason": reason}, b""


def as_message(message: Any, depth: int) -> bytes:
    """The item as a message with CRLF, the same bytes each time."""
    properties = _properties(message)
    header = _quiet(message, "transport_headers") or _text(properties.get(HEADERS))
    built = EmailMessage(policy=_POLICY)
    _bodies(built, message, properties)
    for attachment in _attachments(message):
        _attach(built, attachment, depth)
    lines = _own_header(message, properties) if not header else _kept_header(header)
    raw = _written(built)
    return lines + raw


def _written(built: EmailMessage) -> bytes:
    """The MIME part of it; boundaries come from the content, not from chance."""
    for number, part in enumerate(built.walk()):
        if part.is_multipart():
            seed = f"{number}:{len(part.get_payload())}".encode()
            part.set_boundary(f"=_pst_{number}_{hashlib.sha256(seed).hexdigest()[:24]}")
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(built)
    return out.getvalue()


def _kept_header(header: str) -> bytes:
    """The header as it came over the wire, without what says how the body was written."""
    kept: list[str] = []
    dropping = False
    for line in re.split(r"\r\n|\n|\r", header):
        if not line.strip():
            continue
        if line[0] not in " \t":
            dropping = _DROPPED.match(line) is not None or ":" not in line
        if not dropping:
            kept.append(line)
    return "".join(f"{line}\r\n" for line in kept).encode("utf-8", "surrogateescape")


def _own_header(message: Any, properties: dict[int, Any]) -> bytes:
    """A header made of the properties, for what never went over the wire."""
    built = EmailMessage(policy=_POLICY)
    moment = _moment(message)
    sender = _text(properties.get(SENDER_SMTP)) or _text(properties.get(SENDER_ADDRESS))
    name = _text(properties.get(SENDER_NAME)) or _quiet(message, "sender_name") or ""
    if sender or name:
        _set(built, "From", formataddr((name if name != sender else "", sender)) if "@" in sender else name)
    people = _recipients(message)
    for header, kind, display in (("To", 1, DISPLAY_TO), ("Cc", 2, DISPLAY_CC), ("Bcc", 3, DISPLAY_BCC)):
        named = [formataddr(pair) for which, *pair in people if which == kind]  # type: ignore[arg-type]
        _set(built, header, ", ".join(named) or _text(properties.get(display)))
    _set(built, "Subject", _quiet(message, "subject") or _text(properties.get(SUBJECT)))
    if moment is not None:
        _set(built, "Date", format_datetime(moment))
    for header, tag in (("Message-ID", MESSAGE_ID), ("In-Reply-To", IN_REPLY_TO), ("References", REFERENCES)):
        _set(built, header, _text(properties.get(tag)))
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(built)
    return out.getvalue().rstrip(b"\r\n") + b"\r\n"


def _set(built: EmailMessage, name: str, value: str) -> None:
    text = " ".join(value.replace("\x00", "").split())
    if text:
        try:
            built[name] = text
        except (ValueError, IndexError, AttributeError):  # an address that the library can't take apart
            built[f"X-Pst-{name}"] = text.replace("<", "(").replace(">", ")")


def _bodies(built: EmailMessage, message: Any, properties: dict[int, Any]) -> None:
    plain = _decoded(_quiet(message, "plain_text_body"))
    html = _decoded(_quiet(message, "html_body"))
    rtf = _quiet(message, "rtf_body")
    if plain or not html:
        built.set_content(plain, cte="base64" if not plain.isascii() else None)
        if html:
            built.add_alternative(html, subtype="html", cte="base64")
    else:
        built.set_content(html, subtype="html", cte="base64")
    if rtf and not plain and not html:
        built.add_attachment(bytes(rtf), maintype="application", subtype="rtf", filename="body.rtf")


def _attachments(message: Any) -> Iterator[Any]:
    for at in range(_quiet(message, "number_of_attachments") or 0):
        yield message.get_attachment(at)


def _attach(built: EmailMessage, attachment: Any, depth: int) -> None:
    properties = _properties(attachment)
    name = _text(properties.get(LONG_FILENAME)) or _text(properties.get(FILENAME)) or "attachment"
    name = " ".join("".join(char for char in name if char.isprintable()).split())[:200] or "attachment"
    if _number(properties.get(METHOD)) == EMBEDDED_MESSAGE and depth < MOST_EMBEDDED and attachment.number_of_sub_items:
        inner = as_message(attachment.get_sub_item(0), depth + 1)
        built.add_attachment(inner, maintype="application", subtype="octet-stream", filename=f"{name}.eml")
        return
    size = int(_quiet(attachment, "size") or 0)
    data = attachment.read_buffer(size) if size else b""
    kind = _text(properties.get(MIME_TAG)).lower()
    main, _slash, sub = kind.partition("/") if re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", kind) else ("", "", "")
    if main in ("", "multipart", "message", "text"):
        main, sub = "application", "octet-stream"
    content_id = _text(properties.get(CONTENT_ID))
    built.add_attachment(data, maintype=main, subtype=sub, filename=name, cid=f"<{content_id}>" if content_id else None)


# --- properties --------------------------------------------------------------------------------------------------


def _properties(item: Any) -> dict[int, Any]:
    """The first value of each property, as an entry of the library."""
    found: dict[int, Any] = {}
    for at in range(_quiet(item, "number_of_record_sets") or 0):
        record_set = item.get_record_set(at)
        for number in range(record_set.number_of_entries):
            entry = record_set.get_entry(number)
            found.setdefault(entry.entry_type, entry)
    return found


def _recipients(message: Any) -> list[tuple[int, str, str]]:
    """(kind, name, address): 1 to, 2 cc, 3 bcc."""
    table = _quiet(message, "recipients")
    found = []
    for at in range(_quiet(table, "number_of_record_sets") or 0 if table is not None else 0):
        record_set = table.get_record_set(at)
        entries: dict[int, Any] = {}
        for number in range(record_set.number_of_entries):
            entry = record_set.get_entry(number)
            entries.setdefault(entry.entry_type, entry)
        address = _text(entries.get(SMTP_ADDRESS)) or _text(entries.get(ADDRESS))
        name = _text(entries.get(DISPLAY_NAME))
        if "@" in address:
            found.append((_number(entries.get(RECIPIENT_TYPE)) & 3, name if name != address else "", address))
    return found


def _moment(message: Any) -> datetime | None:
    for name in ("delivery_time", "client_submit_time", "creation_time"):
        value = _quiet(message, name)
        if isinstance(value, datetime) and value.year > 1970:
            return value.replace(tzinfo=UTC)
    return None


def _quiet(item: Any, name: str) -> Any:
    """A value of the library's, or None where the file is broken just there."""
    try:
        return getattr(item, name)
    except (OSError, ValueError, AttributeError, MemoryError):
        return None


def _text(entry: Any) -> str:
    if entry is None:
        return ""
    try:
        return str(entry.data_as_string or "")
    except (OSError, ValueError, TypeError):
        return _decoded(_quiet(entry, "data")) if entry is not None else ""


def _number(entry: Any) -> int:
    try:
        return int(entry.data_as_integer) if entry is not None else 0
    except (OSError, ValueError, TypeError):
        return 0


def _decoded(data: Any) -> str:
    if not data:
        return ""
    if isinstance(data, str):
        return data
    raw = bytes(data).rstrip(b"\x00")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
