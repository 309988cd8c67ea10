"""What is read of attached files, and that nothing in one can harm the reading of the others."""

from __future__ import annotations

import gzip
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.mail.extract import extract
from archive.texts import Policy, Reader
from archive.texts.binary import unpack_rtf
from tests.archive.texts import makers


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    one = Reader()
    yield one
    one.close()


def texts_of(reader: Reader, files: dict[str, bytes]) -> dict[str, str]:
    return {each.name: " ".join(each.text.split()) for each in reader.read(makers.mail(files)) if not each.reason}


def reasons_of(reader: Reader, files: dict[str, bytes]) -> dict[str, str]:
    return {each.name: each.reason for each in reader.read(makers.mail(files)) if each.reason}


def test_every_kind_of_office_file_says_its_text(reader: Reader) -> None:
    said = texts_of(
        reader,
        {
            "a.pdf": makers.pdf("first page words", "second page"),
            "a.docx": makers.docx("Größe & Gewicht", "next"),
            "a.xlsx": makers.xlsx("cell one", "cell two", number=4711),
            "a.pptx": makers.pptx("slide one", "slide two"),
            "a.odt": makers.odf("open words", "more"),
            "a.rtf": b"{\\rtf1\\ansi Hello {\\b bold} w\\'f6rld}",
            "b.rtf": b"{\\rtf1\\ansi a\\u-10179?\\u-8694? b\\u-10179? c}",
            "a.doc": makers.doc("old words\rnext line"),
            "a.xls": makers.xls("old cell"),
            "a.ppt": makers.ppt("old slide"),
        },
    )
    assert said == {
        "a.pdf": "first page words second page",
        "a.docx": "Größe & Gewicht next",
        "a.xlsx": "cell one cell two 4711",
        "a.pptx": "slide one slide two",
        "a.odt": "open words more",
        "a.rtf": "Hello bold wörld",
        "b.rtf": "a😊 b\ufffd c",
        "a.doc": "old words next line",
        "a.xls": "Sheet1 old cell",
        "a.ppt": "old slide",
    }


def test_files_in_files_are_read_and_named_by_their_way(reader: Reader) -> None:
    inner = makers.mail({"deep.pdf": makers.pdf("deepest words")}, subject="Inner letter", body="inner body")
    said = texts_of(
        reader,
        {
            "a.zip": makers.zipped(
                {
                    "x/b.docx": makers.docx("in a zip"),
                    "c.tgz": makers.tarred({"d.txt": b"in a tar", "\udcff.txt": b"odd name"}),
                }
            ),
            "m.eml": inner,
            "winmail.dat": makers.tnef("outlook body", {"e.pdf": makers.pdf("in winmail")}),
            "n.msg": makers.msg("msg subject", "msg body", {"f.pdf": makers.pdf("in a msg")}),
            "g.csv.gz": gzip.compress(b"packed,cells"),
            "h.docx": makers.docx("outer", embedded={"i.xlsx": makers.xlsx("embedded sheet")}),
            "j.pdf": makers.pdf("carrier", carries=("k.txt", b"carried words")),
            "l.txt": "gro\u00dfe W\u00f6rter".encode("utf-16"),
        },
    )
    assert said["a.zip/x/b.docx"] == "in a zip"
    assert said["a.zip/c.tgz/c.tar/d.txt"] == "in a tar"
    assert said["a.zip/c.tgz/c.tar/\ufffd.txt"] == "odd name"
    assert said["m.eml"].startswith("Inner letter") and "inner body" in said["m.eml"]
    assert said["m.eml/deep.pdf"] == "deepest words"
    assert said["winmail.dat"] == "outlook body" and said["winmail.dat/e.pdf"] == "in winmail"
    assert "msg body" in said["n.msg"] and said["n.msg/f.pdf"] == "in a msg"
    assert said["g.csv.gz/g.csv"] == "packed,cells"
    assert said["h.docx/i.xlsx"] == "embedded sheet 0"
    assert said["j.pdf"] == "carrier" and said["j.pdf/k.txt"] == "carried words"
    assert said["l.txt"] == "große Wörter"


