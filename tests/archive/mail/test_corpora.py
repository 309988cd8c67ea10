"""Real and odd mail, where POSTKEEP_CORPORA names a folder with it. Nothing of it is in the repository."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from archive.mail.extract import _extract, _plain, extract, extract_many, heads
from archive.mail.html import sanitise
from archive.mail.reading import inline_images, part_bytes, read_message
from archive.store.describe import describe

CORPORA = os.environ.get("POSTKEEP_CORPORA", "")
pytestmark = pytest.mark.skipif(not CORPORA, reason="POSTKEEP_CORPORA names no folder with mail to try")


@cache
def mails(folder: str) -> list[bytes]:
    found = [path.read_bytes() for path in sorted(Path(CORPORA, folder).rglob("*")) if path.is_file()]
    assert found, f"nothing in {folder}"
    return found


def listed(limit: int) -> Iterator[bytes]:
    """The first list mails; an approximate split is enough here."""
    with Path(CORPORA, "lists.mbox").open("rb") as mbox:
        data = mbox.read(limit)
    for chunk in data.split(b"\nFrom ")[:-1]:
        yield chunk.partition(b"\n")[2] + b"\n"


@pytest.mark.parametrize("folder", ["torture", "spamassassin"])
def test_every_message_is_extracted_read_and_shown(folder: str) -> None:
    for raw in mails(folder):
        found = extract(raw)
        assert "\0" not in found.body + found.subject
        reading = read_message(raw)
        for one in reading.parts[:20]:
            assert len(part_bytes(raw, one.index)) == one.size_bytes
        if reading.html:
            document = sanitise(reading.html, inline=inline_images(raw), allow_remote=False).html
            assert "<script" not in document


@pytest.mark.parametrize(("folder", "least"), [("torture", 0.97), ("spamassassin", 0.98)])
def test_subjects_agree_with_the_standard_library(folder: str, least: float) -> None:
    agreed = 0
    for raw in mails(folder):
        theirs = email.message_from_bytes(raw, policy=email.policy.default)["subject"] or ""
        agreed += " ".join(str(theirs).split()) == extract(raw).subject
    assert agreed / len(mails(folder)) >= least


def test_the_short_way_gives_what_the_long_way_gives() -> None:
    short = 0
    for raw in [*mails("spamassassin"), *mails("torture"), *listed(8_000_000)]:
        plain = _plain(raw)
        if plain is not None:
            short += 1
            assert plain == _extract(raw)
    assert short > 1000


def test_what_lists_show_is_the_same_where_no_text_is_read() -> None:
    raws = [*mails("spamassassin"), *mails("torture"), *listed(8_000_000)]
    assert [describe(one) for one in heads(raws)] == [describe(extract(raw)) for raw in raws]


def test_a_batch_of_list_mail_has_dates_and_senders() -> None:
    found = extract_many(list(listed(8_000_000)))
    assert sum(one.date is not None for one in found) > 0.99 * len(found)
    assert sum(bool(one.from_) for one in found) > 0.99 * len(found)
