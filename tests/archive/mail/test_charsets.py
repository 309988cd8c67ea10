"""Bytes into text, whatever the label says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.mail.charsets import decode, is_known


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("Grüße".encode("latin-1"), "", "Grüße"),
        ("Grüße".encode("latin-1"), "us-ascii", "Grüße"),
        ("„Zitat“ – 5 €".encode("cp1252"), "iso-8859-1", "„Zitat“ – 5 €"),
        ("中文内容很长很长".encode("gbk"), "x-gbk", "中文内容很长很长"),
        ("中文内容很长很长".encode("gb18030"), "gb2312", "中文内容很长很长"),
        ("繁體中文".encode("big5"), "chinesebig5", "繁體中文"),
        ("한국어 메일".encode("cp949"), "ks_c_5601-1987", "한국어 메일"),
        ("日本語①".encode("cp932"), "shift_jis", "日本語①"),
        ("日本語".encode("iso-2022-jp"), "ISO-2022-JP", "日本語"),
        (b"Hi +ZeVnLIqe-", "unicode-1-1-utf-7", "Hi 日本語"),
        ("Ёлка".encode("cp1251"), "windows-1251", "Ёлка"),
        ("Привет".encode("koi8-r"), '"KOI8-R"', "Привет"),
        ("Hello".encode("utf-16"), "utf-16", "Hello"),
        (b"plain", "no-such-charset", "plain"),
        ("Grüße".encode(), "no-such-charset", "Grüße"),
        (b"\xff\xfeH\0i\0", "", "Hi"),
        (b"a\0b", "", "ab"),
    ],
)
def test_text_is_read(data: bytes, label: str, text: str) -> None:
    assert decode(data, label) == text


def test_a_few_broken_bytes_do_not_cost_the_rest() -> None:
    text = decode("很长的中文内容，".encode("gb18030") * 20 + b"\xff" + "结束".encode("gb18030"), "gb2312")
    assert text.startswith("很长的中文内容，很长")
    assert text.endswith("结束")


def test_what_is_no_charset_is_refused() -> None:
    for label in ("rot13", "hex", "zlib", "idna", "punycode", "unicode_escape", "undefined", "x" * 999, "ü", ""):
        assert not is_known(label)
    assert is_known("windows-1252")


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-7", "utf-16", "gb2312", "iso-2022-kr", "hz", "nope", "utf-8", "\0"]),
)
def test_any_bytes_become_text_that_can_be_written(data: bytes, label: str) -> None:
    text = decode(data, label)
    assert "\0" not in text
    text.encode("utf-8")
