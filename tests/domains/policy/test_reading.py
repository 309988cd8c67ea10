"""Facts from raw bytes: what people need, within limits, without errors."""

from __future__ import annotations

import base64
import io
import tarfile
import time
import zipfile
from dataclasses import fields

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domains.policy import inside, mime
from domains.policy.facts import ArchiveEntry, Attachment, Direction, Envelope, Facts, Mailbox, Text, Uri, Where
from domains.policy.reading import READ_BYTES, facts_from_message, host_of, plain_text
from tests.domains.policy import messages
from tests.domains.policy.builders import NOW
from tests.domains.policy.messages import mail

ENVELOPE = Envelope("bob@friends.example", ("ada@example.org",), Direction.INCOMING, NOW)


def read(raw: bytes) -> Facts:
    return facts_from_message(raw, ENVELOPE)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def attached(data: bytes, name: str = "a.bin", kind: str = "application/octet-stream") -> bytes:
    head = (
        "From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\n"
        f'Content-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
    )
    return head.encode() + b"\r\n" + base64.encodebytes(data)


def test_an_ordinary_message_is_read_whole() -> None:
    facts = read(messages.FRIEND)
    assert facts.header_from == (Mailbox("Böb Friend", "bob@friends.example"),)
    assert facts.header_recipients == (Mailbox("Ada", "ada@example.org"),)
    assert facts.subject == "Mittagessen?"
    assert facts.uris == (Uri("friends.example", "https://friends.example/menu"),)
    assert facts.texts == (Text(Where.BODY, "At noon? https://friends.example/menu.\r\n"),)
    assert (facts.envelope_sender, facts.recipients, facts.received_at) == (ENVELOPE.sender, ENVELOPE.recipients, NOW)
    assert facts.size_bytes == len(messages.FRIEND)
    assert (facts.attachments, facts.bad_headers, facts.bad_encoding, facts.incomplete) == ((), (), (), ())


def test_an_attachment_has_all_its_names_and_both_its_types() -> None:
    [attachment] = read(messages.PROGRAM).attachments
    assert attachment == Attachment(
        ("invoice.exe", "invoice.pdf"), "application/x-dosexec", "application/pdf", size_bytes=8
    )


def test_html_is_looked_through_with_and_without_its_tags() -> None:
    raw = mail(
        """
        From: a@b.example
        Date: Fri, 1 May 2026 08:00:00 +0000
        Content-Type: text/html; charset=iso-8859-1
        Content-Transfer-Encoding: quoted-printable

        <p>Stra=DFe <b>4111</b>1111</p><a href=3D"http://user@Evil.example:8080/p?a=3D1&amp;b=3D2">x</a>
        """
    )
    facts = read(raw)
    assert [text.text.strip() for text in facts.texts][1] == "Straße 41111111\nx"
    assert facts.uris == (Uri("evil.example", "http://user@Evil.example:8080/p?a=1&b=2"),)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://Example.org/x", "example.org"),
        ("http://good.example@evil.example/", "evil.example"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("http://evil.example\\@good.example/", "evil.example"),
        ("www.example.org?x", "www.example.org"),
        ("https://", ""),
    ],
)
def test_the_host_of_a_link_is_where_it_leads(uri: str, host: str) -> None:
    assert host_of(uri) == host


def test_messages_in_messages_are_read_too() -> None:
    raw = mail(
        """
        From: a@b.example
        Date: Fri, 1 May 2026 08:00:00 +0000
        Content-Type: multipart/mixed; boundary="=_1"

        preamble
        --=_1
        Content-Type: message/rfc822

        Subject: inner
        Content-Type: multipart/alternative; boundary="=_1x"

        --=_1x

        plain secret
        --=_1x
        Content-Type: text/html

        <i>html</i> secret
        --=_1x--
        --=_1
        Content-Type: text/csv; name="list.csv"

        attached secret
        --=_1--
        epilogue secret
        """
    )
    found = [(text.where, text.text.strip()) for text in read(raw).texts]
    assert found == [
        (Where.BODY, "plain secret"),
        (Where.BODY, "<i>html</i> secret"),
        (Where.BODY, "html secret"),
        (Where.ATTACHMENT_TEXT, "attached secret"),
    ]


def test_archives_are_listed_without_being_unpacked() -> None:
    inner = zipped(("deep/virus.exe", b"MZ"))
    outer = zipped(("readme.txt", b"hi"), ("inner.zip", inner), method=zipfile.ZIP_STORED)
    [attachment] = read(attached(outer, "a.zip")).attachments
    assert attachment.entries == (
        ArchiveEntry("readme.txt", "text/plain", 1),
        ArchiveEntry("inner.zip", "application/zip", 1),
        ArchiveEntry("deep/virus.exe", "application/x-dosexec", 2),
    )


