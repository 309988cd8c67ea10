"""Retention and holds that ask for words: those in attached files count, and what could not be read decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.query.language import parse
from archive.store import Store
from archive.store.ingest import Ingest
from archive.store.judging import Judge, asks_files
from archive.texts import Policy, Reader
from tests.archive.store.grounds import KEYS
from tests.archive.texts import makers


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "store", tmp_path / "work", KEYS) as store:
        yield store


def test_words_in_attached_files_decide_and_a_file_that_took_too_long_makes_a_message_doubtful(opened: Store) -> None:
    mails = [
        makers.mail({"a.pdf": makers.pdf("giraffe")}, subject="one"),
        makers.mail({"b.docx": makers.docx("zebra")}, subject="two"),
        makers.mail({"c.pdf": makers.pdf("x", locked=True)}, subject="three"),
    ]
    opened.reader = Reader(lambda: Policy(file_bytes=100_000))
    with Ingest(opened, 1) as ingest:
        for raw in (*mails, makers.mail({"d.pdf": makers.pdf("y" * 150_000)}, subject="four")):
            ingest.put("Inbox", content=raw)
    judge = Judge(opened, [parse("attachment:giraffe"), parse("-zebra"), parse("subject:three")])
    by_file, by_word, by_subject = judge.judge(opened.rows([1, 2, 3, 4]))
    assert (by_file.matching, by_file.doubtful) == ({1}, {4})
    assert by_word.matching == {1, 3}
    assert by_subject.matching == {3}
    only_subject = Judge(opened, [parse("subject:four")]).judge(opened.rows([4]))[0]
    assert (only_subject.matching, only_subject.doubtful) == ({4}, set())
    opened.reader.close()


@pytest.mark.parametrize(
    ("query", "asks"),
    [("word", True), ("attachment:x", True), ("-body:x", False), ("from:a subject:b", False), ("a OR from:b", True)],
)
def test_only_queries_that_files_can_answer_have_them_read(query: str, asks: bool) -> None:
    assert asks_files(parse(query)) is asks
