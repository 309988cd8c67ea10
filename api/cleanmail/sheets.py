"""A list as a workbook that spreadsheet programs open: one sheet, a row of names and a row for each entry.

Every cell is text, so that nothing a stranger wrote is taken for a formula. Not for CSV (`config.kit.csv`).
Source: ECMA-376, parts 1 (SpreadsheetML, inline strings) and 2 (packages).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}
LONGEST = 32_767  # a cell's
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def workbook(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes of an .xlsx; its columns are what the first entry has that is no list and no object."""
    names = [name for name, value in (rows[0] if rows else {}).items() if not isinstance(value, list | dict)]
    lines = [names, *([_text(row.get(name)) for name in names] for row in rows)]
    cells = "".join(f"<row>{''.join(map(_cell, line))}</row>" for line in lines)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            archive.writestr(name, HEAD + content)
    return made.getvalue()


def _text(value: Any) -> str:
    if value is None or isinstance(value, list | dict):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    shown = escape(_NOT_XML.sub("�", text[:LONGEST]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'
