"""Text of a PDF by PDFium: its pages, its title, and the files it carries."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw

from .errors import Unreadable
from .model import CUT, DAMAGED, ENCRYPTED

_HEAD = ("Title", "Author", "Subject", "Keywords")


def read_pdf(data: bytes, most_chars: int) -> tuple[str, Iterator[tuple[str, bytes]]]:
    """The text, and the attached files (name, bytes). Raises: Unreadable (also with what was read before)."""
    try:
        document = pypdfium2.PdfDocument(data)
        pages = len(document)
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD or "assword" in str(error)
        raise Unreadable(ENCRYPTED if locked else DAMAGED) from None
    said = document.get_metadata_dict()
    parts = [said[key] for key in _HEAD if said.get(key)]
    held = 0
    for number in range(pages):
        try:
            page = document[number]
            text = page.get_textpage()
        except pypdfium2.PdfiumError:
            raise Unreadable(DAMAGED, "\n".join(parts)) from None
        parts.append(text.get_text_range(errors="replace"))
        held += len(parts[-1])
        text.close()
        page.close()
        if held > most_chars:
            raise Unreadable(CUT, "\n".join(parts)[:most_chars])
    return "\n".join(parts), _files(document)


def _files(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    for number in range(document.count_attachments()):
        try:
            one = document.get_attachment(number)
            yield one.get_name(), bytes(one.get_data())
        except pypdfium2.PdfiumError:
            continue
