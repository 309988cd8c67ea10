"""Names of attachments made safe to offer as a download. Nothing is ever written to disk under them."""

from __future__ import annotations

import re
import unicodedata

MAX_BYTES = 180
# Bidirectional controls (an "exe" that reads "gpj"), zero-width and variation marks, line and paragraph separators.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]"
)
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.I)
_EXTENSION = re.compile(r"\.[A-Za-z0-9_-]{1,16}$")


def safe_filename(name: str, fallback: str) -> str:
    """`name` without path, control and direction characters, reserved names and leading dots; `fallback` if
    nothing is left. At most 180 bytes of UTF-8, cut before the extension, so that "invoice.pdf   .exe" still
    shows that it ends in .exe.
    """
    text = unicodedata.normalize("NFC", name[:4000])
    text = text.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    text = _UNSAFE.sub("_", _INVISIBLE.sub("", text.replace("\t", " ").replace("\n", " ").replace("\r", " ")))
    text = " ".join(text.split()).strip(" .") if text.strip(" ._") else ""
    text = text.lstrip("~-") or text
    if not text.strip("_ .-~"):
        return fallback
    if _RESERVED.match(text):
        text = "_" + text
    return _shortened(text)


def _shortened(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if len(data) <= MAX_BYTES:
        return text
    match = _EXTENSION.search(text)
    extension = match.group() if match else ""
    stem = data[: MAX_BYTES - len(extension) - 3].decode("utf-8", "ignore").rstrip(" .")
    return f"{stem}…{extension}"
