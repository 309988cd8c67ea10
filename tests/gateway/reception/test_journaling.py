"""Journal reports by SMTP: into the archives of those they name, from the servers that may, before the 250."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from accounts.actors import Actor
from domains.errors import Invalid
from domains.services.aliases import add_alias
from gateway import content, intake
from gateway.flow import Answer, Asked, Sending
from gateway.models import Content, Kept, Message, QueueItem, Recipient
from gateway.reception.host import Reception
from gateway.services.routes import create_route, where_would_it_go
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.flows import CLIENT, RAW, incoming

pytestmark = pytest.mark.django_db(transaction=True)

JOURNAL = "journal@archive.example"
SYSTEM = Actor.system()


def report_of(*lines: str, inner: bytes = RAW) -> bytes:
    """As Exchange writes it."""
    report = MIMEMultipart("mixed")
    report["From"] = "MicrosoftExchange@outlook.example"
    report["To"] = JOURNAL
    report["X-MS-Journal-Report"] = ""
    report.attach(MIMEText("".join(f"{line}\r\n" for line in lines)))
    report.attach(MIMEMessage(message_from_bytes(inner)))
    return report.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def said(raw: bytes, *, to: Sequence[str] = (JOURNAL,), address: str = "192.0.2.7") -> list[Answer]:
    """The answers to each RCPT and, where one was taken, to the end of the data."""
    message = incoming(raw, to=to, client=replace(CLIENT, address=address), sender=Sending(""))

    async def run() -> list[Answer]:
        intake.start()
        reception = Reception(intake)
        try:
            answers = [await reception.rcpt(message.client, message.sender, Asked(each)) for each in to]
            if any(answer.is_ok for answer in answers):
                answers.append(await reception.take(message))
            return answers
        finally:
            reception.stop()
            await intake.stop()

    return asyncio.run(run())


def test_a_report_is_archived_for_everybody_of_ours_it_names_and_goes_nowhere() -> None:
    domain = make_domain("example.org")
    ada, ben = make_mailbox_in(domain, "ada"), make_mailbox_in(domain, "ben")
    make_mailbox_in(domain, "eve")
    add_alias(SYSTEM, ben, email="team@example.org")
    create_route(SYSTEM, {"pattern": JOURNAL, "kind": "journal", "target": "192.0.2.0/24, 2001:db8::/32"})
    raw = report_of("Sender: ada@example.org", "Recipient: team@example.org", "Recipient: bob@friends.example")
    assert [answer.code for answer in said(raw)] == [250, 250]
    message = Message.objects.get()
    assert (message.door, message.subject, message.message_id) == ("journal", "The bridge", "<bridge@friends.example>")
    rows = {row.address: (row.state, row.asked) for row in message.recipients.all()}
    assert rows == {ben.address: ("archived", "team@example.org"), ada.address: ("archived", "ada@example.org")}
    copies = Kept.objects.all()
    assert {(copy.mailbox_id, copy.folder, copy.until) for copy in copies} == {
        (ada.pk, "Archive", None), (ben.pk, "Archive", None),
    }  # fmt: skip
    assert b"".join(content.chunks_of(Content.objects.get())) == RAW
    assert not QueueItem.objects.exists()


def test_only_the_named_servers_may_report_and_only_about_people_of_ours() -> None:
    make_mailbox_in(make_domain("example.org"), "ada")
    create_route(SYSTEM, {"pattern": JOURNAL, "kind": "journal", "target": "192.0.2.7"})
    about_ada = report_of("Sender: bob@friends.example", "Recipient: ada@example.org")
    assert [(answer.code, answer.enhanced) for answer in said(about_ada, address="192.0.2.8")] == [(550, "5.7.1")]
    about_nobody = report_of("Sender: bob@friends.example", "Recipient: carl@friends.example")
    assert [answer.code for answer in said(about_nobody)] == [250, 550]
    assert not Message.objects.exists()
    for wrong in ("", "everybody", "0.0.0.0/0"):
        with pytest.raises(Invalid):
            create_route(SYSTEM, {"pattern": "j@x.example", "kind": "journal", "target": wrong})
    found = where_would_it_go(SYSTEM, JOURNAL)
    assert found.is_journal and found.refusal is None


def test_a_copy_that_postfix_adds_is_archived_for_those_its_header_names() -> None:
    ada = make_mailbox_in(make_domain("example.org"), "ada")
    create_route(SYSTEM, {"pattern": JOURNAL, "kind": "journal", "target": "192.0.2.7"})
    copy = f"X-Original-To: {JOURNAL}\r\nDelivered-To: {JOURNAL}\r\n".encode() + RAW
    assert [answer.code for answer in said(copy)] == [250, 250]
    assert Recipient.objects.get().mailbox_id == ada.pk
