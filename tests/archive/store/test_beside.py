"""Messages of a large import are parsed in a process of their own: nothing may differ, and its death costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from archive.mail.extract import extract
from archive.store import Store, preparing
from archive.store.beside import Beside
from archive.store.drafts import Draft, draft_of
from archive.store.ingest import Ingest
from archive.store.parsing import parse
from archive.texts import Policy, Reader
from tests.archive.store.grounds import KEYS
from tests.archive.texts import makers

ROOT = Path(__file__).resolve().parents[3]
MAILS = [
    b"From: Ann <ann@a.example>\r\nTo: list@b.example\r\nSubject: the giraffe\r\nMessage-ID: <1@a>\r\n"
    b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\nplain words\r\n",
    "From: Zoë <zoë@ä.example>\nCc: =?utf-8?q?J=C3=B6rg?= <j@c.example>, x@d.example\nSubject: 日本 İ e\u0301\n"
    "Content-Type: text/plain; charset=utf-8\n\nNaïve 漢字\n".encode(),
    b"From: u@v\nContent-Type: text/plain; charset=utf-7\nSubject: x\n\n+2AA-+3AA- half a pair\n",
    makers.mail({"a.txt": b"a zebra in a file", "b.txt": b"an ocelot"}, subject="two files"),
    makers.mail({"a.pdf": makers.pdf("a lynx")}, subject="one to be read"),
    b"",
    b"\0\xff no message at all",
]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_it_says_is_what_parsing_here_says() -> None:
    with closing(Beside()) as beside:
        until(lambda: beside.has_room)
        beside.send(MAILS, with_texts=True)
        beside.send(MAILS[:2], with_texts=False)
        beside.send([], with_texts=True)
        assert not beside.has_room
        whole, bare, none = beside.receive(), beside.receive(), beside.receive()
        assert beside.has_room
        assert none == []
    assert [(each.date, each.said) for each in whole] == [(each.date, each.said) for each in parse(MAILS)]
    assert [(each.date, each.said) for each in bare] == [(each.date, each.said) for each in whole[:2]]
    for raw, each in zip(MAILS, whole, strict=True):
        text = extract(raw)
        assert each.text == (text if text.files or text.waiting else draft_of(text))
    assert sum(isinstance(each.text, Draft) for each in whole) == len(MAILS) - 2


def kept(
    place: Path, mails: Sequence[bytes], meanwhile: Callable[[Ingest], None] = lambda ingest: None
) -> tuple[list[object], dict[str, int], int]:
    """What a store holds of some mails, what it finds, and how many are indexed."""
    with Store.create(place / "store", place / "work", KEYS) as store:
        store.reader = Reader(Policy)
        store.train_dictionary([b"%d" % number * 400 for number in range(200)])  # so that nothing is held back for it
        with closing(store.reader), Ingest(store, 1) as ingest:
            for mail in mails:
                ingest.put("Inbox", content=mail, received_at=1_700_000_000)
                ingest._send()
                meanwhile(ingest)
        rows = store.rows(range(1, len(mails) + 1))
        words = ("giraffe", "漢字", "jorg", "zebra", "lynx", "has:attachment", "from:a.example", "message")
        found = {word: store.search(word, mailboxes=None).total for word in words}
        said: list[object] = [(row.sha256, row.date, row.subject, row.sender, row.recipients) for row in rows]
        return said, found, ingest.indexed


def test_a_large_import_keeps_and_finds_the_same_and_so_does_one_whose_process_is_killed(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = [mail for mail in MAILS if mail]
    here = kept(quick_path / "here", mails)
    assert set(here[1].values()) != {0}
    assert here[2] == len(mails)
    monkeypatch.setattr(preparing, "BESIDE_MESSAGES", 0)

    def used(ingest: Ingest) -> None:
        until(lambda: ingest._preparer._parsing._beside is not None and ingest._preparer._parsing._beside.has_room)

    deaths: list[int] = []

    def killed(ingest: Ingest) -> None:
        if not deaths:
            used(ingest)
            beside = ingest._preparer._parsing._beside
            assert beside is not None
            deaths.append(beside._process.pid)
            os.kill(beside._process.pid, signal.SIGKILL)

    assert kept(quick_path / "beside", mails, used) == here
    assert kept(quick_path / "killed", mails, killed) == here
    assert deaths


def test_it_ends_with_whoever_started_it() -> None:
    code = (
        "from archive.store.beside import Beside\nimport time\nprint(Beside()._process.pid, flush=True)\ntime.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    until(lambda: not is_alive(child))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
