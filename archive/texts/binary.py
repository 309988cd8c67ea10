"""Text of the binary office files in an OLE container: .doc, .xls, .ppt, and of Outlook's .msg.

Sources: [MS-DOC] §2.5.1 (FIB), §2.8.35 (piece table), §2.9.178; [MS-PPT] §2.9.41; [MS-OXMSG] §2; [MS-OXRTFCP] §2.
Not read: Word before 97, Excel's and Word's macros, Visio, Publisher, Project.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator

import olefile
import xlrd

from archive.mail.charsets import decode

from .errors import Unreadable
from .model import DAMAGED, ENCRYPTED, KIND

_FIELD_CODE = re.compile("\x13[^\x13\x14\x15]*[\x14\x15]?")
_MARKS = str.maketrans({"\x07": "\t", "\x0b": "\n", "\x0c": "\n", "\r": "\n", "\x1e": "-", "\x1f": None, "\xa0": " "})
_PPT_UTF16, _PPT_LATIN = frozenset({0x0FA0, 0x0FBA}), 0x0FA8
File = tuple[str, bytes]


def read_ole(data: bytes) -> tuple[str, str, list[File]]:
    """(group, text, files in it). Raises: Unreadable."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            return _read(ole, data)
    except (OSError, struct.error, ValueError, IndexError, TypeError, AttributeError):
        raise Unreadable(DAMAGED) from None


def _read(ole: olefile.OleFileIO, data: bytes) -> tuple[str, str, list[File]]:
    if ole.exists("EncryptedPackage"):
        raise Unreadable(ENCRYPTED)
    if ole.exists("WordDocument"):
        return "office", _word(ole), []
    if ole.exists("Workbook") or ole.exists("Book"):
        return "office", _excel(data), []
    if ole.exists("PowerPoint Document"):
        return "office", _powerpoint(_stream(ole, "PowerPoint Document")), []
    if ole.exists("__properties_version1.0"):
        text, files = _outlook(ole, "")
        return "messages", text, files
    raise Unreadable(KIND)


def _stream(ole: olefile.OleFileIO, name: str) -> bytes:
    return bytes(ole.openstream(name).read())


def _word(ole: olefile.OleFileIO) -> str:
    document = _stream(ole, "WordDocument")
    flags = int.from_bytes(document[10:12], "little")
    if flags & 0x0100:
        raise Unreadable(ENCRYPTED)
    if int.from_bytes(document[2:4], "little") < 0xC1:
        raise Unreadable(KIND)
    table = _stream(ole, "1Table" if flags & 0x0200 else "0Table")
    start, length = struct.unpack_from("<II", document, 0x01A2)
    pieces = "".join(_pieces(document, table[start : start + length]))
    return _FIELD_CODE.sub("", pieces).replace("\x15", "").translate(_MARKS)


