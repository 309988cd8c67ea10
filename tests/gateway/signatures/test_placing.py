"""A signature is put where a person would put it, once, and nothing else of the message changes."""

from __future__ import annotations

import base64
import quopri
from email import message_from_bytes
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.signatures import pages
from gateway.signatures import texts as plain_texts
from gateway.signatures.block import Block
from gateway.signatures.fitness import Why
from gateway.signatures.placing import place
from tests.gateway.signatures.mails import (
    BLOCK,
    HTML_REPLIES,
    PICTURE,
    TEXT_REPLIES,
    WITH_PICTURE,
    alternative,
    leaves,
    payload,
    plain,
    texts,
)


@pytest.mark.parametrize("program", HTML_REPLIES)
def test_in_a_reply_it_stands_between_what_was_written_and_what_is_quoted(program: str) -> None:
    own, quoted = HTML_REPLIES[program]
    spot = pages.spot_in(own + quoted)
    assert (own + quoted)[: spot.at] == own
    assert spot.is_above


@pytest.mark.parametrize("language", TEXT_REPLIES)
def test_the_same_in_text(language: str) -> None:
    own, quoted = TEXT_REPLIES[language]
    for newline in ("\n", "\r\n"):
        whole = (own + quoted).replace("\n", newline)
        spot = plain_texts.spot_in(whole)
        assert whole[spot.at :] == quoted.replace("\n", newline)
        assert spot.is_above


@pytest.mark.parametrize(
    "text",
    [
        "Hello Bob,\n\nOn Monday I wrote:\nsomething nice.\n\nAda\n",
        "> Lunch?\n\nYes, at noon.\n",
        "Bob wrote:\n> Lunch?\nYes.\n> When?\nAt noon.\n",
        "From: here to there.\nWe go by train.\n",
        "A list:\n-- one\n-- two\n",
        "",
    ],
)
def test_without_a_quotation_at_the_end_it_stands_at_the_end(text: str) -> None:
    assert plain_texts.spot_in(text) == plain_texts.Spot(len(text), False)


@pytest.mark.parametrize(
    "html",
    [
        "<html><body><p>Hello</p></body></html>",
        "<p>Hello</p><blockquote>An indented thought</blockquote>",
        '<blockquote type="cite">Lunch?</blockquote><p>At noon.</p>',
        "<p>From: here<br>to there</p>",
        '<div class="gmail_quote"><blockquote class="gmail_quote">Lunch?</blockquote><div>At noon.</div></div>',
        "<table><tr><td>a</td></tr></table>",
        "",
    ],
)
def test_the_same_in_html(html: str) -> None:
    spot = pages.spot_in(html)
    assert not spot.is_above
    assert html[spot.at :] in ("", "</body></html>")


def test_it_never_stands_between_the_cells_of_a_table() -> None:
    html = "<p>Hi</p><table><blockquote type=cite>x</blockquote><tr><td>y</td></tr></table>"
    assert html[: pages.spot_in(html).at] in ("<p>Hi</p>", html)


@pytest.mark.parametrize("program", HTML_REPLIES)
@pytest.mark.parametrize("files", [0, 2])
def test_both_parts_get_it_and_attachments_stay_as_they_are(program: str, files: int) -> None:
    own, quoted = HTML_REPLIES[program]
    raw = alternative("Thank you!\n\nOn 30.11.2026 Bob wrote:\n> Lunch?\n", own + quoted, files=files)
    placed = place(raw, [WITH_PICTURE])
    assert placed.added == ("With logo",)
    assert placed.why is None
    found = texts(placed.raw)
    assert found["plain"].startswith("Thank you!\n\nAda Lovelace\nChief Engineer\nTel. 0123 456 789\n\nOn 30.11")
    assert found["html"].index("Ada Lovelace") < found["html"].index("?")
    assert [leaf for leaf in leaves(placed.raw) if leaf[0] == "application/pdf"] == [
        leaf for leaf in leaves(raw) if leaf[0] == "application/pdf"
    ]
    assert (PICTURE.content_type, PICTURE.data) in leaves(placed.raw)
    assert b"multipart/related" in placed.raw


