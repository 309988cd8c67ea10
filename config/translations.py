"""Compiles the translations (.po) into what gettext reads (.mo), since a bare machine has no msgfmt.

Not for collecting words from the sources; that is a developer's work with the gettext tools.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_MAGIC = 0x950412DE


class BadTranslation(Exception):
    """A .po file can't be read; the text names the file and the line."""


def compile_all(folder: Path) -> list[Path]:
    """Compile every `*/LC_MESSAGES/*.po` below `folder` that is newer than its .mo; returns those written."""
    return [compile_file(source) for source in sorted(folder.glob("*/LC_MESSAGES/*.po")) if is_stale(source)]


def is_stale(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns


def compile_file(source: Path) -> Path:
    """Write the .mo beside its .po, whole or not at all. Raises: BadTranslation."""
    target = source.with_suffix(".mo")
    temporary = target.with_suffix(".mo.new")
    temporary.write_bytes(catalogue(_entries(source)))
    temporary.replace(target)
    return target


def catalogue(messages: dict[bytes, bytes]) -> bytes:
    """The GNU .mo format: a header, two tables of (length, offset), the sorted originals, their translations."""
    originals = sorted(messages)
    head_size = 7 * 4 + 16 * len(originals)
    keys, values = b"", b""
    key_table, value_table = [], []
    keys_size = sum(len(original) + 1 for original in originals)
    for original in originals:
        translation = messages[original]
        key_table += [len(original), head_size + len(keys)]
        value_table += [len(translation), head_size + keys_size + len(values)]
        keys += original + b"\0"
        values += translation + b"\0"
    count = len(originals)
    head = struct.pack("<7I", _MAGIC, 0, count, 28, 28 + 8 * count, 0, 0)
    return head + struct.pack(f"<{4 * count}I", *key_table, *value_table) + keys + values


def _entries(source: Path) -> dict[bytes, bytes]:
    """Every translated message; doubtful ("fuzzy") and empty ones are left out, so that the original shows."""
    found: dict[bytes, bytes] = {}
    for fields, is_fuzzy in _blocks(_lines(source)):
        original = fields.get("msgid", "")
        if "msgid_plural" in fields:
            translations = [fields[name] for name in sorted(fields) if name.startswith("msgstr[")]
            original += "\0" + fields["msgid_plural"]
        else:
            translations = [fields.get("msgstr", "")]
        if not all(translations) or (is_fuzzy and original):
            continue
        if "msgctxt" in fields:
            original = fields["msgctxt"] + "\4" + original
        found[original.encode()] = "\0".join(translations).encode()
    return found


def _lines(source: Path) -> Iterator[tuple[str, str]]:
    """Each line as (keyword, text): keyword "" where a string goes on, "#" for a comment, "-" between entries."""
    for number, raw in enumerate(source.read_text("utf-8").splitlines(), 1):
        line = raw.strip()
        if not line:
            yield "-", ""
        elif line.startswith("#"):
            yield "#", line
        else:
            keyword, quote, rest = line.partition('"')
            try:
                yield keyword.strip(), str(ast.literal_eval(quote + rest))
            except (SyntaxError, ValueError) as error:
                raise BadTranslation(f"{source}:{number}: {line}") from error


def _blocks(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[dict[str, str], bool]]:
    """The fields of each entry and whether it is marked fuzzy."""
    fields: dict[str, str] = {}
    is_fuzzy, current = False, ""
    for keyword, text in [*lines, ("-", "")]:
        starts_entry = keyword in ("-", "#", "msgctxt") or (keyword == "msgid" and "msgid" in fields)
        if starts_entry and "msgid" in fields:
            yield fields, is_fuzzy
            fields, is_fuzzy = {}, False
        if keyword == "#":
            is_fuzzy = is_fuzzy or (text.startswith("#,") and "fuzzy" in text)
        elif keyword != "-":
            current = keyword or current
            fields[current] = fields.get(current, "") + text


if __name__ == "__main__":
    for written in compile_all(Path(__file__).resolve().parent.parent / "locale"):
        print(f"compiled {written}")
