"""What the index gets to know about a message."""

# ruff: noqa: E501

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.mail.extract import MAX_TEXT_CHARS, Address, extract, extract_many, heads
from archive.store.describe import describe
from tests.archive.mail.mails import b64, mail, multipart, part, traps


def test_a_plain_message() -> None:
    found = extract(
        mail(
            "Hello there",
            From="Ann Example <ann@example.org>",
            To="bob@example.org, Carol <carol@example.org>",
            Cc="dan@example.org",
            Bcc="eve@example.org",
            Date="Sat, 31 Jan 2004 12:00:00 +0100",
            Subject="Greetings",
            Message_ID="<1@example.org>",
        )
    )
    assert found.subject == "Greetings"
    assert found.message_id == "1@example.org"
    assert found.date == 1075546800
    assert found.from_ == [Address("Ann Example", "ann@example.org")]
    assert found.to == [Address("", "bob@example.org"), Address("Carol", "carol@example.org")]
    assert [item.address for item in found.cc] == ["dan@example.org", "eve@example.org"]
    assert found.body == "Hello there"
    assert (found.has_attachment, found.partial, found.attachment_names) == (False, False, [])


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\r\n\r\n", b"\0", b":", b"no header at all\nsecond line\n", b"--\n--", b"From x"]
)
def test_what_is_hardly_a_message_gives_an_extract(raw: bytes) -> None:
    assert extract(raw).partial is False


def test_text_without_headers_is_body() -> None:
    assert "second line" in extract(b"no header at all\nsecond line\n").body


def test_line_ends_of_all_kinds() -> None:
    for end in ("\n", "\r\n", "\r"):
        found = extract(f"Subject: a{end} b{end}To: c@d{end}{end}line{end}two".encode())
        assert found.subject == "a b"
        assert found.body.split() == ["line", "two"]


def test_a_missing_from_is_the_sender() -> None:
    assert extract(mail(Sender="a@b.org")).from_ == [Address("", "a@b.org")]


def test_nothing_turns_the_direction_of_a_subject_or_a_name() -> None:
    found = extract(mail("x", Subject="invoice \u202egnp.exe", From="\u2067Ann\u2069 <ann@example.org>"))
    assert found.subject == "invoice gnp.exe"
    assert found.from_ == [Address("Ann", "ann@example.org")]


def test_both_alternatives_are_found_and_common_words_are_kept_once() -> None:
    raw = multipart("alternative", part("plain words only"), part("<p>plain <b>words</b> plus</p>", "text/html"))
    body = extract(raw).body
    assert body.split() == ["plain", "words", "only", "plus"]


def test_html_alone_is_text_with_titles_and_no_code() -> None:
    raw = mail(
        "<title>Head</title><style>a{}</style><script>var x</script><p>Hel<b>lo</b></p><p>World<td>cell"
        "<img alt='a picture'><a title=where>",
        Content_Type="text/html",
    )
    words = extract(raw).body.split()
    assert words == ["Head", "Hello", "World", "cell", "a", "picture", "where"]


def test_attachments_by_name_and_text_ones_by_content() -> None:
    raw = multipart(
        "mixed",
        part("body"),
        part("inside,table", "text/csv", Content_Disposition='attachment; filename="t.csv"'),
        part(b64(b"%PDF-1.4 secretword"), "application/pdf; name=r.pdf", Content_Transfer_Encoding="base64"),
        part(b64(b"plain log"), "application/octet-stream; name=x.log", Content_Transfer_Encoding="base64"),
        part('{"key": "jsonvalue"}', "application/json"),
    )
    found = extract(raw)
    assert found.body == "body"
    assert found.attachment_names == ["t.csv", "r.pdf", "x.log"]
    assert "inside,table" in found.attachment_text
    assert "plain log" in found.attachment_text
    assert "jsonvalue" in found.attachment_text
    assert "secretword" not in found.attachment_text + found.body
    assert found.has_attachment


def test_a_logo_of_the_html_and_a_signature_are_no_attachments() -> None:
    logo = part(b64(b"\x89PNG"), "image/png", Content_ID="<logo>", Content_Transfer_Encoding="base64")
    related = multipart("related", part("<img src=cid:logo>hi", "text/html"), logo)
    assert not extract(related).has_attachment
    signed = multipart("signed", part("hi"), part("-----BEGIN", "application/pgp-signature"))
    assert not extract(signed).has_attachment


