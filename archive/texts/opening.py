"""Reads one attached file and all that is in it, within the bounds of a policy. Runs in the child only.

Every file inside a file is named by its way (`offer.zip/plan.docx`). What can't be read is named with a reason; the
rest goes on.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from striprtf.striprtf import rtf_to_text
from tnefparse import TNEF

from archive.mail.attached import FileText, kind_of
from archive.mail.charsets import decode
from archive.mail.extract import extract, waiting
from archive.mail.markup import text_of_html

from .binary import read_ole, unpack_rtf
from .errors import Unreadable
from .markup import text_of_xml
from .model import BOMB, CUT, DAMAGED, DEEP, ENCRYPTED, KIND, LARGE, MANY, Policy
from .pdf import read_pdf

_CHUNK = 256 << 10
_BOMS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OOXML = re.compile(
    r"(word/(document\d*|header\d*|footer\d*|footnotes|endnotes|comments)|xl/(sharedStrings|worksheets/[^/]+"
    r"|comments\d*|drawings/drawing\d+|threadedComments/[^/]+)|ppt/(slides|notesSlides|comments)/[^/]+|visio/pages/page\d+"
    r"|docProps/core)\.xml"
)
_ODF = re.compile(r"(.*/)?(content|styles|meta)\.xml")
_EMBEDDED = re.compile(r"(word|xl|ppt)/embeddings/|Pictures/.*\.pdf$")
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError, NotImplementedError,
    AssertionError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError,
)  # fmt: skip


class Opening:
    """One attached file; `found` is what was read of it so far."""

    def __init__(self, policy: Policy, size: int) -> None:
        self.policy = policy
        self.found: list[FileText] = []
        self._size = size
        self._unpacked = 0
        self._members = 0
        self._room = policy.text_chars

    def read(self, name: str, data: bytes, *, depth: int = 0) -> None:
        """Read a file of any kind. Never raises but MemoryError, RecursionError."""
        kind = kind_of(data[:1024], name)
        if not kind or not self.policy.reads(kind):
            return
        one = FileText(name)
        self.found.append(one)
        try:
            if depth > self.policy.depth:
                raise Unreadable(DEEP)
            getattr(self, f"_{_METHODS[kind]}")(one, data, depth)
        except Unreadable as error:
            self._keep(one, error.text)
            one.reason = error.reason
        except _BROKEN:
            one.reason = DAMAGED
        if not one.text and not one.reason:
            self.found.remove(one)

    def _keep(self, one: FileText, text: str) -> None:
        if len(text) > self._room:
            text, one.reason = text[: self._room], CUT
        self._room -= len(text)
        one.text += text.replace("\0", " ")

    def _spend(self, size: int) -> None:
        self._unpacked += size
        most = max(self.policy.ratio_from_bytes, self._size * self.policy.ratio)
        if self._unpacked > min(self.policy.unpacked_bytes, most):
            raise Unreadable(BOMB)

    def _whole(self, file: Any) -> bytes:
        """All of a member. Raises: Unreadable (a bomb, or larger than a file may be)."""
        pieces, size = [], 0
        while piece := file.read(_CHUNK):
            self._spend(len(piece))
            size += len(piece)
            if size > self.policy.file_bytes:
                raise Unreadable(LARGE)
            pieces.append(piece)
        return b"".join(pieces)

    def _counted(self, file: IO[bytes]) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            piece = file.read(size)
            self._spend(len(piece))
            return piece

        return read

    def _count(self) -> None:
        self._members += 1
        if self._members > self.policy.members:
            raise Unreadable(MANY)

    def _member(self, outer: FileText, name: str, file: Any, depth: int) -> None:
        """A file in a file; its damage is its own, a bomb is everybody's."""
        self._count()
        try:
            data = self._whole(file)
        except Unreadable as error:
            if error.reason == BOMB:
                raise
            self.found.append(FileText(f"{outer.name}/{name}", reason=error.reason))
        except _BROKEN:
            self.found.append(FileText(f"{outer.name}/{name}", reason=DAMAGED))
        else:
            self.read(f"{outer.name}/{name}", data, depth=depth + 1)

    # One method a kind

    def _pdf(self, one: FileText, data: bytes, depth: int) -> None:
        text, files = read_pdf(data, self._room)
        self._keep(one, text)
        self._inner(one, files, depth)

    def _inner(self, one: FileText, files: Any, depth: int) -> None:
        for name, content in files:
            self._count()
            if content is None:
                self.found.append(FileText(f"{one.name}/{name}", reason=LARGE))
                continue
            self._spend(len(content))
            self.read(f"{one.name}/{name}", content, depth=depth + 1)

    def _rtf(self, one: FileText, data: bytes, depth: int) -> None:
        self._keep(one, _text_of_rtf(data))

    def _ole(self, one: FileText, data: bytes, depth: int) -> None:
        group, text, files = read_ole(data)
        if group in self.policy.groups:
            self._keep(one, text)
            self._inner(one, files, depth)

    def _text(self, one: FileText, data: bytes, depth: int) -> None:
        label = next((codec for bom, codec in _BOMS if data.startswith(bom)), "")
        text = data.decode(label, "replace").lstrip("\ufeff") if label else decode(data)
        if one.name.lower().endswith((".html", ".htm")) or text[:200].lstrip()[:14].lower().startswith(
            ("<html", "<!doctype html")
        ):
            text = text_of_html(text)
        self._keep(one, text)

    def _message(self, one: FileText, data: bytes, depth: int) -> None:
        said = extract(data)
        people = (f"{each.name} {each.address}" for each in (*said.from_, *said.to, *said.cc))
        self._keep(one, "\n".join((said.subject, *people, said.body)))
        for each in said.files:
            inner = FileText(f"{one.name}/{each.name}")
            self._keep(inner, each.text)
            self.found.append(inner)
        self._inner(one, waiting(data, self.policy.file_bytes), depth)

    def _tnef(self, one: FileText, data: bytes, depth: int) -> None:
        mail = TNEF(data, do_checksum=False)
        body = mail.body
        text = decode(body) if isinstance(body, bytes) else body or ""
        if not text and mail.htmlbody:
            html = mail.htmlbody
            text = text_of_html(decode(html) if isinstance(html, bytes) else html)
        if not text:
            text = "\n".join(_rtf_of(mail))
        self._keep(one, text)
        self._inner(one, ((_name_of(each), bytes(each.data)) for each in mail.attachments if each.data), depth)

    def _zip(self, one: FileText, data: bytes, depth: int) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "[Content_Types].xml" in names:
                self._office(one, archive, _OOXML, depth, everything=False)
            elif "mimetype" in names and "content.xml" in names:
                self._office(one, archive, _ODF, depth, everything=True)
            elif "archives" in self.policy.groups:
                self._archive(one, archive, depth)

    def _office(
        self, one: FileText, archive: zipfile.ZipFile, wanted: re.Pattern[str], depth: int, *, everything: bool
    ) -> None:
        if "office" not in self.policy.groups:
            return
        locked = _locked_odf(archive) if everything else False
        if locked:
            raise Unreadable(ENCRYPTED)
        for info in sorted(archive.infolist(), key=lambda info: _natural(info.filename)):
            if wanted.fullmatch(info.filename):
                self._count()
                whole = everything or info.filename.startswith("docProps/")
                with archive.open(info) as file:
                    self._keep(one, text_of_xml(self._counted(file), everything=whole) + "\n")
            elif _EMBEDDED.match(info.filename) and not info.is_dir():
                with archive.open(info) as file:
                    self._member(one, info.filename.rpartition("/")[2], file, depth)

    def _archive(self, one: FileText, archive: zipfile.ZipFile, depth: int) -> None:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.flag_bits & 1:
                self._count()
                self.found.append(FileText(f"{one.name}/{info.filename}", reason=ENCRYPTED))
                continue
            try:
                file = archive.open(info)
            except _BROKEN:
                self.found.append(FileText(f"{one.name}/{info.filename}", reason=DAMAGED))
                continue
            with file:
                self._member(one, info.filename, file, depth)

    def _tar(self, one: FileText, data: bytes, depth: int) -> None:
        self._tar_from(one, io.BytesIO(data), depth)

    def _tar_from(self, one: FileText, source: Any, depth: int) -> None:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for info in archive:
                if info.isfile() and (file := archive.extractfile(info)) is not None:
                    self._member(one, info.name, file, depth)

    def _packed(self, one: FileText, data: bytes, depth: int) -> None:
        """A plain compression: of one file, named without the suffix, or of a tar."""
        kind = kind_of(data[:8], "")
        source = io.BytesIO(data)
        open_packed: Any = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}[kind]
        plain: Any = open_packed(source, "rb")
        with plain:
            inside = self._whole(plain)
        name = one.name.rpartition("/")[2]
        stem = re.sub(r"\.t(gz|bz2?|xz)$", ".tar", re.sub(r"\.(gz|bz2|xz)$", "", name, flags=re.I), flags=re.I)
        self._unpacked -= len(inside)  # its members are counted again, one by one
        self.read(f"{one.name}/{stem}", inside, depth=depth + 1)

    def _unread(self, one: FileText, data: bytes, depth: int) -> None:
        raise Unreadable(KIND)


_METHODS = {
    "pdf": "pdf", "rtf": "rtf", "ole": "ole", "text": "text", "message": "message", "tnef": "tnef", "zip": "zip",
    "tar": "tar", "gz": "packed", "bz2": "packed", "xz": "packed", "7z": "unread", "rar": "unread",
}  # fmt: skip


def _natural(name: str) -> list[tuple[int, str]]:
    """slide2 before slide10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _locked_odf(archive: zipfile.ZipFile) -> bool:
    try:
        with archive.open("META-INF/manifest.xml") as file:
            return b"encryption-data" in file.read(1 << 20)
    except _BROKEN:
        return False


def _name_of(attachment: Any) -> str:
    name = attachment.long_filename() or "file"
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _rtf_of(mail: Any) -> Iterator[str]:
    for each in mail.mapiprops:
        if each.name == 0x1009:  # PR_RTF_COMPRESSED
            packed = each.data if isinstance(each.data, bytes) else b"".join(each.data)
            yield _text_of_rtf(unpack_rtf(packed))


def _text_of_rtf(data: bytes) -> str:
    return str(rtf_to_text(data.decode("latin-1"), errors="ignore"))  # type: ignore[no-untyped-call]
