"""The message page's view of a message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.mail.reading import MAX_LISTED_PARTS, PartNotFound, inline_images, part_bytes, read_message
from tests.archive.mail.mails import b64, deep, mail, multipart, part, traps

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 20


def notes(raw: bytes) -> set[str]:
    return {note.code for note in read_message(raw).notes}


def test_headers_stand_in_order_and_decoded() -> None:
    raw = b"Received: one\nReceived: two\nX-Odd-Name: =?utf-8?q?=C3=A4?=\nFrom: a@b\nDate: 1 Feb 2004 10:00 +0000\n\nx"
    assert read_message(raw).headers[:3] == [("Received", "one"), ("Received", "two"), ("X-Odd-Name", "ä")]
    assert notes(raw) == set()


def test_no_control_or_direction_characters_survive_in_headers() -> None:
    raw = mail(
        "", Subject="=?utf-8?q?a=0D=0ASet-Cookie:_x=00=E2=80=AEgpj.exe?=", From="=?utf-8?q?A=0A=E2=80=AE?= <a@b>"
    )
    reading = read_message(raw)
    for text in (reading.subject, reading.from_[0].name, *(value for _, value in reading.headers)):
        assert text.isprintable()
        assert "\u202e" not in text


def test_the_best_of_two_alternatives_in_both_forms() -> None:
    raw = multipart("alternative", part("plain"), part("<p>rich</p>", "text/html"))
    reading = read_message(raw)
    assert reading.text == "plain"
    assert reading.html == "<p>rich</p>"
    assert reading.parts == []


def test_html_alone_has_a_text_form_too() -> None:
    reading = read_message(mail("<p>Hi <b>there</b></p><p>you", Content_Type="text/html"))
    assert reading.text == "Hi there\nyou"


def test_texts_around_an_attachment_are_shown_together() -> None:
    raw = multipart("mixed", part("first"), part(b64(b"x"), "application/pdf; name=a.pdf"), part("last"))
    reading = read_message(raw)
    assert reading.text == "first\n\nlast"
    assert reading.html is None
    assert [(one.name, one.content_type, one.inline) for one in reading.parts] == [("a.pdf", "application/pdf", False)]


def test_a_plain_text_beside_html_is_escaped() -> None:
    raw = multipart("mixed", part("<p>one</p>", "text/html"), part("two <script>"))
    html = read_message(raw).html
    assert html is not None
    assert "two &lt;script&gt;" in html


def test_inline_images_of_the_html() -> None:
    logo = part(b64(PNG), "image/png", Content_ID="<logo@x>", Content_Transfer_Encoding="base64")
    fake = part(b64(b"<svg onload=x>"), "image/png", Content_ID="<fake>", Content_Transfer_Encoding="base64")
    raw = multipart("related", part("<img src=cid:logo%40x><img src=cid:fake>", "text/html"), logo, fake)
    reading = read_message(raw)
    assert [(one.content_id, one.inline, one.size_bytes) for one in reading.parts] == [
        ("logo@x", True, len(PNG)),
        ("fake", False, 14),
    ]
    found = inline_images(raw)
    assert set(found) == {"logo@x"}
    assert found["logo@x"].startswith("data:image/png;base64,")
    assert inline_images(raw, limit=10) == {}


def test_a_document_with_a_content_id_is_listed_all_the_same() -> None:
    pdf = part(b64(b"%PDF-1.4"), "application/pdf; name=a.pdf", Content_ID="<a>", Content_Disposition="inline")
    raw = multipart("mixed", part("<p>see", "text/html"), pdf)
    assert [(one.name, one.inline) for one in read_message(raw).parts] == [("a.pdf", False)]


def test_a_forwarded_message_is_shown_and_can_be_had_whole() -> None:
    inner = mail("inner text", Subject="inner subject", From="a@b")
    raw = multipart("mixed", part("see below"), part(inner, "message/rfc822"))
    reading = read_message(raw)
    assert reading.text is not None
    for piece in ("see below", "inner subject", "inner text"):
        assert piece in reading.text
    assert [(one.name, one.content_type) for one in reading.parts] == [("inner subject.eml", "message/rfc822")]
    assert part_bytes(raw, reading.parts[0].index) == inner


def test_part_numbers_depend_on_the_bytes_alone() -> None:
    raw = multipart("mixed", part("a"), part("b", "image/gif"), part("c", "image/gif; name=c.gif"))
    reading = read_message(raw)
    assert [one.index for one in reading.parts] == [1, 2]
    assert [part_bytes(raw, one.index) for one in reading.parts] == [b"b", b"c"]
    assert part_bytes(raw, 0) == b"a"
    for index in (3, -1, 10**9):
        with pytest.raises(PartNotFound):
            part_bytes(raw, index)


@pytest.mark.parametrize(
    ("data", "encoding", "plain"),
    [
        (b64(b"binary\0data" * 9), "base64", b"binary\0data" * 9),
        (b"YWJj", "BASE64 ", b"abc"),
        (b"YWJ", "base64", b"ab"),
        (b"YWJjZ", "base64", b"abc"),
        (b"Y!W\0Jj\n--\n", "base64", b"abc"),
        (b"YWJj\n\nFooter of a list, not base64 at all: " + b"x y z " * 20, "base64", None),
        (b64(b"a" * 55 + b"=") + b64(b"b" * 100), "base64", b"a" * 55 + b"=" + b"b" * 100),
        (b"a=3Db=\nc=ZZ", "quoted-printable", b"a=bc=ZZ"),
        (b"begin 644 x.txt\n#86)C\n`\nend\n", "x-uuencode", b"abc"),
        (b"as it is", "binary", b"as it is"),
        (b"as it is", "nonsense", b"as it is"),
    ],
)
def test_transfer_encodings(data: bytes, encoding: str, plain: bytes | None) -> None:
    raw = multipart("mixed", part(data, "application/x-any", Content_Transfer_Encoding=encoding))
    index = read_message(raw).parts[0].index
    if plain is None:
        assert part_bytes(raw, index).startswith(b"abc")
    else:
        assert part_bytes(raw, index) == plain


def test_names_of_parts_are_safe_and_never_empty() -> None:
    raw = multipart(
        "mixed",
        part("x", "image/png", Content_Disposition='attachment; filename="../../x\\..\\evil.png"'),
        part("x", "application/pdf"),
        part("x", "application/x-foo"),
    )
    assert [one.name for one in read_message(raw).parts] == ["evil.png", "part-1.pdf", "part-2.bin"]


def test_flowed_text_is_joined() -> None:
    raw = mail("one \ntwo\n> quoted \n> on\n-- \nsig", Content_Type="text/plain; format=flowed")
    assert read_message(raw).text == "one two\n> quoted on\n-- \nsig"


def test_what_is_odd_is_noted() -> None:
    assert "no-date" in notes(mail("x", From="a@b"))
    assert "bad-date" in notes(mail("x", From="a@b", Date="1 Jan 2036 00:00:00 +0000"))
    assert "no-from" in notes(mail("x", Subject="y"))
    assert "many-from" in notes(b"From: a@b\nFrom: c@d\n\nx")
    assert "no-headers" in notes(b"just text here\n")
    assert "charset" in notes(mail("x", Content_Type="text/plain; charset=nope"))
    assert "encoding" in notes(mail("x", Content_Transfer_Encoding="nope"))
    assert "boundary" in notes(mail("x", Content_Type="multipart/mixed"))
    assert "too-deep" in notes(deep(500))
    assert "header-cut" in notes(mail("x", Subject="y" * 1_000_000))
    assert str(next(iter(read_message(mail("x", Content_Type="text/plain; charset=nope")).notes))) != ""


def test_a_multipart_that_cannot_be_told_apart_is_shown_as_source() -> None:
    assert read_message(mail("some text", Content_Type="multipart/mixed; boundary=x")).text == "some text"


def test_of_many_parts_the_first_thousand_are_listed() -> None:
    raw = multipart("mixed", *[part("x", "image/png")] * 1500)
    reading = read_message(raw)
    assert len(reading.parts) == MAX_LISTED_PARTS
    assert "too-many" in {note.code for note in reading.notes}


def test_the_first_bytes_of_a_huge_message_can_be_read() -> None:
    whole = multipart("mixed", part("the text"), part(b64(b"x" * 100_000), "image/png; name=x.png"))
    reading = read_message(whole[:5000], size=len(whole))
    assert reading.text == "the text"
    assert reading.parts[0].name == "x.png"
    assert "cut" in {note.code for note in reading.notes}


@pytest.mark.parametrize("name", sorted(traps(1)))
def test_a_trap_is_read(name: str) -> None:
    reading = read_message(traps(20_000)[name])
    assert len(reading.parts) <= MAX_LISTED_PARTS


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    reading = read_message(raw)
    for one in reading.parts:
        assert len(part_bytes(raw, one.index)) == one.size_bytes
    inline_images(raw)
