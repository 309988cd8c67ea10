"""What is exported comes back to the byte, under safe names, and nothing half-written looks whole."""

from __future__ import annotations

import errno
import mailbox
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.sources import WriteFailed
from archive.sources.export_names import FolderNames, maildir_name, safe_name, to_utf7
from archive.sources.names import from_utf7
from archive.sources.writers import EmlWriter, MaildirWriter, MboxWriter, postmark
from tests.archive.sources.sources import POSTMARK, contents, everything, mail

WRITERS = [EmlWriter, MboxWriter, MaildirWriter]
Writer = EmlWriter | MboxWriter | MaildirWriter
FOLDERS = ["Inbox", "Inbox/Sub", "Sent/2020", "a.b/c", "Entwürfe", "CON", "sent", "Sent", "a", "a.mbox", "a.mbox/b"]


def in_pieces(data: bytes, size: int = 7) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("kind", WRITERS)
def test_messages_come_back_to_the_byte_in_their_folders(tmp_path: Path, kind: type[Writer]) -> None:
    expected = []
    with kind(tmp_path / "out") as writer:
        for number, folder in enumerate(FOLDERS * 3):
            text = mail(number, b"\n>From x\nFrom y\n\n\n", b"\r\n" if number % 2 else b"\n")
            assert not writer.add(folder, f"{number} Grüße / {folder}", in_pieces(text), number * 1_000_000).altered
            expected.append((folder, text))
    found, rejected = everything(tmp_path / "out", tmp_path)
    assert not rejected
    assert sorted(item.content or b"" for item in found) == sorted(text for _, text in expected)
    for item in found:
        names = {folder for folder, text in expected if text == item.content}
        assert len(names) == 1
        if names <= {"Inbox", "Inbox/Sub", "Sent/2020", "a.b/c", "Entwürfe"}:
            assert names == {item.folder or "Inbox"}


@pytest.mark.parametrize("kind", WRITERS)
def test_folders_that_differ_stay_apart(tmp_path: Path, kind: type[Writer]) -> None:
    folders = ["..", ".", "../..", "a/../b", "CON", "con", "NUL.txt", "x" * 300, "x" * 301, "/", "//", "tab\there"]
    folders += [
        "a:b",
        "a?b",
        "a_b",
        " a_b",
        "cur",
        "new",
        "/".join("d" * 50 for _ in range(100)),
        "\ud800",
        "é",
        "e\u0301",
    ]
    with kind(tmp_path / "out") as writer:
        for number, folder in enumerate(folders):
            writer.add(folder, "../../evil\n\x00\r", [mail(number)])
    found, rejected = everything(tmp_path / "out", tmp_path)
    assert not rejected
    assert len(found) == len(folders)
    places = {Path(item.path) if kind is MboxWriter else Path(item.path).parent for item in found}
    assert len(places) == len(folders)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "spool"}