def test_a_thread_gets_it_once_whatever_programs_make_of_it() -> None:
    signed = texts(place(alternative("Hello\n", "<p>Hello</p>"), [BLOCK]).raw)
    quoted = "\n".join(f"> {line}" for line in signed["plain"].splitlines())
    by_text = plain(f"Yes\n\nBob wrote:\n{quoted}\n\nMore\n")
    by_mark = alternative("Yes\n", f'<p>Yes</p><div class="m_9postkeep {BLOCK.mark}">Somebody</div>')
    rewritten = (
        '<p class="MsoNormal"><b><span>Ada Lovelace</span></b></p><p>Chief&nbsp;Engineer</p><p>Tel. 0123 456 789</p>'
    )
    by_words = alternative("Yes\n", f"<p>Yes</p><blockquote>{rewritten}</blockquote>")
    wrapped = plain("Yes\n\n>> Ada\n>> Lovelace Chief Engineer Tel.\n>> 0123 456 789\n")
    linked = Block(
        "0" * 16,
        "L",
        '<p><a href="https://example.org">www.example.org</a> Ada, of course</p>',
        "www.example.org Ada, of course",
    )
    outlook = plain("Yes\n\nwww.example.org<https://example.org/> Ada, of course\n")
    for raw, block in ((by_text, BLOCK), (by_mark, BLOCK), (by_words, BLOCK), (wrapped, BLOCK), (outlook, linked)):
        placed = place(raw, [block])
        assert placed.raw == raw
        assert placed.why is Why.THERE
    other = Block(
        "1" * 16, "Notice", "<p>This message is confidential, please.</p>", "This message is confidential, please."
    )
    both = place(by_text, [BLOCK, other])
    assert (both.added, both.there, both.why) == (("Notice",), ("House style",), Why.THERE)


def test_a_name_alone_is_not_taken_for_the_signature() -> None:
    short = Block("2" * 16, "Short", "<p>Ada</p>", "Ada")
    assert place(plain("Ada told me so.\n"), [short]).added == ("Short",)


MIME = "MIME-Version: 1.0\r\nFrom: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n"


def multipart(kind: str, *parts: str) -> bytes:
    pieces = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f"{MIME}Content-Type: multipart/{kind}; boundary=b\r\n\r\n{pieces}--b--\r\n".encode()


TEXT = "Content-Type: text/plain\r\n\r\nHello\r\n"


def single(kind: str, body: str, encoding: str = "7bit") -> bytes:
    return f"{MIME}Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}".encode()


ARMOURED = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n-----BEGIN PGP SIGNATURE-----\n"
INVITATION = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (multipart('signed; protocol="application/pkcs7-signature"', TEXT), Why.SIGNED),
        (multipart('signed; protocol="application/pgp-signature"', TEXT), Why.SIGNED),
        (multipart("encrypted", "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1"), Why.ENCRYPTED),
        (multipart("mixed", multipart("signed", TEXT).decode()), Why.SIGNED),
        (single("application/pkcs7-mime; smime-type=enveloped-data", "MII=", "base64"), Why.ENCRYPTED),
        (single("application/x-pkcs7-mime; smime-type=signed-data", "MII=", "base64"), Why.SIGNED),
        (plain(ARMOURED), Why.SIGNED),
        (plain("-----BEGIN PGP MESSAGE-----\n\nhQ==\n", cte="base64"), Why.ENCRYPTED),
        (multipart("alternative", TEXT, INVITATION), Why.CALENDAR),
        (multipart("report; report-type=delivery-status", TEXT), Why.REPORT),
        (plain("I am away\n", headers={"Auto-Submitted": "auto-replied"}), Why.AUTOMATIC),
        (plain("I am away\n", headers={"Precedence": "auto_reply"}), Why.AUTOMATIC),
        (plain("Hello\n", headers={"Resent-From": "ada@example.org"}), Why.RESENT),
        (multipart("mixed", "Content-Type: application/pdf\r\n\r\nx"), Why.NO_TEXT),
        (single("text/plain", "!!!!", "base64"), Why.ENCODING),
        (single("text/plain", "begin 644 x\r\n", "x-uuencode"), Why.ENCODING),
        (single("text/plain; charset=x-nobody", "", "8bit") + b"\xff\xfe\xfd", Why.CHARSET),
    ],
)
def test_what_is_signed_encrypted_or_not_written_by_a_person_is_left_alone(raw: bytes, why: Why) -> None:
    placed = place(raw, [WITH_PICTURE])
    assert placed.raw == raw
    assert (placed.added, placed.why) == ((), why)


def test_an_attached_calendar_or_text_file_is_an_attachment() -> None:
    raw = multipart(
        "mixed",
        TEXT,
        "Content-Type: text/calendar\r\nContent-Disposition: attachment; filename=a.ics\r\n\r\nBEGIN:VCALENDAR",
        "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nNotes",
    )
    placed = place(raw, [BLOCK])
    assert placed.added
    assert placed.raw.count(b"Ada Lovelace") == 1
    assert placed.raw.index(b"Ada Lovelace") < placed.raw.index(b"BEGIN:VCALENDAR")


