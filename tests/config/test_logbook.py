"""The server's log is kept in bounded files by every process at once, and can be searched."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.kit import log_search, logbook, paths
from config.kit.log_search import Wanted, search
from config.kit.logbook import LogSettings
from config.middleware import LineFormatter


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[logbook.LogbookHandler]:
    """A handler over a HOME of this test's own."""
    monkeypatch.setattr(paths, "home", lambda: tmp_path)
    made = logbook.LogbookHandler()
    made.setFormatter(LineFormatter("%(message)s"))
    yield made
    made.close()


def say(handler: logbook.LogbookHandler, text: str, level: int = logging.INFO, **more: object) -> None:
    record = logging.LogRecord("postkeep.test", level, "", 0, text, None, None)
    for name, value in more.items():
        setattr(record, name, value)
    handler.handle(record)


def texts(wanted: Wanted, limit: int = 100) -> list[str]:
    return [line.text for line in search(wanted, limit=limit).lines]


def test_lines_are_found_newest_first_by_words_level_request_and_process(handler: logbook.LogbookHandler) -> None:
    say(handler, "The first “quoted” line", request_id="abc123")
    say(handler, "Größe überschritten", logging.WARNING)
    say(handler, "The disk is FULL", logging.ERROR, request_id="abc123")
    assert texts(Wanted()) == ["The disk is FULL", "Größe überschritten", "The first “quoted” line"]
    assert texts(Wanted(text="disk is full")) == ["The disk is FULL"]
    assert texts(Wanted(text="GRÖSSE")) == ["Größe überschritten"]
    assert texts(Wanted(text='say "x"')) == []
    assert texts(Wanted(level="warning")) == ["The disk is FULL", "Größe überschritten"]
    assert texts(Wanted(request="abc123")) == ["The disk is FULL", "The first “quoted” line"]
    assert texts(Wanted(part="worker")) == [] and len(texts(Wanted(part="shell"))) == 3


def test_a_time_narrows_the_lines(handler: logbook.LogbookHandler) -> None:
    now = datetime.now(UTC)
    for minutes in (90, 60, 30):
        record = logging.LogRecord("postkeep.test", logging.INFO, "", 0, f"{minutes} minutes ago", None, None)
        record.created = (now - timedelta(minutes=minutes)).timestamp()
        handler.handle(record)
    assert texts(Wanted(since=now - timedelta(minutes=70))) == ["30 minutes ago", "60 minutes ago"]
    assert texts(Wanted(before=now - timedelta(minutes=45))) == ["60 minutes ago", "90 minutes ago"]


def test_pages_follow_each_other_without_gaps_and_doubles(
    handler: logbook.LogbookHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "SEGMENT_BYTES", 700)
    for number in range(40):
        say(handler, f"line {number}")
    assert len(logbook.segments()) > 5
    found: list[str] = []
    page = search(Wanted(), limit=7)
    while True:
        found += [line.text for line in page.lines]
        if not page.more:
            break
        page = search(Wanted(after=page.more), limit=7)
    assert found == [f"line {number}" for number in reversed(range(40))]


def test_a_search_that_finds_nothing_stops_after_a_while_and_goes_on_from_there(
    handler: logbook.LogbookHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "SEGMENT_BYTES", 700)
    monkeypatch.setattr(log_search, "READ_AT_ONCE", 1_500)
    say(handler, "the needle")
    for number in range(40):
        say(handler, f"line {number}")
    page, rounds = search(Wanted(text="needle")), 0
    while page.more and not page.lines:
        page, rounds = search(Wanted(text="needle", after=page.more)), rounds + 1
    assert rounds > 2 and [line.text for line in page.lines] == ["the needle"]


def test_a_trace_is_kept_and_one_time_links_are_masked(handler: logbook.LogbookHandler) -> None:
    try:
        raise ValueError("at /link/secret-token/")
    except ValueError:
        record = logging.LogRecord(
            "postkeep.test", logging.ERROR, "", 0, "GET /link/secret-token/", None, sys.exc_info()
        )
        handler.handle(record)
    (line,) = search(Wanted(text="valueerror")).lines
    assert "ValueError: at /link/…" in line.trace and line.text == "GET /link/…/"
    assert "secret-token" not in logbook.segments()[0].read_text()


def test_half_a_line_of_a_process_that_was_killed_hides_no_other(handler: logbook.LogbookHandler) -> None:
    say(handler, "whole")
    with logbook.segments()[0].open("ab") as file:
        file.write(b'{"at": "2026-01-01T00:00:00+00:00", "lev\n')
    say(handler, "whole again")
    assert texts(Wanted()) == ["whole again", "whole"]


