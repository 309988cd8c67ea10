"""Files of every kind that holds text, made by hand: no office program is asked."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage
from xml.sax.saxutils import escape


def pdf(*pages: str, locked: bool = False, carries: tuple[str, bytes] | None = None) -> bytes:
    """A PDF whose pages say these texts; locked: it asks for a password."""
    kids = " ".join(f"{10 + 2 * at} 0 R" for at in range(len(pages)))
    names = "/Names << /EmbeddedFiles << /Names [(file) 6 0 R] >> >>" if carries else ""
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {names} >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for at, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET"
        objects[10 + 2 * at] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {11 + 2 * at} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[11 + 2 * at] = f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    if carries:
        objects[6] = f"<< /Type /Filespec /F ({carries[0]}) /UF ({carries[0]}) /EF << /F 7 0 R >> >>"
        objects[7] = (
            f"<< /Type /EmbeddedFile /Length {len(carries[1])} >>\nstream\n{carries[1].decode('latin-1')}\nendstream"
        )
    if locked:
        objects[8] = f"<< /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -44 >>"
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, text in sorted(objects.items()):
        places[number] = len(out)
        out += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in sorted(places.items()):
        out += f"{number} 1\n{place:010d} 00000 n \n".encode()
    encrypt = f"/Encrypt 8 0 R /ID [<{'43' * 16}> <{'43' * 16}>]" if locked else ""
    out += f"trailer\n<< /Size {max(places) + 1} /Root 1 0 R {encrypt} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def zipped(files: dict[str, bytes | str], *, deflate: bool = True) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: dict[str, bytes], *, mode: str = "w:gz") -> bytes:
    """A tar of these files, compressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def docx(*paragraphs: str, embedded: dict[str, bytes] | None = None) -> bytes:
    body = "".join(f"<w:p><w:r><w:t>{escape(text)}</w:t></w:r></w:p>" for text in paragraphs)
    document = f'<?xml version="1.0"?><w:document xmlns:w="w"><w:body>{body}</w:body></w:document>'
    inside = {f"word/embeddings/{name}": content for name, content in (embedded or {}).items()}
    return zipped({"[Content_Types].xml": _TYPES, "word/document.xml": document, **inside})


def xlsx(*cells: str, number: int = 0) -> bytes:
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in cells)
    refs = "".join(f'<c t="s"><v>{at}</v></c>' for at in range(len(cells)))
    sheet = f'<worksheet xmlns="x"><sheetData><row>{refs}<c><v>{number}</v></c></row></sheetData></worksheet>'
    return zipped(
        {"[Content_Types].xml": _TYPES, "xl/sharedStrings.xml": f'<sst xmlns="x">{strings}</sst>',
         "xl/worksheets/sheet1.xml": sheet}
    )  # fmt: skip


def pptx(*slides: str) -> bytes:
    slide = '<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sld>'
    files = {f"ppt/slides/slide{at}.xml": slide.format(escape(text)) for at, text in enumerate(slides, 1)}
    return zipped({"[Content_Types].xml": _TYPES, **files})


def odf(*paragraphs: str, locked: bool = False) -> bytes:
    body = "".join(f"<text:p>{escape(text)}</text:p>" for text in paragraphs)
    content = f'<o:document-content xmlns:o="o" xmlns:text="t"><o:body>{body}</o:body></o:document-content>'
    manifest = "<manifest:encryption-data/>" if locked else "<manifest/>"
    kind = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


# Compound files (OLE): a header, a file allocation table, a directory, the streams; everything in whole sectors.

