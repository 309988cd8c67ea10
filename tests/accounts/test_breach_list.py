"""Lists of known passwords: found by bisection, indexed from anything, replaced as a whole."""

from __future__ import annotations

import hashlib
import random
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.breach_list import indexing, searching
from accounts.breach_list.indexing import NothingInIt, Stopped, build
from accounts.breach_list.searching import NotSearchable, digest_of, index_about, index_has, shape_of, text_has


def hashes(words: list[str], *, seed: int = 1) -> bytes:
    """As Have I Been Pwned's downloader writes it: in order, CRLF, with counts of different lengths."""
    dice = random.Random(seed)
    lines = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in words)
    return "".join(f"{line}:{dice.randint(1, 10 ** dice.randint(1, 8))}\r\n" for line in lines).encode()


def test_a_digest_is_what_the_published_lists_have() -> None:
    """The hash of "password", as every published list has it."""
    assert digest_of("password").hex().upper() == "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
@pytest.mark.parametrize("ending", ["as written", "without the last line's end"])
def test_every_hash_of_a_file_is_found_and_no_other(tmp_path: Path, count: int, ending: str) -> None:
    path, words = tmp_path / "list", [f"word {n}" for n in range(count)]
    data = hashes(words)
    path.write_bytes(data if ending == "as written" else data.removesuffix(b"\r\n"))
    assert all(text_has(path, digest_of(word)) for word in words)
    assert not any(text_has(path, digest_of(f"other {n}")) for n in range(300))
    assert shape_of(path).entries == pytest.approx(count, rel=0.1)


def test_a_file_in_another_order_or_of_something_else_is_not_searched_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list"
    lines = hashes([f"word {n}" for n in range(5000)]).splitlines(keepends=True)
    by_chance = random.Random(2).sample(lines, len(lines))
    for other in (lines[::-1], by_chance, [b"zebra\n", b"alpha\n"]):
        path.write_bytes(b"".join(other))
        with pytest.raises(NotSearchable):
            shape_of(path)
    path.write_bytes(b"x" * 5000)
    with pytest.raises(NotSearchable):
        text_has(path, digest_of("x"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30).filter(str.isprintable), min_size=1, max_size=60), st.booleans())
def test_what_goes_into_an_index_is_found_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], windows: bool
) -> None:
    folder = tmp_path_factory.mktemp("index")
    end = "\r\n" if windows else "\n"
    (folder / "words").write_bytes("".join(f"{word}{end}" for word in words).encode())
    made = build(folder / "words", folder / "index", {"name": "w"})
    assert made.entries == len(set(words)) and made.lines == len(words)
    assert all(index_has(folder / "index", digest_of(word)) for word in words)
    assert not index_has(folder / "index", digest_of("in no list at all" * 3))
    assert index_about(folder / "index")[0] == made.entries


def test_lines_that_are_neither_are_counted_and_the_first_named(tmp_path: Path) -> None:
    source = tmp_path / "list"
    lines = hashes([f"word {n}" for n in range(50)]).splitlines(keepends=True)
    source.write_bytes(b"".join([lines[40], b"\r\n", b"not a hash\r\n", *lines[:40], b"5BAA61\n", *lines[41:]]))
    made = build(source, tmp_path / "index", {})
    assert (made.kind, made.entries, made.refused) == ("hashes", 50, 2)
    assert made.garbage == [(3, "hash"), (44, "hash")]  # the empty line is nobody's fault
    source.write_bytes(b"good\n\xff\xfe\n" + b"x" * 300 + b"\nta\0b\n" + b"y" * 3_000_000 + b"\nlast\n")
    made = build(source, tmp_path / "index", {})
    assert (made.kind, made.entries) == ("words", 2)
    assert made.garbage == [(2, "text"), (3, "long"), (4, "text"), (5, "long")]
    assert index_has(tmp_path / "index", digest_of("last"))


def test_a_list_with_nothing_in_it_or_a_stopped_run_leaves_the_one_before(tmp_path: Path) -> None:
    source, index = tmp_path / "list", tmp_path / "index"
    source.write_bytes(b"kept\n")
    build(source, index, {})
    source.write_bytes(b"\xff\n\xfe\n")
    with pytest.raises(NothingInIt) as nothing:
        build(source, index, {})
    assert nothing.value.made.refused == 2
    source.write_bytes(b"new\n" * 1000)
    with pytest.raises(Stopped):
        build(source, index, {}, stop=lambda: True)
    assert index_has(index, digest_of("kept")) and not index_has(index, digest_of("new"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["index", "list"]


def test_a_large_file_is_indexed_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through many small windows and parts of four thousand: as a file of some gigabytes is."""
    monkeypatch.setattr(indexing, "WINDOW", 2_000)
    monkeypatch.setattr(indexing, "LARGE_BYTES", 1_000)
    source = tmp_path / "list"
    source.write_text("".join(f"{n % 12_000}\n" for n in range(24_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert build(source, tmp_path / "index", {}).entries == 12_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB
    assert all(index_has(tmp_path / "index", digest_of(str(n))) for n in range(0, 12_000, 997))


def test_a_file_that_ends_too_early_is_no_index(tmp_path: Path) -> None:
    index = tmp_path / "index"
    (tmp_path / "list").write_bytes(b"one\ntwo\n")
    build(tmp_path / "list", index, {})
    whole = index.read_bytes()
    for cut in (0, 10, searching.HEAD, searching.HEAD + searching.ENTRY):
        index.write_bytes(whole[:cut])
        with pytest.raises(NotSearchable):
            index_about(index)