def test_a_disk_that_takes_nothing_stops_nobody(
    handler: logbook.LogbookHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        say(handler, "lost")
    say(handler, "kept")
    assert texts(Wanted()) == ["kept"]


def test_what_is_old_or_too_much_goes_and_the_newest_file_stays(
    handler: logbook.LogbookHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "SEGMENT_BYTES", 3 << 20)
    old = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    today = datetime.now(UTC).date().isoformat()
    logbook.folder().mkdir(parents=True)
    (logbook.folder() / f"{old}.0001.jsonl").write_bytes(b"x\n")
    for number in range(1, 9):
        (logbook.folder() / f"{today}.{number:04d}.jsonl").write_bytes(b"x" * (3 << 20))
    (logbook.folder() / "notes.txt").write_text("somebody's own")
    assert logbook.tidy(LogSettings(days=30, megabytes=16)) == 4
    assert [path.name[-10:-6] for path in logbook.segments()] == ["0004", "0005", "0006", "0007", "0008"]
    assert logbook.tidy(LogSettings(days=30, megabytes=1)) == 4 and len(logbook.segments()) == 1
    assert (logbook.folder() / "notes.txt").exists()


def test_processes_that_write_at_once_never_mix_their_lines(tmp_path: Path) -> None:
    code = (
        "import logging, sys; from config.kit import logbook, paths\n"
        "logbook.SEGMENT_BYTES = 20_000\n"
        "handler = logbook.LogbookHandler()\n"
        "for n in range(300):\n"
        "    text = sys.argv[1] * 200 + f' {n}'\n"
        "    handler.handle(logging.LogRecord('postkeep.x', 20, '', 0, text, None, None))\n"
    )
    environment = {**os.environ, "POSTKEEP_HOME": str(tmp_path), "PYTHONPATH": str(paths.BASE_DIR)}
    running = [subprocess.Popen([sys.executable, "-c", code, letter], env=environment) for letter in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    lines = [line for path in (tmp_path / "log/lines").iterdir() for line in path.read_bytes().splitlines()]
    assert len(lines) == 900 and all(line.startswith(b"{") and line.endswith(b"}") for line in lines)


def test_the_level_that_is_kept_follows_its_setting(handler: logbook.LogbookHandler) -> None:
    ours, others = logging.getLogger("postkeep"), logging.getLogger()
    before = ours.level, others.level
    try:
        logbook.write_settings(LogSettings(level="debug"))
        assert (ours.level, others.level) == (logging.DEBUG, logging.INFO)
        logbook.write_settings(LogSettings(level="error"))
        assert (ours.level, others.level) == (logging.INFO, logging.WARNING)
        assert logbook.read_settings().level == "error"
        (paths.home() / "log/settings.json").write_text("{broken")
        assert logbook.read_settings() == logbook.USUAL
    finally:
        ours.setLevel(before[0])
        others.setLevel(before[1])
        logbook.apply_levels(logbook.USUAL)


def test_a_part_has_a_level_of_its_own_and_no_other_part_follows(handler: logbook.LogbookHandler) -> None:
    root = logging.getLogger()
    root.addHandler(handler)
    names = ("postkeep", *(f"postkeep.{name}" for each in logbook.PARTS.values() for name in each))
    try:
        logbook.write_settings(LogSettings(parts={"gateway": "debug", "delivery": "error", "libraries": "error"}))
        for name in ("postkeep.gateway", "postkeep.smtp", "postkeep.delivery", "postkeep.api", "postkeep.new", "lib"):
            for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
                logging.getLogger(name).log(level, "%s %d", name, level)
        assert sorted(texts(Wanted())) == sorted([
            *(f"postkeep.{name} {level}" for name in ("gateway", "smtp") for level in (10, 20, 30, 40)),
            "postkeep.delivery 40",
            *(f"postkeep.{name} {level}" for name in ("api", "new") for level in (20, 30, 40)),
            "lib 40",
        ])  # fmt: skip
        assert logging.getLogger("postkeep.delivery").isEnabledFor(logging.INFO)  # for stderr, which says the same
        (paths.home() / "log/settings.json").write_text(
            '{"level": "info", "days": 30, "megabytes": 256,'
            ' "parts": {"gateway": "loud", "nothing": "debug", "api": "debug"}}'
        )
        assert logbook.read_settings().parts == {"api": "debug"}
    finally:
        root.removeHandler(handler)
        logbook.apply_levels(logbook.USUAL)
        for name in names[1:]:
            logging.getLogger(name).setLevel(logging.NOTSET)


def test_stderr_says_the_same_whatever_the_log_keeps() -> None:
    usual = logbook.UsualLines()
    for name, level, passes in (
        ("postkeep.pages", logging.INFO, True), ("postkeep.pages", logging.DEBUG, False),
        ("django.request", logging.INFO, False), ("django.request", logging.WARNING, True),
        ("postkeeper", logging.INFO, False),
    ):  # fmt: skip
        assert usual.filter(logging.LogRecord(name, level, "", 0, "", None, None)) is passes