def test_what_cant_be_read_is_named_with_its_reason_and_the_rest_is_read(reader: Reader) -> None:
    nested = b"words"
    for level in range(8):
        nested = makers.zipped({f"{level}.zip" if level else "w.txt": nested})
    files = {
        "locked.pdf": makers.pdf("x", locked=True),
        "locked.docx": makers.ole({"EncryptedPackage": b"x"}),
        "locked.odt": makers.odf("x", locked=True),
        "broken.docx": makers.docx("x" * 1000)[:-40],
        "broken.pdf": b"%PDF-1.7 nothing",
        "old.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 40,
        "bomb.zip": makers.zipped({"b.txt": b"0" * (120 << 20)}),
        "deep.zip": nested,
        "fine.txt.gz": gzip.compress(b"still read"),
    }
    assert reasons_of(reader, files) == {
        "locked.pdf": "encrypted",
        "locked.docx": "encrypted",
        "locked.odt": "encrypted",
        "broken.docx": "damaged",
        "broken.pdf": "damaged",
        "old.7z": "kind",
        "bomb.zip": "bomb",
        "deep.zip/7.zip/6.zip/5.zip/4.zip/3.zip/2.zip": "deep",
    }
    assert texts_of(reader, files) == {"fine.txt.gz/fine.txt": "still read"}


def test_an_encrypted_member_costs_only_itself(reader: Reader, tmp_path: Path) -> None:
    data = bytearray(makers.zipped({"a.txt": b"open words", "b.txt": b"secret"}))
    central = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[central + 8] |= 1
    assert zipfile.is_zipfile(_written(tmp_path, bytes(data)))
    assert reasons_of(reader, {"a.zip": bytes(data)}) == {"a.zip/b.txt": "encrypted"}
    assert texts_of(reader, {"a.zip": bytes(data)}) == {"a.zip/a.txt": "open words"}


def _written(place: Path, data: bytes) -> Path:
    path = place / "a.zip"
    path.write_bytes(data)
    return path


def test_time_and_memory_are_bounded_and_the_next_file_is_read() -> None:
    slow = makers.docx(*["word"] * 200_000)
    small = Reader(lambda: Policy(seconds=1, memory_bytes=400 << 20))
    try:
        began = time.monotonic()
        many = {f"{at}.xml.gz": gzip.compress(b"<a>" * 3_000_000, 1) for at in range(1)}
        assert set(reasons_of(small, {"slow.docx": slow, **many}).values()) <= {
            "time",
            "memory",
            "bomb",
            "damaged",
            "cut",
        }
        assert time.monotonic() - began < 15
        assert texts_of(small, {"a.docx": makers.docx("alive")}) == {"a.docx": "alive"}
    finally:
        small.close()


def test_a_killed_reader_is_started_again(reader: Reader) -> None:
    assert texts_of(reader, {"a.docx": makers.docx("one")}) == {"a.docx": "one"}
    assert reader._forks._process is not None
    reader._forks._process.kill()
    reader._forks._process.wait()
    assert texts_of(reader, {"a.docx": makers.docx("two")}) == {"a.docx": "two"}


def test_only_the_chosen_kinds_are_read_and_nothing_larger_than_set() -> None:
    one = Reader(lambda: Policy(groups=frozenset({"pdf", "archives"}), file_bytes=100_000))
    files = {
        "a.docx": makers.docx("office"),
        "b.zip": makers.zipped({"c.pdf": makers.pdf("in zip"), "d.docx": makers.docx("office")}),
        "e.pdf": makers.pdf("x" * 200_000),
    }
    try:
        assert texts_of(one, files) == {"b.zip/c.pdf": "in zip"}
        assert reasons_of(one, files) == {"e.pdf": "large"}
    finally:
        one.close()


def test_the_extract_counts_what_waits_and_reads_what_is_text_itself() -> None:
    found = extract(makers.mail({"a.pdf": makers.pdf("x"), "b.csv": b"one,two", "c.png": b"\x89PNG\r\n\x1a\n"}))
    assert found.waiting == 1
    assert [(each.name, each.text) for each in found.files] == [("b.csv", "one,two")]


def test_compressed_rtf_is_unpacked_as_its_source_says() -> None:
    example = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a0072637067313235423228f00a20636874200b600068656c6c6f20776f726c64"
        "7d0a800fa0"
    )
    assert unpack_rtf(example)[:11] == b"{\\rtf1\\ansi"