def test_a_message_inside_is_searched_with_its_subject_and_people() -> None:
    inner = mail("inner text", Subject="=?utf-8?q?innerer_Betr=C3=A4ff?=", From="Zed <zed@inner.example>")
    for raw in (
        multipart("mixed", part("outer"), part(inner, "message/rfc822")),
        multipart("mixed", part("outer"), part(b64(inner), "message/rfc822", Content_Transfer_Encoding="base64")),
        multipart("digest", b"\n" + inner),
        mail(inner, Content_Type="message/rfc822"),
    ):
        body = extract(raw).body
        assert "inner text" in body
        assert "innerer Beträff" in body
        assert "zed@inner.example" in body


def test_a_multipart_without_boundary_keeps_its_text() -> None:
    assert "still here" in extract(mail("still here", Content_Type="multipart/mixed")).body
    assert "still here" in extract(mail("still here", Content_Type="multipart/mixed; boundary=x")).body


def test_a_part_cut_off_in_the_middle_is_read_as_far_as_it_goes() -> None:
    raw = multipart("mixed", part("first"), part(b64(b"second part " * 99), Content_Transfer_Encoding="base64"))
    cut = raw[: len(raw) - 40]
    found = extract(cut, size=len(raw))
    assert found.partial
    assert "second part" in found.body
    assert not extract(raw).partial


def test_a_very_long_text_is_indexed_in_part_and_says_so() -> None:
    found = extract(mail("word " * 1_000_000))
    assert found.partial
    assert len(found.body) <= MAX_TEXT_CHARS


def test_a_batch_is_the_same_as_one_by_one() -> None:
    raws = [mail("a", Subject="b"), b"", b"\xff\xfe", mail("<p>x", Content_Type="text/html")]
    assert extract_many(raws) == [extract(raw) for raw in raws]


def test_heads_say_what_lists_show_of_attachments_and_of_what_was_cut() -> None:
    text, file = part("see the file"), part(b64(b"x"), "image/png; name=a.png")
    long = mail("word " * 1_000_000)
    found = heads([multipart("mixed", text, file), multipart("mixed", text, text), mail("a"), long])
    assert [one.has_attachment for one in found] == [True, False, False, False]
    assert [one.partial for one in found] == [False, False, False, True]
    assert not any(one.body for one in found[:3])


def test_what_comes_out_can_be_written_anywhere() -> None:
    raw = mail(b"a\0b \xed\xa0\x80", Subject="=?utf-16?b?2AA=?= \0x", From="=?utf-7?q?+2AA-?= <a\0@b>")
    found = extract(raw)
    for text in (found.subject, found.body, found.from_[0].name, found.from_[0].address):
        assert "\0" not in text
        text.encode("utf-8")


@pytest.mark.parametrize("name", sorted(traps(1)))
def test_a_trap_costs_time_in_proportion_only(name: str) -> None:
    small, large = traps(20_000)[name], traps(200_000)[name]
    started = time.process_time()
    extract(small)
    middle = time.process_time()
    extract(large)
    took_small, took_large = middle - started, time.process_time() - middle
    assert took_large < 1.5 or took_large < 40 * took_small


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_an_extract(raw: bytes) -> None:
    extract(raw)


LINES = [
    "Subject: =?utf-8?q?=41?=", "Subject: =?x?b?!!?=", "From: \"a <b@c>, (d", "To: a:b@c,;", "Date: 99 Foo 0000", "",
    "Content-Type: multipart/mixed; boundary=b", "Content-Type: multipart/alternative; boundary=\"c", "--b", "--b--", "--c",
    "Content-Type: message/rfc822", "Content-Type: text/html; charset=utf-7", "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: quoted-printable", "Content-Disposition: attachment; filename*0*=utf-8''%E4; filename*1=x",
    "Content-Type: image/png; name=x.png", "Content-Type: multipart/related; boundary=c", "Content-Id: <a>", "From: a@b",
    "QUJD=QUJD", "=E4=", "<p>x<!--", " folded", "\tfolded", "\xe4\xf6", "no colon", "begin 644 x", "Content-Type: a", "\0",
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_heap_of_lines_gives_an_extract(lines: list[str], end: str) -> None:
    raw = end.join(lines).encode("latin-1")
    found = extract(raw)
    assert describe(heads([raw])[0]) == describe(found)
    found.body.encode("utf-8")
    found.subject.encode("utf-8")