def test_a_tar_is_listed_with_long_names() -> None:
    long_name = "folder/" * 30 + "setup.exe"
    [attachment] = read(attached(tarred((long_name, b"MZ\x90"), ("b.pdf", b"%PDF-1.7")))).attachments
    assert [(entry.name, entry.content_type) for entry in attachment.entries] == [
        (long_name, "application/x-dosexec"),
        ("b.pdf", "application/pdf"),
    ]


def test_a_zip_behind_other_bytes_or_without_its_directory_is_listed() -> None:
    plain = zipped(("a.exe", b"x"), ("b.txt", b"y"), method=zipfile.ZIP_STORED)
    for data in (plain[: plain.index(b"PK\x01\x02")], b"PK\x03\x04" + b"\0" * 26 + plain):
        assert {"a.exe", "b.txt"} <= {entry.name for entry in inside.list_archive(data).entries}


def test_a_zip_inside_a_zip_behind_other_bytes_is_listed() -> None:
    outer = zipped(("inner.zip", zipped(("a.exe", b"x"))), method=zipfile.ZIP_STORED)
    entries = inside.list_archive(b"PK\x03\x04" + b"\0" * 26 + outer).entries
    assert [(entry.name, entry.depth) for entry in entries] == [("inner.zip", 1), ("a.exe", 2)]


def test_what_cannot_be_listed_is_named() -> None:
    assert read(attached(b"Rar!\x1a\x07\x01\x00", "a.rar")).incomplete == ("archive-unread",)
    packed = zipped(("inner.zip", zipped(("a.exe", b"x")) * 3))
    assert read(attached(packed, "a.zip")).incomplete == ("archive-inside",)
    many = zipped(*((f"{number}.txt", b"") for number in range(2100)))
    facts = read(attached(many, "a.zip"))
    assert facts.incomplete == ("archive-entries",)
    assert len(facts.attachments[0].entries) == inside.MAX_ENTRIES
    document = zipped(("[Content_Types].xml", b"x"))
    assert read(attached(document, "a.docx")).incomplete == ()


def test_an_archive_whose_files_lie_over_each_other_is_not_read_for_ever() -> None:
    big = b"PK\x03\x04" + b"\0" * 8_000_000
    # 2,000 records of a directory that all name the same big file
    single = zipped(("in.zip", big), method=zipfile.ZIP_STORED)
    start, end = single.index(b"PK\x01\x02", len(big)), single.rindex(b"PK\x05\x06")
    bomb = single[:start] + single[start:end] * 2000
    tail = bytearray(single[end:])
    tail[12:16] = ((end - start) * 2000).to_bytes(4, "little")
    started = time.perf_counter()
    listing = inside.list_archive(bomb + bytes(tail))
    assert time.perf_counter() - started < 3
    assert listing.has_more


@pytest.mark.parametrize(
    ("raw", "bad_headers"),
    [
        (messages.NO_DATE, ("missing-date",)),
        (messages.TWO_SUBJECTS, ("repeated-subject",)),
        (b"Date: 1 Jan 2026 00:00:00 +0000\r\nno colon here\r\n\r\n", ("no-colon", "missing-from")),
        (b"From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\nX: \xff\r\n\r\n", ("8bit",)),
        (b"From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\nX: \x00\r\n\r\n", ("nul",)),
        (b"From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\nX: " + b"x" * 1200 + b"\r\n\r\n", ("long-line",)),
        ("From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\nSubject: Größe\r\n\r\n".encode(), ()),
    ],
)
def test_broken_headers_are_named(raw: bytes, bad_headers: tuple[str, ...]) -> None:
    assert read(raw).bad_headers == bad_headers


@pytest.mark.parametrize(
    ("head", "body", "defects"),
    [
        ("Content-Type: text/plain; charset=utf-8", b"caf\xe9", ("charset",)),
        ("Content-Type: text/plain; charset=klingon", b"x", ("unknown-charset",)),
        ("Content-Type: text/plain; charset=punycode", b"x" * 100, ("unknown-charset",)),
        ("Content-Transfer-Encoding: base64", b"a*b", ("base64",)),
        ("Content-Transfer-Encoding: base65", b"ab", ("transfer-encoding",)),
        ("Content-Transfer-Encoding: base64", b"aGFsbG8=", ()),
        ("Content-Type: text/plain; charset=windows-1252", b"caf\xe9", ()),
    ],
)
def test_broken_encodings_are_named(head: str, body: bytes, defects: tuple[str, ...]) -> None:
    raw = f"From: a@b.example\r\nDate: 1 Jan 2026 00:00:00 +0000\r\n{head}\r\n\r\n".encode() + body
    assert read(raw).bad_encoding == defects