_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def ole(streams: dict[str, bytes]) -> bytes:
    """A compound file; a name with / makes storages."""
    entries: list[tuple[str, int, bytes, int]] = [("Root Entry", 5, b"", -1)]
    folders = {"": 0}
    for path in streams:
        *parents, name = path.split("/")
        for depth in range(len(parents)):
            key = "/".join(parents[: depth + 1])
            if key not in folders:
                folders[key] = len(entries)
                entries.append((parents[depth], 1, b"", folders["/".join(parents[:depth])]))
        entries.append((name, 2, streams[path].ljust(4096, b"\0"), folders["/".join(parents)]))
    directory_sectors = -(-len(entries) // 4)
    fat: list[int] = [_FAT] + [at + 2 for at in range(directory_sectors - 1)] + [_END]
    starts, data = [], bytearray()
    for _, _, content, _ in entries:
        count = -(-len(content) // 512)
        starts.append(len(fat) if count else _END)
        fat += [len(fat) + at + 1 for at in range(count - 1)] + ([_END] if count else [])
        data += content.ljust(count * 512, b"\0")
    assert len(fat) <= 128
    fat += [_FREE] * (128 - len(fat))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    head += struct.pack("<109I", 0, *[_FREE] * 108)
    return head + struct.pack("<128I", *fat) + _directory(entries, starts, directory_sectors) + bytes(data)


def _directory(entries: Sequence[tuple[str, int, bytes, int]], starts: list[int], sectors: int) -> bytes:
    """Children of one storage hang on each other as a chain to the right."""
    out = bytearray()
    for at, (name, kind, content, parent) in enumerate(entries):
        following = [n for n in range(at + 1, len(entries)) if entries[n][3] == parent and parent >= 0]
        children = [n for n in range(len(entries)) if entries[n][3] == at]
        title = name.encode("utf-16-le") + b"\0\0"
        out += title.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ", len(title), kind, 1, _FREE, following[0] if following else _FREE,
            children[0] if children else _FREE, starts[at], len(content),
        )  # fmt: skip
    return bytes(out).ljust(sectors * 512, b"\0")


def doc(text: str) -> bytes:
    """A Word 97 document of one piece."""
    content = text.encode("utf-16-le")
    document = bytearray(0x400)
    struct.pack_into("<HH", document, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", document, 10, 0x0200)
    pieces = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, 0x400, 0)
    table = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    struct.pack_into("<II", document, 0x01A2, 0, len(table))
    return ole({"WordDocument": bytes(document) + content, "1Table": table})


def xls(text: str) -> bytes:
    """An Excel 97 workbook of one cell."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 1996, 0, 6))

    label = record(0x0204, struct.pack("<HHHHB", 0, 0, 0, len(text), 0) + text.encode("latin-1"))
    sheet = begin(0x10) + label + record(0x0A, b"")
    bound = record(0x0085, struct.pack("<IHBB", 0, 0, 6, 0) + b"Sheet1")
    before = begin(0x05) + bound + record(0x0A, b"")
    bound = record(0x0085, struct.pack("<IHBB", len(before), 0, 6, 0) + b"Sheet1")
    return ole({"Workbook": begin(0x05) + bound + record(0x0A, b"") + sheet})


def ppt(text: str) -> bytes:
    body = text.encode("utf-16-le")
    atom = struct.pack("<HHI", 0, 0x0FA0, len(body)) + body
    return ole({"PowerPoint Document": struct.pack("<HHI", 0x0F, 0x03E8, len(atom)) + atom})


def msg(subject: str, body: str, files: dict[str, bytes] | None = None) -> bytes:
    """A message of Outlook."""
    said = {"__properties_version1.0": b"", "__substg1.0_0037001F": subject.encode("utf-16-le"),
            "__substg1.0_1000001F": body.encode("utf-16-le")}  # fmt: skip
    for at, (name, content) in enumerate((files or {}).items()):
        folder = f"__attach_version1.0_#{at:08X}"
        said[f"{folder}/__substg1.0_3707001F"] = name.encode("utf-16-le")
        said[f"{folder}/__substg1.0_37010102"] = content
    return ole(said)


def tnef(body: str, files: dict[str, bytes]) -> bytes:
    """A winmail.dat."""

    def attribute(level: int, name: int, kind: int, data: bytes) -> bytes:
        return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = struct.pack("<IH", 0x223E9F78, 1)
    out += attribute(1, 0x9006, 8, struct.pack("<I", 0x10000)) + attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0))
    out += attribute(1, 0x800C, 2, body.encode("cp1252") + b"\0")
    for name, content in files.items():
        out += attribute(2, 0x9002, 6, b"\0" * 14) + attribute(2, 0x8010, 1, name.encode() + b"\0")
        out += attribute(2, 0x800F, 6, content)
    return out


def mail(files: dict[str, bytes], *, subject: str = "With files", body: str = "See what is attached.") -> bytes:
    """A message with these files attached."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.org", "bob@example.org", subject
    message["Date"], message["Message-ID"] = "Mon, 05 Jan 2026 10:00:00 +0000", f"<{abs(hash(subject))}@example.org>"
    message.set_content(body)
    for name, content in files.items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
