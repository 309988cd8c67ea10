"""Bytes of a mail into text, whatever their label claims. Not for file names on disk.

Never raises, and what comes out can always be encoded again: no lone surrogates, no NUL.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

# Labels as found in mail -> Python codec. The wider superset is taken, since senders mix them up
# (Windows text labelled ISO, GBK labelled GB2312).
_ALIASES = {
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "8859_1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "cp1255",
    "iso-8859-8-e": "cp1255",
    "iso-8859-8": "cp1255",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "cp950",
    "chinesebig5": "cp950",
    "x-x-big5": "cp950",
    "big5-hkscs": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "x-windows-949": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-2-0-utf-7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ce": "mac_latin2",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
}
# Text only while they carry escapes: plain ASCII bytes mean something else in them.
_SEVEN_BIT = {"utf-7", "hz", "iso2022_jp_ext", "iso2022_kr", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"} | {
    "iso2022_jp_2004",
    "iso2022_jp_3",
}
_WIDE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
# Not character sets, or slow by design (punycode and idna are quadratic, in Python).
_REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap"}
_SHORT = 8
_NON_ASCII = bytes(range(128))
_SURROGATE = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=512)
def codec_for(label: str) -> str | None:
    """The Python codec behind a charset label; None where nobody knows it."""
    name = label.strip().strip("\"'").lower()
    if not name or len(name) > 40 or not name.isascii():
        return None
    if alias := _ALIASES.get(name):
        return alias
    for candidate in (name, name.removeprefix("x-"), name.replace("windows-", "cp"), name.replace("cp-", "cp")):
        try:
            info = codecs.lookup(candidate)
            b"a".decode(info.name, "replace")  # refuses rot13, hex, zlib: they are no text encodings
        except (LookupError, UnicodeError, ValueError, TypeError):
            continue
        if info.name.replace("-", "_") in _REFUSED:
            return None
        return _ALIASES.get(info.name, info.name)
    return None


def is_known(label: str) -> bool:
    """Whether a charset label means something here."""
    return codec_for(label) is not None


def decode(data: bytes, label: str = "", hint: str = "") -> str:
    """Text of `data`, whose sender says it is in `label`; `hint` is the next best guess. Never raises.

    UTF-8 that is valid as such wins over a label that is wrong, except for a few bytes of a charset in which
    valid UTF-8 may happen by chance. What no charset explains is read as Windows-1252.
    """
    codec = codec_for(label) if label else None
    if codec in _SEVEN_BIT or codec in _WIDE:
        assert codec is not None
        return _clean(_decode_stateful(data, codec))
    if data.isascii():
        text = data.decode("ascii")
        return text.replace("\0", "") if "\0" in text else text
    return _clean(_decode_eight_bit(data, codec, hint))


def _decode_stateful(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        if not data.isascii() and codec in _SEVEN_BIT:
            return _decode_eight_bit(data, None, "")
        return data.decode(codec, "replace")


def _decode_eight_bit(data: bytes, codec: str | None, hint: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    label_first = codec not in (None, "cp1252", "utf-8") and len(data.translate(None, _NON_ASCII)) < _SHORT
    candidates = [codec, "utf-8"] if label_first else ["utf-8", codec]
    if hint:
        candidates.append(codec_for(hint))
    for candidate in candidates:
        if candidate is None or candidate == "cp1252":
            continue
        try:
            return data.decode("utf-8-sig" if candidate == "utf-8" else candidate)
        except (UnicodeError, ValueError):
            continue
    for candidate in dict.fromkeys((codec, "utf-8")):
        # A few broken bytes in a long text: keep the text, mark the bytes.
        if candidate and candidate != "cp1252":
            text = data.decode(candidate, "replace")
            if text.count("\ufffd") * 20 <= len(data.translate(None, _NON_ASCII)):
                return text
    return data.decode("cp1252", "replace")


def _clean(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    if _SURROGATE.search(text):  # UTF-7 can spell halves of a pair
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
