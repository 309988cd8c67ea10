"""Archives in archives are listed by a bounded process, whatever was made of them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from random import Random

import pytest

from domains.policy.facts import Direction
from gateway.judging.archives.looking import Archives, Found
from gateway.judging.examining import Asked, Examined, examine
from gateway.judging.settings import ScannerSettings
from tests.gateway.judging.world import NOW

PROGRAM = b"MZ" + b"\0" * 600


@pytest.fixture(scope="module")
def archives() -> Iterator[Archives]:
    made = Archives()
    yield made
    made.close()


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def listed(found: Found) -> list[tuple[str, str, int]]:
    return [(entry.name, entry.content_type, entry.depth) for entry in found.entries]


def test_files_are_found_by_name_and_by_what_they_are_however_deep(archives: Archives) -> None:
    inner = zipped(("photo.jpg", PROGRAM))
    program = "application/x-dosexec"
    assert listed(archives.look(zipped(("a.txt", b"hello"), ("inner.zip", inner)))) == [
        ("a.txt", "text/plain", 1),
        ("inner.zip", "application/zip", 1),
        ("photo.jpg", program, 2),
    ]
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        found = listed(archives.look(pack(tarred(("x/inner.zip", inner)))))
        assert found[1:] == [("x/inner.zip", "application/zip", 2), ("photo.jpg", program, 3)]
    deep = zipped(("photo.jpg", PROGRAM))
    for number in range(8):
        deep = zipped((f"{number}.zip", deep))
    found_deep = archives.look(deep)
    assert len(found_deep.entries) == 5
    assert found_deep.skipped == ("archive-inside",)


def test_what_cannot_be_looked_at_says_so(archives: Archives) -> None:
    locked = bytearray(zipped(("secret.exe", PROGRAM)))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.find(signature) + place] |= 1
    found = archives.look(bytes(locked))
    assert (listed(found), found.skipped) == ([("secret.exe", "application/x-dosexec", 1)], ("archive-locked",))
    assert archives.look(zipped(("x.rar", b"Rar!\x1a\x07" + b"\0" * 90))).skipped == ("archive-inside",)
    assert archives.look(zipped(("a.txt", b"hello"))[:-30]).skipped == ("archive-unread",)
    assert archives.look(gzip.compress(tarred(("a", Random(1).randbytes(5000))))[:-2000]).skipped == ("archive-unread",)


def test_bombs_end_in_their_own_process(archives: Archives) -> None:
    bomb = zipped(*((f"{number}.zip", zipped(("zero", b"\0" * 3_000_000))) for number in range(3)))
    assert [name for name, _kind, depth in listed(archives.look(bomb)) if depth == 1] == ["0.zip", "1.zip", "2.zip"]
    assert "archive-inside" in archives.look(zipped(("big.gz", gzip.compress(b"x") + b"\0" * 68_000_000))).skipped
    assert "archive-entries" in archives.look(zipped(*((f"{number}", b"") for number in range(2500)))).skipped
    assert archives.look(zipped(("a.txt", b"hello"))).entries  # it goes on


def test_the_name_of_every_file_is_known_however_many_there_are(archives: Archives) -> None:
    files = [*((f"{number}.txt", b"x") for number in range(2500)), ("last.exe", PROGRAM)]
    for packed in (zipped(*files), gzip.compress(tarred(*files))):
        found = archives.look(packed)
        assert listed(found)[-1][:2] == ("last.exe", "application/x-dosexec")
        assert found.skipped == ("archive-entries",)
    names = [(f"{number:05d}" + "n" * 995, b"") for number in range(7000)]
    many = archives.look(tarred(*names))
    assert 5000 < len(many.entries) < 7000 and "archive-entries" in many.skipped  # 6 MiB of names, not more


def mail_with(name: str, data: bytes) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@friends.example", "bob@example.org", "Files"
    message["Date"], message["Message-ID"] = "Mon, 2 Mar 2026 11:59:00 +0000", "<3@friends.example>"
    message.set_content("Here they are.")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def examined(raw: bytes, archives: Archives) -> Examined:
    asked = Asked(raw, "ada@friends.example", ("bob@example.org",), Direction.INCOMING, NOW)
    return examine(asked, ScannerSettings(), None, archives)


def test_the_facts_and_the_score_know_what_is_inside(archives: Archives) -> None:
    found = examined(
        mail_with("all.tar.gz", gzip.compress(tarred(("inner.zip", zipped(("run.txt", PROGRAM)))))), archives
    )
    (attachment,) = found.facts.attachments
    assert [entry.name for entry in attachment.entries][-2:] == ["inner.zip", "run.txt"]
    assert found.facts.incomplete == ()
    assert "file-archived-program" in dict(found.score.parts)
    rar = examined(mail_with("x.rar", b"Rar!\x1a\x07\0" + b"\0" * 90), archives)
    assert rar.facts.incomplete == ("archive-unread",)
    assert "file-locked" in dict(rar.score.parts)
    document = zipped(("[Content_Types].xml", b"<x/>"), ("word/vbaProject.bin", b"x"))
    assert "file-macros" in dict(examined(mail_with("a.docm", document), archives).score.parts)