BYTES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"From ", b">From ", b"\n", b"\r\n", b"\n\n", b">", POSTMARK, b"\r", b"\x00", b"Content-Length: 3"]
        ),
        st.binary(max_size=10),
    ),
    min_size=1,
    max_size=15,
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(BYTES, min_size=1, max_size=6), piece=st.integers(1, 50))
def test_mbox_gives_any_bytes_back_but_for_a_missing_final_newline(
    texts: list[bytes], piece: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp = tmp_path_factory.mktemp("round")
    with MboxWriter(tmp / "out") as writer:
        altered = [writer.add("f", "", in_pieces(text, piece), 1_000_000).altered for text in texts if text]
    whole = [text for text in texts if text]
    assert altered == [not text.endswith(b"\n") for text in whole]
    expected = [text if text.endswith(b"\n") else text + b"\n" for text in whole]
    assert contents(tmp / "out", tmp) == expected if whole else True


def test_other_readers_of_mbox_see_the_same_messages(tmp_path: Path) -> None:
    texts = [mail(n, b"From the start\n\nFrom the middle\n") for n in range(5)]
    with MboxWriter(tmp_path / "out") as writer:
        for number, text in enumerate(texts):
            writer.add("Inbox", "", [text], 1_000_000_000 + number)
    box = mailbox.mbox(tmp_path / "out" / "Inbox.mbox", create=False)
    assert len(box) == len(texts)
    assert next(message.get_from() for message in box) == "MAILER-DAEMON Sun Sep  9 01:46:40 2001"
    assert postmark(None) == b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"


def test_maildirs_are_read_by_python_too(tmp_path: Path) -> None:
    with MaildirWriter(tmp_path / "out") as writer:
        writer.add("Inbox", "", [mail(1)], 1)
        writer.add("Sent/2020", "", [mail(2)], 2)
    box = mailbox.Maildir(tmp_path / "out", create=False)
    assert len(box) == 1
    assert box.list_folders() == ["Sent.2020"]
    assert [bytes(message) for message in box.get_folder("Sent.2020")] == [mail(2)]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_destination_in_use_is_refused_and_left_alone(tmp_path: Path, kind: type[Writer]) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("keep")
    with pytest.raises(WriteFailed, match="not empty"):
        kind(full)
    with pytest.raises(WriteFailed, match="is no folder"):
        kind(full / "mine")
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine"]


@pytest.mark.parametrize("kind", WRITERS)
def test_an_empty_destination_is_used(tmp_path: Path, kind: type[Writer]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o750)
    with kind(empty) as writer:
        writer.add("Inbox", "x", [mail()])
    assert contents(empty, tmp_path) == [mail()]
    assert empty.stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("kind", WRITERS)
def test_until_the_end_there_is_nothing_and_after_a_failure_too(tmp_path: Path, kind: type[Writer]) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half a "
        raise KeyError("the store is damaged")

    with pytest.raises(RuntimeError), kind(tmp_path / "out") as writer:
        writer.add("Inbox", "x", [mail()])
        assert not (tmp_path / "out").exists()
        raise RuntimeError("cancelled")
    assert not list(tmp_path.iterdir())
    with kind(tmp_path / "out") as writer:
        writer.add("Inbox", "x", [mail(1)])
        with pytest.raises(KeyError):
            writer.add("Inbox", "x", broken())
        writer.add("Inbox", "x", [mail(2)])
    assert contents(tmp_path / "out", tmp_path) == [mail(1), mail(2)]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, kind: type[Writer]) -> None:
    def full() -> Iterator[bytes]:
        yield mail()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(WriteFailed, match="disk is full"), kind(tmp_path / "out") as writer:
        writer.add("Inbox", "x", full())
    assert not list(tmp_path.iterdir())


def test_many_folders_do_not_keep_many_files_open(tmp_path: Path) -> None:
    with MboxWriter(tmp_path / "out") as writer:
        for number in range(300):
            writer.add(f"f{number % 150}", "", [mail(number)])
        assert len(writer.open) <= 64
    assert len(contents(tmp_path / "out", tmp_path)) == 300


@given(st.text(max_size=300))
def test_any_text_makes_a_safe_file_name(text: str) -> None:
    name = safe_name(text, 80)
    assert len(name.encode()) <= 80
    assert not set(name) & set('/\\:*?"<>|\x00\n\r')
    assert name not in (".", "..")
    assert not name.startswith(".")
    name.encode("utf-8")


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=60))
def test_modified_utf7_comes_back(text: str) -> None:
    assert from_utf7(to_utf7(text)) == text
    assert "." not in to_utf7(text)


@given(st.lists(st.text(max_size=200), unique=True, max_size=8))
def test_folder_names_never_collide(folders: list[str]) -> None:
    for suffix in ("", ".mbox"):
        names = FolderNames(suffix)
        paths = [names.path(folder) for folder in folders if folder]
        assert len({path.casefold() for path in paths}) == len(paths)
        assert all(
            part not in ("", ".", "..") and len(part.encode()) <= 255 for path in paths for part in path.split("/")
        )
    taken: set[str] = set()
    for folder in folders:
        name = maildir_name(folder, taken)
        assert len(name.encode()) <= 255
        assert "/" not in name
        taken.add(name.casefold())
    assert len(taken) == len(folders)
