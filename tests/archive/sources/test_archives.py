"""Archives: every kind and nesting, nothing followed or written, bombs stopped, damage named and the rest kept."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import signal
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from archive.sources import Limits, read
from archive.sources.archives import Ended, Member, Refused, Unpacker
from tests.archive.sources.sources import POSTMARK, contents, everything, mail

BOX = POSTMARK + mail(1) + b"\n" + POSTMARK + mail(2) + b"\n"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(data)


def tar(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def put(tmp_path: Path, data: bytes, name: str = "file") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("kind", PACKERS)
def test_compressed_mail_is_recognised_by_content(tmp_path: Path, kind: str) -> None:
    pack = PACKERS[kind]
    assert contents(put(tmp_path, pack(BOX)), tmp_path) == [mail(1), mail(2)]
    assert contents(put(tmp_path, pack(mail(3))), tmp_path) == [mail(3)]
    assert contents(put(tmp_path, pack(BOX), f"m.eml.{kind}"), tmp_path) == [BOX]
    assert contents(put(tmp_path, pack(tar({"a/m.eml": mail(4)}))), tmp_path) == [mail(4)]


@pytest.mark.parametrize("kind", PACKERS)
def test_several_streams_in_a_row_are_one_file(tmp_path: Path, kind: str) -> None:
    pack = PACKERS[kind]
    assert contents(put(tmp_path, pack(BOX) + pack(POSTMARK + mail(3) + b"\n")), tmp_path) == [
        mail(n) for n in (1, 2, 3)
    ]


def test_zstd_with_checksums_skippable_frames_and_a_long_window(tmp_path: Path) -> None:
    text = b"".join(POSTMARK + mail(n, random.Random(n).randbytes(30_000).hex().encode()) + b"\n\n" for n in range(40))
    parameters = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True, write_checksum=True)
    skippable = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
    data = skippable + zstandard.ZstdCompressor(compression_params=parameters).compress(text) + skippable
    assert len(contents(put(tmp_path, data), tmp_path)) == 40


def test_tars_and_zips_hold_trees(tmp_path: Path) -> None:
    files = {
        "a/b/m.eml": mail(1),
        "Sent.mbox": BOX,
        "x/cur/1.y:2,S": BOX,
        "x/.Old.2020/cur/1": b"z",
        "p.png": b"\x89PNG\r\n\x1a\n",
    }
    for data in (tar(files), zipped(files)):
        found, rejected = everything(put(tmp_path, data), tmp_path)
        assert [(item.folder, item.content) for item in found] == [
            ("a/b", mail(1)),
            ("Sent", mail(1)),
            ("Sent", mail(2)),
            ("x", BOX),
            ("x/Old/2020", b"z"),
        ]
        assert [item.path for item in rejected] == [f"{tmp_path}/file!/p.png"]


def test_nesting_is_followed_three_deep_and_named_beyond(tmp_path: Path) -> None:
    deep = zipped({"d/m.eml": mail(4)})
    three = tar({"c/deep.zip": deep, "m.eml": mail(3)})
    two = zipped({"b/three.tar.gz": gzip.compress(three), "m.eml": mail(2)})
    one = tar({"a/two.zip": two, "m.eml": mail(1)})
    found, rejected = everything(put(tmp_path, zstd(one), "one.tar.zst"), tmp_path)
    assert [(item.folder, item.content) for item in found] == [("a/b", mail(3)), ("a", mail(2)), ("", mail(1))]
    path = f"{tmp_path}/one.tar.zst!/a/two.zip!/b/three.tar.gz!/c/deep.zip"
    assert [(item.path, item.reason) for item in rejected] == [(path, "archives nested more than 3 deep")]


def test_names_that_climb_out_write_nothing_and_are_only_mail(tmp_path: Path) -> None:
    names = ["../../climbed.eml", "/tmp/w-absolute.eml", "a/../../b.eml", "..\\..\\c.eml"]
    before = sorted(tmp_path.iterdir())
    for data in (tar(dict.fromkeys(names, mail())), zipped(dict.fromkeys(names, mail()))):
        found, rejected = everything(put(tmp_path, data), tmp_path)
        assert len(found) == len(names)
        assert not rejected
        assert {item.folder for item in found} <= {"", "tmp", "a"}
    assert sorted(path for path in tmp_path.iterdir() if path.name not in ("file", "spool")) == before
    assert not Path("/tmp/w-absolute.eml").exists()


def test_links_and_devices_in_archives_are_named(tmp_path: Path) -> None:
    data = tar(
        {"m.eml": mail()},
        special("s.eml", tarfile.SYMTYPE, "/etc/passwd"),
        special("h.eml", tarfile.LNKTYPE, "m.eml"),
        special("c", tarfile.CHRTYPE),
        special("b", tarfile.BLKTYPE),
        special("p", tarfile.FIFOTYPE),
        special("d", tarfile.DIRTYPE),
    )
    found, rejected = everything(put(tmp_path, data), tmp_path)
    assert len(found) == 1
    assert [item.reason.removeprefix("no message here: ") for item in rejected] == [
        "a symbolic link, not followed",
        "a hard link, not followed",
        "a device",
        "a device",
        "a named pipe",
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.eml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found, rejected = everything(put(tmp_path, out.getvalue()), tmp_path)
    assert not found
    assert rejected[0].reason == "no message here: a symbolic link, not followed"


def test_an_encrypted_member_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.eml": mail(1), "b.eml": mail(2)}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1
    data[6] |= 1
    found, rejected = everything(put(tmp_path, bytes(data)), tmp_path)
    assert [item.content for item in found] == [mail(2)]
    assert [item.reason for item in rejected] == ["encrypted; give it unpacked"]


def test_a_gigabyte_of_zeros_ends_soon_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        for _ in range(1024):
            out.write(bytes(1 << 20))
    started = time.monotonic()
    found, rejected = everything(path, tmp_path)
    assert time.monotonic() - started < 20
    assert not found
    assert "(a bomb)" in rejected[0].reason


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_of_mail_gives_what_came_before_its_bound(tmp_path: Path, kind: str) -> None:
    limits = Limits(ratio=20, ratio_from_bytes=1 << 20)
    data = PACKERS[kind](BOX + POSTMARK + mail(3, b"A" * (64 << 20)) + b"\n")
    found, rejected = everything(put(tmp_path, data), tmp_path, limits=limits)
    assert [item.content for item in found] == [mail(1), mail(2)]
    assert [(item.offset, "(a bomb)" in item.reason) for item in rejected] == [(len(BOX), True)]


def test_bombs_in_zips_nested_zips_and_sparse_tars_are_named(tmp_path: Path) -> None:
    zeros = zipped({f"{n}.eml": bytes(8 << 20) for n in range(4)})
    limits = Limits(ratio=50, ratio_from_bytes=1 << 20)
    for data in (zeros, zipped({"inner.zip": zeros, "m.eml": mail()}), tar({"a": gzip.compress(zeros)})):
        _, rejected = everything(put(tmp_path, data), tmp_path, limits=limits)
        assert sum("(a bomb)" in item.reason for item in rejected) == 1


def test_the_number_of_members_and_the_total_are_bounded(tmp_path: Path) -> None:
    data = tar({f"{n}.eml": mail(n) for n in range(20)})
    found, rejected = everything(put(tmp_path, data), tmp_path, limits=Limits(members=5))
    assert len(found) == 5
    assert rejected[0].reason == "holds more than 5 things; the rest was not read"
    path = put(tmp_path, gzip.compress(random.Random(1).randbytes(200_000)))
    _, rejected = everything(path, tmp_path, limits=Limits(total_bytes=100_000))
    assert rejected[0].reason == "unpacks to more than 100,000 bytes; the rest was not read"


def test_too_much_memory_ends_the_reader_and_not_us(tmp_path: Path) -> None:
    long = tarfile.TarInfo("x" * 100)
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 3 << 30
    data = long.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)
    _, rejected = everything(put(tmp_path, gzip.compress(data)), tmp_path, limits=Limits(memory_bytes=256 << 20))
    assert len(rejected) == 1
    assert contents(put(tmp_path, gzip.compress(BOX)), tmp_path) == [mail(1), mail(2)]


def text_of(number: int) -> bytes:
    return mail(number, random.Random(number).randbytes(3000).hex().encode() + b"\n")


@pytest.mark.parametrize("kind", PACKERS)
def test_of_a_cut_off_archive_all_before_the_cut_is_kept_and_the_cut_is_named(tmp_path: Path, kind: str) -> None:
    box = b"".join(POSTMARK + text_of(n) + b"\n" for n in range(200))
    data = PACKERS[kind](box)
    found, rejected = everything(put(tmp_path, data[: len(data) * 3 // 4]), tmp_path)
    assert [item.content for item in found] == [text_of(n) for n in range(len(found))]
    assert len(found) > (50 if kind in ("gz", "zst") else -1)  # bzip2 and xz decide in large blocks
    assert len(rejected) == 1
    assert rejected[0].reason.startswith("the archive is damaged here")
    assert found or rejected[0].offset is None or rejected[0].offset == 0


@pytest.mark.parametrize("cut", [0, 600, 1000, 50_000, 100_352])
def test_of_a_cut_off_tar_all_before_the_cut_is_kept(tmp_path: Path, cut: int) -> None:
    data = tar({f"{n}.eml": text_of(n) for n in range(30)}).rstrip(b"\x00")
    end = -(-len(data) // 512) * 512
    found, rejected = everything(put(tmp_path, data.ljust(end, b"\x00")[: end - cut]), tmp_path)
    assert [item.content for item in found] == [text_of(n) for n in range(len(found))]
    assert len(found) == 30 if not cut else len(found) < 30
    assert len(rejected) == 1


def test_of_a_cut_off_zip_all_before_the_cut_is_kept(tmp_path: Path) -> None:
    data = zipped({f"{n}.eml": text_of(n) for n in range(30)})
    found, rejected = everything(put(tmp_path, data[: len(data) // 2]), tmp_path)
    assert [item.content for item in found] == [text_of(n) for n in range(len(found))]
    assert 12 < len(found) < 16
    assert all("damaged" in item.reason for item in rejected)
    assert 1 <= len(rejected) <= 2


def test_a_zip_written_as_a_stream_and_cut_off_is_read_too(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            archive.writestr(f"{number}.eml", text_of(number))
    found, _ = everything(put(tmp_path, bytes(pipe.data[: len(pipe.data) // 2])), tmp_path)
    assert len(found) >= 4
    assert [item.content for item in found] == [text_of(n) for n in range(len(found))]


def test_a_damaged_member_of_a_zip_does_not_hide_the_next(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.eml": text_of(1), "b.eml": text_of(2)}))
    data[60] ^= 0xFF
    found, rejected = everything(put(tmp_path, bytes(data)), tmp_path)
    assert [item.content for item in found] == [text_of(2)]
    assert [Path(item.path).name for item in rejected] == ["a.eml"]


def test_a_damaged_archive_in_an_archive_does_not_hide_its_neighbours(tmp_path: Path) -> None:
    bad = gzip.compress(tar({"x.eml": text_of(1), "y.eml": text_of(2)}))[:-300]
    for data in (tar({"bad.tgz": bad, "m.eml": mail()}), zipped({"bad.tgz": bad, "m.eml": mail()})):
        found, rejected = everything(put(tmp_path, data), tmp_path)
        assert [item.content for item in found][-1] == mail()
        assert len(rejected) == 1


def test_a_bad_header_in_a_tar_is_named(tmp_path: Path) -> None:
    data = bytearray(tar({f"{n}.eml": mail(n) for n in range(4)}))
    data[2 * 1024 + 10] ^= 1
    found, rejected = everything(put(tmp_path, bytes(data)), tmp_path)
    assert len(found) == 2
    assert "bad header" in rejected[0].reason


def test_random_damage_never_raises_and_is_counted_the_same(tmp_path: Path) -> None:
    files = {"a/1.eml": text_of(1), "b.mbox": BOX, "c.zip": zipped({"2.eml": text_of(2)}), "d.gz": gzip.compress(BOX)}
    rng = random.Random(7)
    for base in (tar(files), zipped(files), *(pack(tar(files)) for pack in PACKERS.values())):
        for _ in range(3):
            data = bytearray(base)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(16, len(data))] = rng.randrange(256)
            everything(put(tmp_path, bytes(data[: rng.randint(len(data) // 2, len(data))])), tmp_path)


def test_an_empty_archive_is_named(tmp_path: Path) -> None:
    for data in (tar({}), zipped({}), tar({}, special("d", tarfile.DIRTYPE)), gzip.compress(b"")):
        found, rejected = everything(put(tmp_path, data), tmp_path)
        assert not found
        assert len(rejected) == 1


def test_garbage_behind_a_magic_is_named(tmp_path: Path) -> None:
    for magic in (b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh91AY&SY", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"):
        found, rejected = everything(put(tmp_path, magic + random.Random(3).randbytes(5000)), tmp_path)
        assert not found
        assert 1 <= len(rejected) <= 2


def test_content_length_is_used_in_archives_too(tmp_path: Path) -> None:
    body = b"Look:\n\n" + POSTMARK + mail(7) + b"\n"
    one = b"Subject: 1\nContent-Length: %d\n\n" % len(body) + body
    path = put(tmp_path, gzip.compress(POSTMARK + one + b"\n" + POSTMARK + mail(2) + b"\n"))
    assert contents(path, tmp_path, mbox="cl2") == [one, mail(2)]


def test_stopping_in_the_middle_of_an_archive_ends_its_reader(tmp_path: Path) -> None:
    path = put(tmp_path, gzip.compress(tar({f"{n}.eml": mail(n) for n in range(2000)})))
    before = len(list(Path("/proc/self/fd").iterdir()))
    seen: list[object] = []
    for item in read([path], spool_dir=tmp_path, stop=lambda: len(seen) >= 3):
        seen.append(item)
    assert len(seen) == 3
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_zip_of_the_other_compressions_is_read(tmp_path: Path) -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("b.mbox", BOX)
        assert contents(put(tmp_path, out.getvalue()), tmp_path) == [mail(1), mail(2)]


def test_a_zip_says_what_it_can_not_open(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.eml": mail()}))
    data[data.index(b"PK\x01\x02") + 10] = 99
    data[8] = 99
    found, rejected = everything(put(tmp_path, bytes(data)), tmp_path)
    assert not found
    assert "compression" in rejected[0].reason


def test_when_the_reader_is_killed_the_archive_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, tar({f"{n}.eml": text_of(n) for n in range(3000)}), "a.tar")
    with closing(Unpacker(Limits(), tmp_path)) as unpacker, path.open("rb") as file:
        events = unpacker.open(file.fileno(), "a.tar")
        assert isinstance(next(events), Member)
        assert unpacker._forks._process is not None
        waiting = unpacker._forks._process.pid
        children = Path(f"/proc/{waiting}/task/{waiting}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        *_, last, end = events
        assert isinstance(last, Member | Refused)
        assert isinstance(end, Ended)
        if isinstance(last, Refused):
            assert "was stopped" in last.reason
        unpacker._forks._process.kill()
        unpacker._forks._process.wait()
        file.seek(0)
        assert sum(isinstance(event, Member) for event in unpacker.open(file.fileno(), "a.tar")) == 3000


def test_a_file_that_looks_like_an_archive_in_a_maildir_or_named_eml_is_a_message(tmp_path: Path) -> None:
    packed = gzip.compress(BOX)
    data = tar({"box/cur/1.x:2,S": packed, "m.eml": packed, "new/17.M1.host": packed})
    assert contents(put(tmp_path, data), tmp_path) == [packed] * 3