def _pieces(document: bytes, clx: bytes) -> Iterator[str]:
    at = 0
    while at < len(clx) and clx[at] == 1:
        at += 3 + int.from_bytes(clx[at + 1 : at + 3], "little")
    if at >= len(clx) or clx[at] != 2:
        raise Unreadable(DAMAGED)
    size = int.from_bytes(clx[at + 1 : at + 5], "little")
    plc = clx[at + 5 : at + 5 + size]
    count = (len(plc) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", plc)
    for number in range(count):
        (place,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)
        chars = max(ends[number + 1] - ends[number], 0)
        if place & 0x4000_0000:
            first = (place & 0x3FFF_FFFF) // 2
            yield document[first : first + chars].decode("cp1252", "replace")
        else:
            yield document[place : place + 2 * chars].decode("utf-16-le", "replace")


def _excel(data: bytes) -> str:
    try:
        book = xlrd.open_workbook(file_contents=data, on_demand=True, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        raise Unreadable(ENCRYPTED if "encrypt" in str(error).lower() else DAMAGED) from None
    lines: list[str] = []
    for name in book.sheet_names():
        lines.append(name)
        sheet = book.sheet_by_name(name)
        for row in range(sheet.nrows):
            values = (sheet.cell_value(row, column) for column in range(sheet.row_len(row)))
            lines.append("\t".join(_cell(value) for value in values if value not in ("", None)))
        book.unload_sheet(name)
    return "\n".join(line for line in lines if line)


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _powerpoint(stream: bytes) -> str:
    lines: list[str] = []
    at = 0
    while at + 8 <= len(stream):
        version, kind, length = struct.unpack_from("<HHI", stream, at)
        at += 8
        if version & 0xF == 0xF:
            continue  # a container: its records follow
        body = stream[at : at + length]
        if kind in _PPT_UTF16:
            lines.append(body.decode("utf-16-le", "replace"))
        elif kind == _PPT_LATIN:
            lines.append(body.decode("latin-1"))
        at += length
    return "\n".join(lines).translate(_MARKS)


# Outlook's messages

_SAID = ("0037", "0C1A", "0C1F", "0E04", "0E03")


def _outlook(ole: olefile.OleFileIO, folder: str) -> tuple[str, list[File]]:
    texts = [_said(ole, folder, tag) for tag in _SAID]
    body = _said(ole, folder, "1000")
    files: list[File] = []
    if not body and ole.exists(f"{folder}__substg1.0_10130102"):
        files.append(("message.html", _stream(ole, f"{folder}__substg1.0_10130102")))
    elif not body and ole.exists(f"{folder}__substg1.0_10090102"):
        files.append(("message.rtf", unpack_rtf(_stream(ole, f"{folder}__substg1.0_10090102"))))
    depth = folder.count("/")
    inside = [path for path in ole.listdir(streams=False, storages=True) if len(path) == depth + 1]
    for path in inside:
        if path[-1].startswith("__attach_version1.0_") and "/".join(path).startswith(folder):
            _attached("/".join(path) + "/", ole, texts, files)
    return "\n".join(text for text in (*texts, body) if text), files


def _attached(folder: str, ole: olefile.OleFileIO, texts: list[str], files: list[File]) -> None:
    name = _said(ole, folder, "3707") or _said(ole, folder, "3704") or _said(ole, folder, "3001")
    if ole.exists(f"{folder}__substg1.0_37010102"):
        files.append((name or "file", _stream(ole, f"{folder}__substg1.0_37010102")))
    elif ole.exists(f"{folder}__substg1.0_3701000D") and folder.count("/") < 12:
        text, inner = _outlook(ole, f"{folder}__substg1.0_3701000D/")
        texts.append(text)
        files += inner


def _said(ole: olefile.OleFileIO, folder: str, tag: str) -> str:
    if ole.exists(f"{folder}__substg1.0_{tag}001F"):
        return _stream(ole, f"{folder}__substg1.0_{tag}001F").decode("utf-16-le", "replace").strip("\0")
    if ole.exists(f"{folder}__substg1.0_{tag}001E"):
        return decode(_stream(ole, f"{folder}__substg1.0_{tag}001E")).strip("\0")
    return ""


_PRELOAD = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def unpack_rtf(data: bytes) -> bytes:
    """RTF as Outlook compresses it. Raises: Unreadable. Source: [MS-OXRTFCP] §2.1.3."""
    if len(data) < 16:
        raise Unreadable(DAMAGED)
    _, raw_size, kind, _ = struct.unpack_from("<4I", data)
    if kind == 0x414C454D:  # MELA: not compressed
        return data[16 : 16 + raw_size]
    if kind != 0x75465A4C:  # LZFu
        raise Unreadable(DAMAGED)
    window = bytearray(_PRELOAD.ljust(4096, b"\0"))
    write, at, out = len(_PRELOAD), 16, bytearray()
    while at < len(data) and len(out) < raw_size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out)
                token = int.from_bytes(data[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 0xF) + 2
                if offset == write:
                    return bytes(out)
                some = []
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    window[write] = byte
                    write = (write + 1) % 4096
                    some.append(byte)
                out += bytes(some)
            else:
                if at >= len(data):
                    return bytes(out)
                window[write] = data[at]
                write = (write + 1) % 4096
                out.append(data[at])
                at += 1
    return bytes(out)
