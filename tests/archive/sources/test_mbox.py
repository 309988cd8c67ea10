"""Mbox files: where messages begin and end, and which bytes they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.sources import MboxKind
from archive.sources.mbox import Splitter
from archive.sources.postmark import Style, dated
from archive.sources.spool import quoter, unquoter
from tests.archive.sources.sources import POSTMARK, contents, everything, mail


def write(tmp_path: Path, data: bytes, name: str = "box") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("line", "when"),
    [
        (b"From ann@example.org Sat Jan  3 01:05:34 2004", 1073091934),
        (b"From ann@example.org  Sat Jan 03 01:05:34 2004", 1073091934),
        (b"From ann@example.org Sat Jan  3 01:05 2004", 1073091900),
        (b"From ann@example.org Sat Jan  3 01:05:34 MET 2004", 1073091934),
        (b"From 15@xxx Sat Jan 03 01:05:34 +0100 2004", 1073088334),
        (b"From - Sat Jan 03 01:05:34 2004", 1073091934),
        (b"From joe at example.org  Sat Jan  3 01:05:34 2004", 1073091934),
        (b'From "Joe Blow" <joe@example.org> Sat Jan  3 01:05:34 2004', 1073091934),
        (b"From joe Sat Jan  3 01:05:34 2004 remote from uunet", 1073091934),
        (b"From joe@example.org Sat, 3 Jan 2004 01:05:34 +0000 (GMT)", 1073091934),
        (b"From joe@example.org 2004-01-03T01:05:34Z", 1073091934),
        (b"From  Sat Jan  3 01:05:34 2004", 1073091934),
        (b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970", None),
        (b"From joe@example.org Sat Feb 30 01:05:34 2004", None),
    ],
)
def test_a_line_with_a_sender_and_a_date_is_a_postmark(line: bytes, when: int | None) -> None:
    assert dated(line) == (True, when)


@pytest.mark.parametrize(
    "line",
    [
        b"From the very beginning it was clear.",
        b"From our last meeting on Sat Jan  3 01:05:34 2004",
        b"From home recordings to downloaded mp3s",
        b"From: ann@example.org",
        b"From ann@example.org",
        b"from ann@example.org Sat Jan  3 01:05:34 2004",
        b"From ann@example.org Sat Jan  3 01:05:34 2004, she said",
        b"From " + b"x" * 2000 + b" Sat Jan  3 01:05:34 2004",
    ],
)
def test_a_sentence_is_no_postmark(line: bytes) -> None:
    assert not dated(line)[0]


def test_messages_are_what_stands_between_postmark_and_blank_line(tmp_path: Path) -> None:
    one, two = mail(1), mail(2, b"Ends in blank lines.\n\n\n")
    path = write(tmp_path, POSTMARK + one + b"\n" + POSTMARK + two + b"\n")
    found, rejected = everything(path, tmp_path)
    assert [(item.content, item.offset, item.received_at) for item in found] == [
        (one, 0, 1073091934),
        (two, len(POSTMARK + one) + 1, 1073091934),
    ]
    assert not rejected


def test_crlf_is_kept_and_its_blank_line_taken_off(tmp_path: Path) -> None:
    one, two = mail(1, b"A\n\n", b"\r\n"), mail(2, end=b"\r\n")
    mark = POSTMARK.replace(b"\n", b"\r\n")
    path = write(tmp_path, mark + one + b"\r\n" + mark + two + b"\r\n")
    assert contents(path, tmp_path) == [one, two]


def test_a_postmark_without_a_blank_line_before_it_begins_a_message(tmp_path: Path) -> None:
    one, two, three = mail(1), mail(2), mail(3)
    path = write(tmp_path, POSTMARK + one + POSTMARK + two + b"\n" + POSTMARK + three + b"\n")
    assert contents(path, tmp_path) == [one, two, three]


def test_a_file_written_without_blank_lines_loses_none_of_its_own(tmp_path: Path) -> None:
    mails = [mail(1), mail(2, b"Ends in a blank line.\n\n"), mail(3), mail(4)]
    path = write(tmp_path, b"".join(POSTMARK + text for text in mails))
    assert contents(path, tmp_path) == mails


def test_sentences_that_begin_with_from_do_not_split(tmp_path: Path) -> None:
    text = mail(1, b"\nFrom here on: it is text.\n\nFrom the desk of\nSubject: x\n")
    assert contents(write(tmp_path, POSTMARK + text + b"\n"), tmp_path) == [text]


def test_each_kind_takes_its_own_quoting_off(tmp_path: Path) -> None:
    stored = mail(1, b">From a\n>>From b\n >From c\n>> From d\nx >From e\n")
    path = write(tmp_path, POSTMARK + stored + b"\n")
    assert contents(path, tmp_path) == [stored.replace(b"\n>From a\n>>From b", b"\nFrom a\n>From b")]
    assert contents(path, tmp_path, mbox="o") == [stored.replace(b"\n>From a", b"\nFrom a")]
    assert contents(path, tmp_path, mbox="cl") == [stored.replace(b"\n>From a", b"\nFrom a")]
    assert contents(path, tmp_path, mbox="cl2") == [stored]


@pytest.mark.parametrize("kind", ["cl", "cl2"])
@pytest.mark.parametrize("blank", [b"\n", b""])
def test_content_length_is_believed_when_it_leads_to_a_postmark_or_the_end(
    tmp_path: Path, kind: MboxKind, blank: bytes
) -> None:
    body = b"Look:\n\n" + POSTMARK + mail(7) + b"\nand more\n\n"
    one = b"Subject: 1\nContent-Length: %d\n\n" % len(body) + body
    two = b"Subject: 2\nContent-Length: 6\n\nHello\n"
    path = write(tmp_path, POSTMARK + one + blank + POSTMARK + two + blank)
    assert contents(path, tmp_path, mbox=kind) == [one, two]


def test_a_wrong_content_length_is_not_believed(tmp_path: Path) -> None:
    one = b"Subject: 1\nContent-Length: 9\n\nHello\nfriend\n"
    two = b"Subject: 2\nContent-Length: 999999\n\nHello\n\n"
    three = b"Subject: 3\nContent-Length: 3\n\n"
    path = write(tmp_path, POSTMARK + one + b"\n" + POSTMARK + two + b"\n" + POSTMARK + three)
    assert contents(path, tmp_path, mbox="cl2") == [one, two, three[:-1]]


def test_undated_postmarks_are_judged_by_the_first_line_of_the_file(tmp_path: Path) -> None:
    mails = [mail(1, b"From someone\nnot a header\n"), mail(2, b"From\nx\n"), mail(3)]
    path = write(tmp_path, b"".join(b"From nobody\n" + text + b"\n" for text in mails))
    assert contents(path, tmp_path) == mails


def test_mozilla_stubs_begin_messages_in_any_file(tmp_path: Path) -> None:
    path = write(tmp_path, POSTMARK + mail(1) + b"\nFrom - \n" + mail(2) + b"\n")
    assert contents(path, tmp_path) == [mail(1), mail(2)]


def test_text_before_the_first_postmark_is_named_and_blank_lines_are_not(tmp_path: Path) -> None:
    path = write(tmp_path, b"An export of my mail, 2004\n\n" + POSTMARK + mail(1) + b"\n")
    found, rejected = everything(path, tmp_path)
    assert [item.content for item in found] == [mail(1)]
    assert [(item.offset, item.reason) for item in rejected] == [
        (0, "no message here: text before the first From line")
    ]
    path = write(tmp_path, b"\n\r\n\n" + POSTMARK + mail(1) + b"\n")
    assert contents(path, tmp_path) == [mail(1)]


def test_an_empty_message_is_named_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path, POSTMARK + POSTMARK + b"\n" + POSTMARK + mail(1) + b"\n" + POSTMARK)
    found, rejected = everything(path, tmp_path)
    assert [item.content for item in found] == [mail(1)]
    assert [item.reason for item in rejected] == ["empty message"] * 3


def test_messages_without_headers_final_newline_or_with_nuls_are_messages(tmp_path: Path) -> None:
    parts = [b"no header at all\n", b"\nonly a body\n", b"a\x00b\xff\n", b"\n", b"no final newline"]
    path = write(tmp_path, b"\n".join(POSTMARK + part for part in parts))
    assert contents(path, tmp_path) == parts


ODD = st.lists(
    st.one_of(
        st.sampled_from([b"From ", b">From ", b"\n", b"\r\n", b"\n\n", b">", POSTMARK, b"From -\nA: b\n", b"\x00"]),
        st.binary(max_size=20),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(ODD, min_size=1, max_size=5), tail=ODD)
def test_reading_and_counting_agree_on_any_bytes(
    texts: list[bytes], tail: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp = tmp_path_factory.mktemp("any")
    path = write(tmp, b"".join(POSTMARK + text + b"\n" for text in texts) + tail)
    kinds: tuple[MboxKind, ...] = ("rd", "o", "cl", "cl2")
    for kind in kinds:
        everything(path, tmp, mbox=kind)


@settings(max_examples=150, deadline=None)
@given(text=ODD.map(lambda piece: POSTMARK + piece), size=st.integers(1, 40))
def test_the_size_of_blocks_makes_no_difference(
    text: bytes, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def split(step: int) -> list[tuple[int, bytes | None]]:
        rest = iter([text[at : at + step] for at in range(len(POSTMARK), len(text), step)] + [b""])
        splitter = Splitter(lambda _: next(rest), POSTMARK, 0, Style(), "rd", tmp_path_factory.getbasetemp())
        return [(piece.offset, piece.content) for piece in splitter.pieces()]

    assert [offset for offset, _ in split(size)] == [offset for offset, _ in split(1 << 20)]


@settings(max_examples=200, deadline=None)
@given(text=ODD, cuts=st.lists(st.integers(1, 30), max_size=20))
def test_quoting_in_pieces_is_quoting_at_once_and_unquoting_undoes_it(text: bytes, cuts: list[int]) -> None:
    expected = re.sub(rb"(?m)^(>*From )", rb">\1", text)
    quoted, filtering = b"", quoter()
    at = 0
    for cut in [*cuts, len(text)]:
        quoted += filtering.feed(text[at : at + cut])
        at += cut
    quoted += filtering.finish()
    assert quoted == expected
    undoing = unquoter("rd")
    assert undoing.feed(quoted) + undoing.finish() == text


@pytest.mark.parametrize("start", [b">" * 200_000 + b"From x\n", b"x" * 200_000 + b">From x\n", b">" * 70_000 + b"Fro"])
def test_lines_longer_than_what_is_held_keep_their_bytes(start: bytes) -> None:
    text = start + b"\n>From y\n"
    filtering, undoing = quoter(), unquoter("rd")
    pieces = [text[at : at + 7000] for at in range(0, len(text), 7000)]
    quoted = b"".join(map(filtering.feed, pieces)) + filtering.finish()
    assert quoted == re.sub(rb"(?m)^(>*From )", rb">\1", text)
    again = [quoted[at : at + 7000] for at in range(0, len(quoted), 7000)]
    assert b"".join(map(undoing.feed, again)) + undoing.finish() == text
