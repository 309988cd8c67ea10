"""Notices to senders: what programs and people read in them; nothing of a stranger's gets a line of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from django.utils import translation

from gateway.bounces.report import Action, Original, Told, as_bytes, build

AT = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
HEADER = b"Subject: hello\r\nTo: bob@example.net\r\nX: \xc3\xbc\r\n"


def made(action: Action = Action.FAILED, *told: Told, **original: str) -> EmailMessage:
    of = Original(**{"key": "k1", "received_at": AT, "header": HEADER, "subject": "hello"} | original)  # type: ignore[arg-type]
    usual = Told("bob@example.net", "5.1.1", "550 5.1.1 no such mailbox", host="mx.example.net", is_remote=True)
    rows = told or (usual,)
    report = build(action, of, rows, to="ada@example.org", reporter="mx.example.org", domain="mx.example.org", at=AT)
    read = message_from_bytes(as_bytes(report), policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert not next(iter(read.walk())).defects
    return read


def fields(report: EmailMessage) -> list[dict[str, str]]:
    part = next(part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    blocks = part.get_payload()
    assert isinstance(blocks, list)
    return [dict(block.items()) for block in blocks if isinstance(block, Message) and block.items()]


def test_a_notice_has_the_three_parts_and_the_codes() -> None:
    report = made(message_id="<one@example.org>", envelope_id="QQ+3D1")
    kinds = [part.get_content_type() for part in report.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["References"] == "<one@example.org>"
    whole, bob = fields(report)
    assert whole["Reporting-MTA"] == "dns; mx.example.org"
    assert whole["Original-Envelope-Id"] == "QQ=1"
    assert (bob["Final-Recipient"], bob["Action"], bob["Status"]) == ("rfc822; bob@example.net", "failed", "5.1.1")
    assert bob["Diagnostic-Code"] == "smtp; 550 5.1.1 no such mailbox"
    assert "Subject: hello" in list(report.iter_parts())[2].get_content()


def test_a_delay_says_until_when_and_a_success_that_it_was_handed_on() -> None:
    [_, bob] = fields(made(Action.DELAYED, Told("bob@example.net", "4.4.1", "no answer", until=AT)))
    assert bob["Will-Retry-Until"] == "Sun, 29 Nov 2026 12:00:00 +0000"
    assert fields(made(Action.RELAYED, Told("bob@example.net", "2.0.0", "ok", original="rfc822;b+40x")))[1] == {
        "Original-Recipient": "rfc822; b@x", "Final-Recipient": "rfc822; bob@example.net", "Action": "relayed",
        "Status": "2.0.0", "Diagnostic-Code": "x-postkeep; ok",
    }  # fmt: skip


def test_what_strangers_said_stays_in_its_line() -> None:
    nasty = "no\r\nSubject: forged\r\n\r\n--k1/"
    report = made(
        Action.FAILED,
        Told("bürger@example.net", "x", nasty, host="a\r\nb", is_remote=True, original="rfc822;a+0D+0Ab"),
        subject=nasty,
        message_id="<a\r\nBcc: x>",
    )
    assert report["Bcc"] is None
    assert report["Subject"].startswith("Not delivered: no Subject: forged")
    assert len(list(report.iter_parts())) == 3
    assert fields(report)[1] == {
        "Original-Recipient": "rfc822; a b", "Final-Recipient": "utf-8; b\\x{FC}rger@example.net", "Action": "failed",
        "Status": "5.0.0", "Remote-MTA": "dns; a b", "Diagnostic-Code": "smtp; no Subject: forged --k1/",
    }  # fmt: skip


def test_people_read_it_in_their_language() -> None:
    with translation.override("de"):
        text = next(iter(made().iter_parts())).get_content()
    assert "mx.example.net" in text
    assert "550 5.1.1 no such mailbox" in text
