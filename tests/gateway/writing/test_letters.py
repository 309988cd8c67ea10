"""A letter as bytes: what stands in its header, and what must not get there."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.outgoing.letters import BadLetter, File, Letter, Person, as_bytes, needs_utf8

AT = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
ADA, BOB = Person("ada@example.org", "Ada Ökafor"), Person("bob@example.net", "Bob, the Builder")


def made(**values: Any) -> email.message.EmailMessage:
    raw = as_bytes(Letter(**{"author": ADA, "to": (BOB,), "subject": "Hi", **values}), message_id="<1@x>", at=AT)
    assert raw.count(b"\n") == raw.count(b"\r\n")
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found


def test_an_answer_stands_in_its_thread_and_keeps_names_whole() -> None:
    thread = tuple(f"<{n}@y>" for n in range(50))
    mail = made(answers="<last@y>", thread=thread, subject="Re:  Grüße\r\nBcc: evil@evil.example", wants_receipt=True)
    assert mail["From"] == "Ada Ökafor <ada@example.org>" and mail["To"].addresses[0].display_name == "Bob, the Builder"
    assert mail["Subject"] == "Re: Grüße Bcc: evil@evil.example" and mail["Bcc"] is None
    ids = mail["References"].split()
    assert mail["In-Reply-To"] == "<last@y>" and ids[0] == "<0@y>" and ids[-1] == "<last@y>" and len(ids) == 30
    assert mail["Disposition-Notification-To"] == "ada@example.org"


def test_text_html_and_files_are_there_and_nothing_is_lost() -> None:
    data = bytes(range(256)) * 100
    mail = made(text="Zeile\r\n.\r\nÄ", html="<p>Ä</p>", files=(File("plän.pdf", "application/pdf", data),))
    body, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None and page is not None
    assert body.get_content().split() == ["Zeile", ".", "Ä"] and page.get_content().strip() == "<p>Ä</p>"
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == ("plän.pdf", "application/pdf", data)


def test_addresses_beyond_ascii_need_their_extension_and_nonsense_is_refused() -> None:
    wide = Letter(ADA, (Person("käthe@example.net"),), text="x")
    assert needs_utf8(wide) and "käthe@example.net".encode() in as_bytes(wide, message_id="<1@x>", at=AT)
    with pytest.raises(BadLetter):
        as_bytes(Letter(ADA, (Person("nobody"),)), message_id="<1@x>", at=AT)


def test_a_long_name_makes_no_second_author() -> None:
    name = "Ceo <ceo@example.org>, Ada Lovelace of the Analytical Engines Department of Example Limited in London"
    for each in (name, name.replace("Ada", "Ädä"), 'B "o" b\\', "a@b, c@d", "=?utf-8?q?x?= <y@z>", "x" * 900):
        mail = made(author=Person("ada@example.org", each), to=(Person("bob@example.net", each), ADA))
        assert [address.addr_spec for address in mail["From"].addresses] == ["ada@example.org"]
        assert [address.addr_spec for address in mail["To"].addresses] == ["bob@example.net", "ada@example.org"]
    assert made(author=Person("ada@example.org", name))["From"].addresses[0].display_name == name


def test_a_long_message_id_stays_what_it_is() -> None:
    long = f"<{'A' * 120}@eurprd04.prod.outlook.example>"
    raw = as_bytes(Letter(ADA, (BOB,), answers=long, thread=("<1@y>", "<bad id@y>")), message_id="<1@x>", at=AT)
    assert f"In-Reply-To: {long}\r\n".encode() in raw
    assert f"References: <1@y>\r\n {long}\r\n".encode() in raw
    odd = as_bytes(Letter(ADA, (BOB,), answers="<x\r\nBcc: eve@evil.example@y>"), message_id="<1@x>", at=AT)
    assert b"Bcc" not in odd and b"In-Reply-To" not in odd
