"""Memory stays flat whatever a source holds. Each case runs in a process of its own, whose peak is measured."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.archive.sources.sources import POSTMARK, mail

MEASURE = """
import hashlib, resource, sys
from pathlib import Path
from archive.sources import Found, count, read
path, spool = Path(sys.argv[1]), Path(sys.argv[2])
list(read([Path(sys.argv[3])], spool_dir=spool))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = rejected = size = 0
for item in read([path], spool_dir=spool):
    if isinstance(item, Found):
        found += 1
        size += item.size
        if item.spool:
            item.spool.close()
    else:
        rejected += 1
counted = count([path], spool_dir=spool)
print(found, rejected, counted, size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
LARGE = 100 << 20


def line_without_end() -> Iterator[bytes]:
    yield POSTMARK + b"Subject: x\n\n"
    for _ in range(LARGE >> 20):
        yield b"x" * (1 << 20)


def quotes_without_end() -> Iterator[bytes]:
    yield POSTMARK + b"Subject: x\n\n"
    for _ in range(LARGE >> 20):
        yield b">" * (1 << 20)
    yield b"From y\n\n"


def header_without_end() -> Iterator[bytes]:
    yield POSTMARK
    for number in range(LARGE >> 20):
        yield b"X-%d: " % number + b"y" * (1 << 20) + b"\n"


def sentences_in_one_message() -> Iterator[bytes]:
    yield POSTMARK + b"Subject: x\n\n"
    for _ in range(500):
        yield b"From here on\n" * 1000 + b">From there on\n" * 1000


def many_empty_messages() -> Iterator[bytes]:
    for _ in range(200):
        yield POSTMARK * 1000


def many_messages() -> Iterator[bytes]:
    for number in range(150):
        body = random.Random(number).randbytes(60).hex().encode() + b"\n"
        yield b"".join(POSTMARK + mail(n, body) + b"\n" for n in range(1000))


CASES = [
    ("box", line_without_end, 1, 0),
    ("m.eml", line_without_end, 1, 0),
    ("box", quotes_without_end, 1, 0),
    ("box", header_without_end, 1, 0),
    ("box.gz", header_without_end, 0, 1),  # the same letter again and again: a bomb
    ("box", sentences_in_one_message, 1, 0),
    ("box", many_empty_messages, 0, 200_000),
    ("box", many_messages, 150_000, 0),
    ("box.gz", many_messages, 150_000, 0),
]


@pytest.mark.parametrize(("name", "make", "found", "rejected"), CASES)
def test_memory_stays_flat(
    tmp_path: Path, name: str, make: Callable[[], Iterator[bytes]], found: int, rejected: int
) -> None:
    path = tmp_path / name.removesuffix(".gz")
    with path.open("wb") as file:
        file.writelines(make())
    size = path.stat().st_size
    if name.endswith(".gz"):
        subprocess.run(["gzip", "-1", path], check=True)
    small = tmp_path / "small"
    small.write_bytes(POSTMARK + mail() + b"\n")
    (tmp_path / "spool").mkdir()
    arguments: list[str | Path] = [sys.executable, "-c", MEASURE, tmp_path / name, tmp_path / "spool", small]
    done = subprocess.run(arguments, check=True, capture_output=True, cwd=Path(__file__).parents[3], text=True)
    results = [int(number) for number in done.stdout.split()]
    assert results[:3] == [found, rejected, found + rejected]
    assert results[3] <= size
    assert results[4] <= 24
