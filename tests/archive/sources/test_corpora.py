"""Real mail and the torture mails, where POSTKEEP_CORPORA names them: all is read or named, nothing goes missing."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from archive.sources import Found, count, read

FOLDER = os.environ.get("POSTKEEP_CORPORA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="POSTKEEP_CORPORA names no folder with the corpora")


def test_the_list_mailbox_holds_its_28032_messages(tmp_path: Path) -> None:
    path = Path(FOLDER) / "lists.mbox"
    found = sum(isinstance(item, Found) for item in read([path], spool_dir=tmp_path))
    assert found == count([path]) == 28_032


def test_every_file_of_the_spam_corpus_is_one_message(tmp_path: Path) -> None:
    path = Path(FOLDER) / "spamassassin"
    items = list(read([path], spool_dir=tmp_path))
    assert all(isinstance(item, Found) for item in items)
    assert len(items) == count([path]) == 3069
    assert len({item.path for item in items}) == 3069


def test_every_torture_file_is_read_or_named(tmp_path: Path) -> None:
    root = Path(FOLDER) / "torture"
    items = list(read([root], spool_dir=tmp_path))
    assert len(items) == count([root])
    files = {str(path) for path in root.rglob("*") if path.is_file()}
    assert {item.path for item in items} == files
    kinds = Counter(type(item).__name__ for item in items)
    assert kinds["Rejected"] <= 14
    for item in items:
        if isinstance(item, Found) and item.path.endswith(".eml"):
            assert item.content == Path(item.path).read_bytes()
