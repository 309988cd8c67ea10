"""Making a file searchable: any file of hashes or of plain words, a gigabyte and more, in bounded memory. No Django.

Entries go to files by the first bits of their hash, some hundred thousand at a time; then each of these is sorted by
itself and appended. The index is written beside its place and renamed over it when it is whole, so a run that dies or
is stopped leaves what was there.

Whether lines are hashes or words is told from how the file begins: hashes where half of the lines look so. Lines that
are neither are counted and the first of them named; a list with nothing to search in is refused.
"""

from __future__ import annotations

import binascii
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from accounts.breach_list.searching import ENTRY, LINE, MAGIC, digest_of

Why = Literal["hash", "text", "long"]
LONGEST_WORD, NAMED = 256, 20
BLOCK, WINDOW = 1 << 20, 300_000
LARGE_BYTES = 2 << 30


class Stopped(Exception):
    """Somebody wanted no more of it; nothing has changed."""


class NothingInIt(Exception):
    """No line could be used; `made` says what was wrong with the first ones."""

    def __init__(self, made: Made) -> None:
        super().__init__("no line of the list could be used")
        self.made = made


@dataclass(slots=True)
class Made:
    """What came of it. kind: "hashes" or "words"; refused: lines left out, garbage: the first of them and why."""

    kind: str = "words"
    lines: int = 0
    entries: int = 0
    refused: int = 0
    garbage: list[tuple[int, Why]] = field(default_factory=list)

    def note(self, line: int, why: Why) -> None:
        self.refused += 1
        if len(self.garbage) < NAMED:
            self.garbage.append((line, why))


def build(
    source: Path,
    target: Path,
    about: dict[str, Any],
    *,
    progress: Callable[[int], None] = lambda _bytes: None,
    stop: Callable[[], bool] = lambda: False,
) -> Made:
    """Make `target` the index of what stands in `source`. about: kept with it, beside what was found.

    progress: told how many bytes were read. Raises: OSError, Stopped, NothingInIt.
    """
    bits = 12 if source.stat().st_size > LARGE_BYTES else 8
    folder = Path(tempfile.mkdtemp(prefix="indexing-", dir=target.parent))
    try:
        made = _spread(source, folder, bits, progress, stop)
        whole = folder / "whole"
        with whole.open("wb") as out:
            out.write(MAGIC + bytes(8))
            for part in range(1 << bits):
                if stop():
                    raise Stopped
                made.entries += _sort(folder / str(part), out)
            if not made.entries:
                raise NothingInIt(made)
            told = about | {"kind": made.kind, "lines": made.lines, "refused": made.refused, "garbage": made.garbage}
            out.write(json.dumps(told).encode())
            out.seek(len(MAGIC))
            out.write(made.entries.to_bytes(8, "big"))
            out.flush()
            os.fsync(out.fileno())
        whole.replace(target)
        return made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _spread(source: Path, folder: Path, bits: int, progress: Callable[[int], None], stop: Callable[[], bool]) -> Made:
    """Every entry into the file of its first bits."""
    made, shift = Made(_kind(source)), 16 - bits
    read = _hash if made.kind == "hashes" else _word
    waiting: list[set[bytes]] = [set() for _part in range(1 << bits)]
    held = 0
    for done, lines in _blocks(source):
        for line in lines:
            made.lines += 1
            entry = read(line)
            if isinstance(entry, str):
                made.note(made.lines, entry)
            elif entry:
                part = waiting[(entry[0] << 8 | entry[1]) >> shift]
                held -= len(part)
                part.add(entry)
                held += len(part)
        if stop():
            raise Stopped
        if held > WINDOW:
            held = _flush(waiting, folder)
        progress(done)
    _flush(waiting, folder)
    return made


def _flush(waiting: list[set[bytes]], folder: Path) -> int:
    for part, entries in enumerate(waiting):
        if entries:
            with (folder / str(part)).open("ab") as file:
                file.write(b"".join(entries))
            entries.clear()
    return 0


def _sort(part: Path, out: Any) -> int:
    """Append the entries of a part in order, each once; how many."""
    if not part.exists():
        return 0
    entries: set[bytes] = set()
    with part.open("rb") as file:
        while piece := file.read(ENTRY * 50_000):
            entries.update(piece[at : at + ENTRY] for at in range(0, len(piece), ENTRY))
    out.write(b"".join(sorted(entries)))
    part.unlink()
    return len(entries)


def _kind(source: Path) -> str:
    with source.open("rb") as file:
        lines = [line for line in file.read(1 << 16).splitlines() if line.strip()]
    whole = lines[:-1] or lines  # the last one may be cut
    return "hashes" if 2 * sum(bool(LINE.fullmatch(line)) for line in whole) > len(whole) else "words"


def _blocks(source: Path) -> Iterator[tuple[int, list[bytes]]]:
    """(bytes read, lines) at a time. Of an endless line only its beginning is kept."""
    rest, done, is_cut = b"", 0, False
    with source.open("rb") as file:
        while block := file.read(BLOCK):
            done += len(block)
            lines = (rest + block).split(b"\n")
            if is_cut and len(lines) > 1:
                lines[0], is_cut = rest, False
            rest = lines.pop()
            if len(rest) > LONGEST_WORD + 2:
                rest, is_cut = rest[: LONGEST_WORD + 2], True
            yield done, lines
    if rest:
        yield done, [rest]


def _hash(line: bytes) -> bytes | Why:
    """An entry, b"" for an empty line, or what is wrong."""
    if LINE.fullmatch(line):
        return binascii.unhexlify(line[:40])
    return "hash" if line.strip() else b""


def _word(line: bytes) -> bytes | Why:
    line = line.removesuffix(b"\r")
    if len(line) > LONGEST_WORD:
        return "long"
    try:
        word = line.decode()
    except UnicodeDecodeError:
        return "text"
    if not word:
        return b""
    return digest_of(word) if word.isprintable() else "text"