def test_bulk_mail_is_advertising_and_a_discussion_is_not() -> None:
    assert read(messages.NEWSLETTER).advert_signs == ("list-unsubscribe", "bulk")
    assert read(messages.DISCUSSION).advert_signs == ()


def test_addresses_that_hide_are_found() -> None:
    for value in ("a@b.example, Carla <c@d.example>", "a@b.example <c@d.example>", '"x, y" <a@b.example>, c@d.example'):
        found = {mailbox.address for mailbox in read(f"From: {value}\r\n\r\n".encode()).header_from}
        assert {"a@b.example", "c@d.example"} & found


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?= =?utf-8?b?IQ==?=", "Größe!"),
        ("a =?iso-8859-1*de?q?=DF_x?= b", "a ß x b"),
        ("=?klingon?q?x?= =?", "x =?"),
        ("plain", "plain"),
    ],
)
def test_encoded_words_are_decoded(value: str, text: str) -> None:
    assert mime.decode_words(value) == text


def test_tags_go_and_words_stay() -> None:
    assert plain_text("a<br>b &lt; <i>c</i> <<x") == "a\nb < c <<x"


HOSTILE = {
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "endless header": b"From: " + b"(" * 1_000_000,
    "many headers": b"From: a@b.example\n" * 200_000,
    "parameters": b"Content-Type: text/plain; " + b'a="' + b";" * 1_000_000,
    "encoded words": b"Subject: " + b"=?a?q?" * 300_000,
    "tags": b"Content-Type: text/html\n\n" + b"<" * 2_000_000,
    "links": b"\n" + b"http://" * 300_000,
    "boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\n--bx" * 500_000,
    "addresses": b"From: " + b"<" * 100_000 + b"@" * 100_000,
    "folded": b"From: a" + b"\n " * 500_000,
    "entities": b"Content-Type: text/html\n\n" + b"&#x" * 600_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_take_time_in_proportion_and_bounded_room(name: str) -> None:
    raw = HOSTILE[name]
    started = time.perf_counter()
    facts = read(raw)
    # Linear reading takes some tenths of a second here; anything quadratic minutes.
    assert time.perf_counter() - started < 10
    assert facts.size_bytes == len(raw)
    assert len(facts.attachments) + len(facts.texts) <= 3 * mime.MAX_PARTS


def test_what_is_beyond_the_limits_is_named() -> None:
    assert "depth" in read(HOSTILE["nested"]).incomplete
    assert "parts" in read(HOSTILE["many parts"]).incomplete
    assert "size" in read(b"\n" + b"x" * READ_BYTES).incomplete
    assert "text" in read(b"\n" + b"x" * 1_500_000).incomplete
    assert "uris" in read(b"\n" + b"".join(b"http://h%d.example " % n for n in range(1500))).incomplete


PIECES = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        b"\n\n",
        b"--b",
        b"--b--",
        b"From: ",
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"\xff",
        b"\0",
    ]
)
MORE = st.sampled_from(
    [
        b"Content-Type: text/html; charset=utf-16\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''a; filename*1=b\n",
        b"Content-Disposition: attachment; filename*=klingon''%ff\n",
        b"Content-Type: message/rfc822\n",
        b"=?utf-8?b?/w==?=",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"UEsDBA==",
        b"http://[x",
        b"(((",
        b'"',
        b"a@b.example",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(st.one_of(PIECES, MORE, st.binary(max_size=4))).map(b"".join)))
@example(b"")
@example(b"Content-Type: text/plain; charset*=x'y\n\n")
@example(b"Content-Type: ; name*=1\n\n")
def test_any_bytes_give_facts(raw: bytes) -> None:
    facts = read(raw)
    assert {field.name for field in fields(facts)}
    assert facts.size_bytes == len(raw)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damaged_archives_are_listed_as_far_as_they_go(noise: bytes, place: int, value: int) -> None:
    for whole in (
        zipped(("a.exe", b"x"), ("b.zip", zipped(("c", b"d"))), method=zipfile.ZIP_STORED),
        tarred(("a", b"b")),
    ):
        data = bytearray(whole + noise)
        data[place % len(data)] = value
        inside.list_archive(bytes(data))
        inside.list_archive(bytes(data[:place]))
