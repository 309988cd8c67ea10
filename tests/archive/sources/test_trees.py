"""Files and trees: what is one message, what is mail at all, which folder it belongs to, and what is never followed."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from archive.sources import Found, Limits, count, estimate, read
from tests.archive.sources.sources import POSTMARK, contents, everything, mail


def make(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.mark.parametrize("data", [POSTMARK + mail(), b"\x1f\x8b\x08rest", b"\x89PNG\r\n\x1a\n", b"\n", b"\xff\x00"])
def test_an_eml_is_one_message_whole_whatever_its_first_bytes(tmp_path: Path, data: bytes) -> None:
    root = make(tmp_path / "in", {"a.eml": data, "b.EML": data + b"x"})
    assert contents(root, tmp_path) == [data, data + b"x"]


def test_a_file_in_a_maildir_is_one_message_whole(tmp_path: Path) -> None:
    box = POSTMARK + mail(1) + b"\n" + POSTMARK + mail(2) + b"\n"
    root = make(tmp_path / "in", {"cur/1.a:2,S": box, "new/x": b"no header", "tmp/y": b"unfinished", "cur/.z": b"z"})
    found, rejected = everything(root, tmp_path)
    assert [item.content for item in found] == [b"z", box, b"no header"]
    assert [Path(item.path).name for item in rejected] == ["y"]
    assert contents(root / "cur", tmp_path) == [b"z", box]
    assert contents(root / "cur" / "1.a:2,S", tmp_path) == [box]


def test_a_directory_that_is_merely_called_cur_is_no_maildir(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {"cur/box": POSTMARK + mail(1) + b"\n" + POSTMARK + mail(2) + b"\n"})
    assert contents(root, tmp_path) == [mail(1), mail(2)]


def test_maildir_folders_become_folders(tmp_path: Path) -> None:
    root = make(
        tmp_path / "in",
        {
            "cur/1": mail(1),
            "new/2": mail(2),
            ".Sent.2020/cur/3": mail(3),
            ".Sent.2020/new/.keep.eml": mail(4),
            ".Entw&APw-rfe/cur/4": mail(5),
            ".Entw&APw-rfe/tmp/.x.eml": mail(6),
            "alice/Maildir/cur/5": mail(7),
            "alice/Maildir/tmp/.x.eml": mail(8),
        },
    )
    found, _ = everything(root, tmp_path)
    assert [item.folder for item in found] == [
        "Entwürfe",
        "Entwürfe",
        "Sent/2020",
        "Sent/2020",
        "alice",
        "alice",
        "",
        "",
    ]


def test_directories_and_mbox_files_in_a_tree_become_folders(tmp_path: Path) -> None:
    box = POSTMARK + mail(1) + b"\n" + POSTMARK + mail(2) + b"\n"
    one = POSTMARK + mail(3) + b"\n"
    root = make(
        tmp_path / "in",
        {
            "a/b/x.eml": mail(4),
            "Sent": box,
            "Archives.sbd/2020": box,
            "Drafts.mbox": one,
            "Apple.mbox/mbox": box,
            "saved/single.txt": one,
        },
    )
    found, _ = everything(root, tmp_path)
    folders = {item.path.removeprefix(f"{root}/"): item.folder for item in found}
    assert folders == {
        "a/b/x.eml": "a/b",
        "Sent": "Sent",
        "Archives.sbd/2020": "Archives/2020",
        "Drafts.mbox": "Drafts",
        "Apple.mbox/mbox": "Apple",
        "saved/single.txt": "saved",
    }
    assert {item.folder for item in everything(root / "Drafts.mbox", tmp_path)[0]} == {""}


@pytest.mark.parametrize(
    "data",
    [
        mail(),
        b"X-Odd: 1\r\n\r\nbody",
        b"garbage first line\nSubject: but then a header\n\nbody\n",
        b" From: ann@example.org\nSubject: x\n\nbody",
        b"\xef\xbb\xbfSubject: with a byte order mark\n\nbody",
        b"\r\n\r\nSubject: after blank lines\n\nbody",
        b"Subject: \xff\xfe\x00\x01\n\n\x00\x00",
        b">From ann\nSubject: x\n\nbody\n",
        mail(1, b"\n" + POSTMARK + mail(2)),
        b"Return-Path: <>\n" + b"x" * 5_000_000,
        b"Subject: " + b"x" * 5_000_000 + b"\n\nbody",
    ],
)
def test_anything_that_begins_like_a_mail_is_one(tmp_path: Path, data: bytes) -> None:
    assert contents(make(tmp_path / "in", {"file": data}), tmp_path) == [data]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\nSubject: x\n\n", "no message here: a PNG picture"),
        ("a.csv", b"id,url\n1,http://example.org\n", "no message here: no header line at its beginning"),
        ("a", b"\x00\x01\x02" * 100, "no message here: binary data"),
        (".DS_Store", b"\x00\x00\x00\x01Bud1", "no message here: macOS Finder settings"),
        ("._a.eml", b"\x00\x05\x16\x07\x00", "no message here: macOS file attributes"),
        ("dovecot-uidlist", b"3 V1 N2\n", "no message here: Dovecot's bookkeeping"),
        ("empty", b"", "empty file"),
        ("empty.eml", b"", "empty file"),
        ("blank", b"\n\r\n\n", "no message here: nothing but blank lines"),
        ("letter", b"From the desk of Ann\n\nHello\n", "no message here: no header line at its beginning"),
    ],
)
def test_what_is_no_mail_is_named_with_its_reason(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    root = make(tmp_path / "in", {name: data})
    found, rejected = everything(root, tmp_path)
    assert not found
    assert [(item.path, item.reason) for item in rejected] == [(f"{root}/{name}", reason)]


def test_links_pipes_and_sockets_are_named_and_never_followed(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {"m.eml": mail()})
    make(tmp_path / "outside", {"secret.eml": mail(2)})
    (root / "link.eml").symlink_to(tmp_path / "outside" / "secret.eml")
    (root / "loop").symlink_to(root)
    (root / "broken").symlink_to(root / "nowhere")
    os.mkfifo(root / "pipe.eml")
    here = Path.cwd()
    os.chdir(root)
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind("socket")
            found, rejected = everything(root, tmp_path)
    finally:
        os.chdir(here)
    assert [item.content for item in found] == [mail()]
    assert [(Path(item.path).name, item.reason.removeprefix("no message here: ")) for item in rejected] == [
        ("broken", "a symbolic link, not followed"),
        ("link.eml", "a symbolic link, not followed"),
        ("loop", "a symbolic link, not followed"),
        ("pipe.eml", "a named pipe"),
        ("socket", "a socket"),
    ]


def test_a_device_given_by_name_is_named(tmp_path: Path) -> None:
    found, rejected = everything(Path("/dev/null"), tmp_path)
    assert not found
    assert rejected[0].reason == "no message here: a device"


def test_a_link_that_the_person_gave_is_theirs_to_follow(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {"m.eml": mail()})
    (tmp_path / "link").symlink_to(root)
    assert contents(tmp_path / "link", tmp_path) == [mail()]


def test_what_is_missing_or_unreadable_is_named(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {"a.eml": mail(), "d/b.eml": mail(2)})
    (root / "a.eml").chmod(0)
    (root / "d").chmod(0)
    found, rejected = everything([root, tmp_path / "gone"], tmp_path)
    (root / "d").chmod(0o755)
    if os.geteuid() != 0:
        assert not found
        assert [item.reason for item in rejected[:2]] == ["can't be read: Permission denied"] * 2
    assert rejected[-1].reason == "can't be read: No such file or directory"


def test_paths_deeper_than_a_path_may_be_long_are_read(tmp_path: Path) -> None:
    here = Path.cwd()
    root = tmp_path / "in"
    root.mkdir()
    os.chdir(root)
    try:
        for _ in range(30):
            name = "d" * 200
            Path(name).mkdir()
            os.chdir(name)
        Path("m.eml").write_bytes(mail())
    finally:
        os.chdir(here)
    assert contents(root, tmp_path) == [mail()]


def test_too_many_levels_are_named(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {"a/b/c/m.eml": mail(), "a/n.eml": mail(2)})
    found, rejected = everything(root, tmp_path, limits=Limits(directory_levels=3))
    assert [item.content for item in found] == [mail(2)]
    assert rejected[0].reason.startswith("directories nested too deep")


def test_names_that_are_no_utf8_are_shown_safely(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    directory = os.fsencode(root) + b"/f\xfcr\x1b[2J"
    os.mkdir(directory)  # noqa: PTH102 - a name that is no text
    Path(os.fsdecode(directory + b"/\xe4.eml")).write_bytes(mail())
    found, _ = everything(root, tmp_path)
    assert found[0].path == f"{root}/f\\xfcr\\x1b[2J/\\xe4.eml"
    assert found[0].folder == "f\\xfcr\\x1b[2J"


def test_order_is_that_of_names_and_what_is_consumed_grows_to_the_estimate(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {f"{name}.eml": mail(n) for n, name in enumerate("zay")} | {"b/c.eml": mail(9)})
    items = list(read([root], spool_dir=tmp_path))
    assert [Path(item.path).name for item in items] == ["a.eml", "c.eml", "y.eml", "z.eml"]
    consumed = [item.consumed for item in items]
    assert consumed == sorted(consumed)
    assert consumed[-1] == estimate([root])


def test_reading_stops_when_asked(tmp_path: Path) -> None:
    root = make(tmp_path / "in", {f"{n:03}.eml": mail(n) for n in range(50)})
    seen: list[object] = []
    for item in read([root], spool_dir=tmp_path, stop=lambda: len(seen) >= 5):
        seen.append(item)
    assert len(seen) == 5


def test_stopping_inside_one_large_message_leaves_nothing(tmp_path: Path) -> None:
    large = POSTMARK + mail(1, b"x" * 79 + b"\n") * 400_000
    root = make(tmp_path / "in", {"a.eml": mail(), "box": large})
    asked = iter(range(10_000))
    assert len(list(read([root], spool_dir=tmp_path, stop=lambda: next(asked) > 20))) == 1
    assert count([root], stop=lambda: next(asked) > 30) <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_message_over_four_mebibytes_comes_in_a_file_without_a_name(tmp_path: Path) -> None:
    large = mail(1, b"x" * 79 + b"\n") * 60_000
    path = make(tmp_path / "in", {"m.eml": large, "box.mbox": POSTMARK + large.replace(b"From:", b"Fr:") + b"\n"})
    items = [item for item in read([path], spool_dir=tmp_path) if isinstance(item, Found)]
    assert [item.content for item in items] == [None, None]
    for item, expected in zip(items, [large.replace(b"From:", b"Fr:"), large], strict=True):
        assert item.spool is not None
        with item.spool as spool:
            assert spool.read() == expected
            assert item.size == len(expected)
