"""The drawn queries and the made mails."""

from __future__ import annotations

from collections import Counter

import pytest

from archive.mail.extract import extract, extract_many
from archive.query.language import parse
from benchmarks.corpus import mbox_entry
from benchmarks.queries import PER_KIND, Query, Vocabulary, draw
from benchmarks.variation import common_words, vary

WORDS = ("harbour", "lantern", "meadow", "copper", "violin", "garden", "window", "ladder", "pepper", "saddle")


def made_mail(number: int) -> bytes:
    words = [WORDS[(number * step) % len(WORDS)] for step in (1, 3, 7)]
    return (
        f"From: Ann{WORDS[number % 3]} <ann.{number % 3}@example.org>\nTo: list@example.net\n"
        f"Subject: about the {words[0]}\nMessage-ID: <{number}@example.org>\nReferences: <{number - 1}@example.org>\n"
        f"Date: Thu, 0{number % 9 + 1} Jan 2004 10:00:00 +0000\n\n"
        f"the {words[0]} and the {words[1]} near a {words[2]} on the hill\nFrom here on\n"
    ).encode()


@pytest.fixture
def queries() -> list[Query]:
    vocabulary = Vocabulary()
    for number, text in enumerate(extract_many([made_mail(number) for number in range(300)])):
        vocabulary.take(text, (2004, number % 12 + 1))
    return draw(vocabulary)


def test_there_are_as_many_of_each_kind_and_240_in_all(queries: list[Query]) -> None:
    kinds = Counter(query.kind for query in queries)
    assert set(kinds.values()) == {PER_KIND}
    assert len(queries) == 240


def test_the_same_mails_give_the_same_queries(queries: list[Query]) -> None:
    vocabulary = Vocabulary()
    for number, text in enumerate(extract_many([made_mail(number) for number in range(300)])):
        vocabulary.take(text, (2004, number % 12 + 1))
    assert draw(vocabulary) == queries


def test_our_language_reads_them_all(queries: list[Query]) -> None:
    for query in queries:
        parse(query.ours)


def test_a_date_is_the_same_month_on_both_sides(queries: list[Query]) -> None:
    found = next(query for query in queries if query.kind == "month")
    month = found.ours.removeprefix("on:")
    assert found.notmuch.startswith(f"date:{month}-01..{month}-")


def test_a_copy_is_another_mail_with_another_date_and_hangs_together_with_its_own_copies() -> None:
    words = common_words([made_mail(number) for number in range(20)])
    real, copy, again = (vary(made_mail(5), which, 5, words) for which in (0, 2, 2))
    assert real == made_mail(5)
    assert copy == again
    assert copy != real
    assert extract(copy).message_id == "5.2@example.org"
    assert b"References: <4.2@example.org>" in copy
    assert (extract(copy).date or 0) > (extract(real).date or 0)
    assert extract(copy).body != extract(real).body
    assert extract(copy).subject == extract(real).subject


def test_a_line_that_begins_with_from_is_quoted_in_the_made_mbox() -> None:
    assert b"\n>From here on\n\n" in mbox_entry(made_mail(1))