GREEK = Block("3" * 16, "Greek", "<p>Ἀθηνᾶ – Ευχαριστώ πολύ</p>", "Ἀθηνᾶ – Ευχαριστώ πολύ")


@pytest.mark.parametrize(
    "charset", ["us-ascii", "iso-8859-1", "windows-1252", "utf-8", "koi8-r", "iso-2022-jp", "gb18030", "utf-16"]
)
@pytest.mark.parametrize("cte", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("block", [BLOCK, GREEK], ids=["ascii", "greek"])
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_every_charset_and_encoding_carries_it(charset: str, cte: str, block: Block, kind: str) -> None:
    words = {"iso-8859-1": "Grüße", "windows-1252": "„Grüße“", "utf-8": "Grüße ☂", "koi8-r": "привет",
             "iso-2022-jp": "こんにちは", "gb18030": "你好", "utf-16": "Grüße"}.get(charset, "Hello")  # fmt: skip
    text = f"{words}\r\nOn 1.1.2026 Bob wrote:\r\n> {words}\r\n" if kind == "plain" else f"<p>{words}</p>"
    data = text.encode(charset)
    if cte == "7bit" and not data.isascii():
        return
    if charset == "utf-16" and cte != "base64":
        return
    encoded = {"base64": base64.encodebytes, "quoted-printable": _quoted}.get(cte, bytes)(data)
    head = f"{MIME}Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {cte}\r\n\r\n".encode()
    placed = place(head + encoded, [block])
    assert placed.why is None
    found = texts(placed.raw)[kind]
    wanted = block.text if kind == "plain" else _referenced(block.html)
    assert wanted in found
    assert found.replace(_piece(placed, kind), "", 1) == text.replace("\r\n", "\n")
    if cte == "7bit" or "Content-Transfer-Encoding: 7bit" in placed.raw.decode("latin-1"):
        assert placed.raw.isascii()


def _quoted(data: bytes) -> bytes:
    return quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


def _referenced(html: str) -> str:
    return html.encode("ascii", "xmlcharrefreplace").decode()


def _piece(placed: Any, kind: str) -> str:
    piece: str = placed.insertions[0].piece.replace("\r\n", "\n")
    return _referenced(piece) if kind == "html" else piece


def test_flowed_text_doesnt_flow_into_it() -> None:
    raw = (f"{MIME}Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nA long line that \r\n").encode()
    block = Block("4" * 16, "F", "<p>x</p>", "From Ada Lovelace, engineer\n> quoted by habit")
    assert place(raw, [block]).raw.endswith(
        b"A long line that \r\n\r\n-- \r\n From Ada Lovelace, engineer\r\n > quoted by habit\r\n"
    )


def test_the_bytes_around_it_are_those_that_came_in() -> None:
    body = b"Gr=C3=BC=C3=9Fe, a very long line that somebody's program has broken softly, so=\r\n it goes on\r\n"
    coded = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    head = f"{MIME}X-Odd:   kept \t as it is\r\n{coded}".encode()
    placed = place(head + body, [BLOCK]).raw
    assert placed.startswith(head + body)
    unheard = (
        f"{MIME}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
        + b"\xff\xfe odd\r\n"
    )
    assert place(unheard, [BLOCK]).raw.startswith(unheard)


def test_a_message_without_mime_becomes_utf_8_when_it_has_to() -> None:
    placed = place(b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n", [GREEK]).raw
    assert b"MIME-Version: 1.0\r\n" in placed
    assert GREEK.text in texts(placed)["plain"]
    assert place(b"From: a@example.org\r\n\r\nHello\r\n", [BLOCK]).raw.startswith(
        b"From: a@example.org\r\n\r\nHello\r\n"
    )


def test_pictures_join_those_that_are_there() -> None:
    raw = multipart(
        'related; type="text/html"',
        'Content-Type: text/html\r\n\r\n<p>Hi <img src="cid:own"></p>',
        "Content-Type: image/gif\r\nContent-ID: <own>\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG",
    )
    placed = place(raw, [WITH_PICTURE]).raw
    assert placed.count(b"multipart/related") == 1
    assert {kind for kind, _data in leaves(placed)} == {"text/html", "image/gif", "image/png"}
    assert (PICTURE.content_type, PICTURE.data) in leaves(placed)


def test_apple_mail_gets_it_after_its_last_piece_of_text() -> None:
    html = "Content-Type: text/html\r\n\r\n<html><body>{}</body></html>"
    mixed = multipart(
        "mixed", html.format("First"), "Content-Type: application/pdf; name=a.pdf\r\n\r\nx", html.format("Second")
    )
    raw = multipart(
        "alternative", TEXT, mixed.decode().removeprefix(MIME).replace("boundary=b", "boundary=c").replace("--b", "--c")
    )
    placed = place(raw, [BLOCK]).raw
    assert placed.count(b"Chief Engineer") == 2
    assert placed.index(b"Second") < placed.rindex(b"Chief Engineer")


def test_a_picture_alone_is_nothing_that_text_could_say() -> None:
    banner = Block("6" * 16, "Banner", '<img src="https://example.org/banner.png">', "")
    assert place(plain("Hello\n"), [banner]).why is Why.NO_TEXT
    raw = alternative("Hello\n", "<p>Hello</p>")
    placed = place(raw, [banner, BLOCK])
    assert texts(placed.raw)["plain"] == f"Hello\n\n-- \n{BLOCK.text}\n"
    assert "banner.png" in texts(placed.raw)["html"]


def test_long_html_keeps_lines_that_smtp_allows() -> None:
    block = Block("5" * 16, "Long", "<table>" + "<tr><td>cell</td></tr>" * 400 + "</table>", "cell " * 20)
    placed = place(alternative("Hello\n", "<p>Hello</p>"), [block]).raw
    assert max(map(len, placed.split(b"\r\n"))) <= 998


@given(st.binary(max_size=2000))
@settings(max_examples=150, deadline=None)
def test_garbage_goes_out_as_it_came_in_or_signed_but_never_fails(raw: bytes) -> None:
    placed = place(raw, [WITH_PICTURE])
    assert (placed.raw == raw) == (not placed.added)


PIECES = st.sampled_from(
    [
        "Hello", "> quoted", "On 1.1.2026 Bob wrote:", "", "From: Bob", "Sent: now", "To: Ada", "-- ", " ", "Grüße ☂",
        "\t", "-----Original Message-----", "________________", "=", "a=20b", ".", "From here", "Le 3 mai, B a écrit :",
        "x" * 200,
    ]
)  # fmt: skip
TAGS = st.sampled_from(
    [
        "<p>", "</p>", "<div>", "</div>", "<br>", "<blockquote type=cite>", "</blockquote>", "<table>", "<tr>", "<td>",
        "</table>", "<!-- x -->", "<style>a{}</style>", "text", "&nbsp;", "On 1.1. B wrote:",
        '<div class="gmail_quote">',
        "<b", '"', "</body>", "<div id=divRplyFwdMsg>", "ü", "<img src=x>", "From: a", "To: b", "Date: c", "\r\n",
    ]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=12),
    st.lists(TAGS, max_size=20),
    st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_taking_out_what_was_put_in_gives_the_text_that_was_there(
    lines: list[str], tags: list[str], cte: str, with_html: bool
) -> None:
    text, html = "\r\n".join(lines) + "\r\n", "".join(tags)
    parts = {"plain": text} | ({"html": html} if with_html else {})
    if cte == "7bit":
        parts = {kind: each.encode("ascii", "replace").decode() for kind, each in parts.items()}
    encode = {"base64": base64.encodebytes, "quoted-printable": _quoted}.get(cte, bytes)
    pieces = [
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {cte}\r\n\r\n".encode()
        + encode(each.encode())
        for kind, each in parts.items()
    ]
    raw = f"{MIME}Content-Type: multipart/alternative; boundary=qq\r\n\r\n".encode()
    raw += b"".join(b"--qq\r\n" + piece + b"\r\n" for piece in pieces) + b"--qq--\r\n"
    placed = place(raw, [WITH_PICTURE])
    before, after = _read(raw), _read(placed.raw)
    if not placed.added:
        assert placed.raw == raw
        return
    assert len(placed.insertions) == len(parts)
    for insertion in placed.insertions:
        kind = "html" if insertion.is_html else "plain"
        piece = _referenced(insertion.piece) if insertion.is_html else insertion.piece
        cut = after[kind][: insertion.at] + after[kind][insertion.at + len(piece) :]
        assert after[kind][insertion.at : insertion.at + len(piece)] == piece
        assert cut == before[kind]
    assert place(placed.raw, [WITH_PICTURE]).raw == placed.raw


def _read(raw: bytes) -> dict[str, str]:
    return {
        part.get_content_subtype(): payload(part).decode()
        for part in message_from_bytes(raw).walk()
        if part.get_content_maintype() == "text"
    }


def test_lines_that_look_like_introductions_are_read_once_each() -> None:
    text = "On 1 abcde wrote:\n" * 20_000 + ">x\n"
    assert plain_texts.spot_in(text).is_above
    unmarked = plain_texts.spot_in("Mine\n\nOn 1 abcde wrote:\nTheirs\n")
    assert (unmarked.at, unmarked.is_above) == (6, True)
