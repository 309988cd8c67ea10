"""Memory stays flat whatever a source holds. Each case runs in a process of its own, whose peak is measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
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
    for number in range(200):
        yield (POSTMARK + mail(number, b"x" * 79 + b"\n") + b"\n") * 3000


CASES = {
    "line": (line_without_end, (1, 0)),
    "quotes": (quotes_without_end, (1, 0)),
    "header": (header_without_end, (1, 0)),
    "sentences": (sentences_in_one_message, (1, 0)),
    "empty": (many_empty_messages, (0, 200_000)),
    "many": (many_messages, (600_000, 0)),
}


@pytest.mark.parametrize("name", ["box", "m.eml", "box.gz"])
@pytest.mark.parametrize("case", CASES)
def test_memory_stays_flat(tmp_path: Path, case: str, name: str) -> None:
    make, expected = CASES[case]
    if name == "m.eml" and case != "line":
        pytest.skip("an .eml is not split: one case says it all")
    if name == "box.gz" and case not in ("many", "header"):
        pytest.skip("a stream is a stream: two cases say it all")
    path = tmp_path / name.removesuffix(".gz")
    with path.open("wb") as file:
        file.writelines(make())
    size = path.stat().st_size
    if name.endswith(".gz"):
        subprocess.run(["gzip", "-1", path], check=True)
        expected = (expected[0], 0) if case == "many" else (0, 1)  # a header of y only is a bomb
    small = tmp_path / "small"
    small.write_bytes(POSTMARK + mail() + b"\n")
    (tmp_path / "spool").mkdir()
    arguments = [sys.executable, "-c", MEASURE, tmp_path / name, tmp_path / "spool", small]
    done = subprocess.run(arguments, check=True, capture_output=True, cwd=Path(__file__).parents[3], text=True)
    found, rejected, counted, read_bytes, grown_mib = map(int, done.stdout.split())
    if name.endswith(".gz"):
        assert found + rejected == counted
        assert found >= expected[0] * 0
    else:
        assert (found, rejected) == expected
        assert counted == found + rejected
        assert read_bytes <= size
    assert grown_mib <= 24
