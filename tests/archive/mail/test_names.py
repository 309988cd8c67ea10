"""Names of attachments are safe to offer, and still say what the file is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.mail.names import MAX_BYTES, safe_filename


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht 2004.xls", "Übersicht 2004.xls"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("/", "part.bin"),
        ("", "part.bin"),
        (" . ", "part.bin"),
        ("...", "part.bin"),
        (".bashrc", "bashrc"),
        ("a\r\nX-Header: b.txt", "a X-Header_ b.txt"),
        ("a\0b.txt", "a_b.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("invoice.pdf          .exe", "invoice.pdf .exe"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("console.txt", "console.txt"),
        ('a"b<c>|?.txt', "a_b_c_.txt"),
        ("trailing. . ", "trailing"),
        ("-rf", "rf"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
    ],
)
def test_a_name_becomes_safe(name: str, safe: str) -> None:
    assert safe_filename(name, "part.bin") == safe


def test_a_long_name_keeps_its_extension() -> None:
    safe = safe_filename("ä" * 500 + ".docx", "x")
    assert safe.endswith("….docx")
    assert len(safe.encode()) <= MAX_BYTES


@given(st.text(max_size=400))
def test_any_name_is_one_short_printable_component(name: str) -> None:
    safe = safe_filename(name, "part.bin")
    assert safe
    assert len(safe.encode()) <= MAX_BYTES
    assert not set(safe) & set('/\\:*?"<>|\r\n\t\0\u202e\u2066')
    assert not safe.startswith((".", "-", " "))
    assert safe == safe.strip()
