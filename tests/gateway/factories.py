"""Mail that has come in, for tests: real raw messages, judged and filed by the gateway's own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from django.utils import timezone

from domains.models import Domain, Mailbox
from domains.policy.book import RuleBook
from domains.policy.evaluate import Recipient as Judged_for
from domains.policy.evaluate import evaluate
from domains.policy.facts import AuthResult, Direction, Envelope
from domains.policy.policy import Policy, QuarantineProps
from domains.policy.reading import facts_from_message
from gateway.filing import file_batch
from gateway.flow import Asked, Client, Door, Filed, Incoming, InMemory, Inspection, Judged, Route, Sending, Ways
from gateway.keys import new_key
from gateway.models import Message, Recipient
from gateway.storable import storable

HELD = Policy(name="test", quarantine=True, quarantine_props=QuarantineProps(store_virus=True, store_blacklisted=True))
EVERYTHING = replace(HELD, retention=True, archive=True)


def spam(
    subject: str = "You have won",
    *,
    sender: str = "prizes@lottery.example",
    name: str = "Lottery",
    body: str = "Click here.\n",
    html: str | None = None,
    files: Sequence[tuple[str, bytes]] = (),
    to: str = "user@example.org",
) -> bytes:
    """The raw bytes of one message, with CRLF as it comes over the wire."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"{name} <{sender}>", to, subject
    message["Date"], message["Message-ID"] = "Mon, 30 Nov 2026 08:00:00 +0000", f"<{new_key()}@lottery.example>"
    message.set_content(body)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for filename, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=filename)
    return message.as_bytes().replace(b"\n", b"\r\n")


def arrive(
    *recipients: Mailbox | tuple[Domain, str],
    raw: bytes | None = None,
    score: float | None = 9.0,
    virus: str = "",
    policy: Policy = HELD,
    sender: str = "bounces@lottery.example",
    received_at: datetime | None = None,
    direction: Direction = Direction.INCOMING,
    book: RuleBook | None = None,
    to: Sequence[str] = (),
) -> Message:
    """One message, filed for mailboxes (or for addresses of a domain that has none of ours).

    Outgoing mail is of the first one, to the addresses in `to`.
    """
    content = raw if raw is not None else spam()
    moment = received_at or timezone.now()
    addresses = [_address(each) for each in recipients]
    envelope = Envelope(
        sender=sender, recipients=tuple(to or addresses), received_at=moment, direction=direction, spam_score=score,
        virus_names=(virus,) if virus else (),
    )  # fmt: skip
    facts = facts_from_message(content, envelope)
    facts = replace(facts, authentication=replace(facts.authentication, spf=AuthResult.PASS))
    incoming = Incoming(
        key=new_key(),
        door=Door.MX if direction is Direction.INCOMING else Door.SUBMISSION,
        client=Client("192.0.2.7", name="mx.lottery.example", helo="mx.lottery.example"),
        sender=Sending(sender),
        recipients=tuple(Asked(address) for address in envelope.recipients),
        body=InMemory(content),
        received_at=moment,
    )
    headers: dict[str, Any] = {
        "subject": storable(facts.subject),
        "header_from": facts.header_from[0].address if facts.header_from else "",
        "message_id": next((value for name, value in facts.headers if name.lower() == "message-id"), "").strip(),
    }
    inspection = Inspection(facts, **headers, score_parts=(("TEST_RULE", score or 0.0),), scanner="test")
    routes = [_route(each, direction, asked) for each in recipients for asked in (to or [_address(each)])]
    judged = tuple(
        Judged(route, evaluate(facts, policy, book or RuleBook(), Judged_for(route.address))) for route in routes
    )
    (message,) = file_batch([Filed(incoming, inspection, judged)])
    return message


def held_for(mailbox: Mailbox | tuple[Domain, str], **more: Any) -> Recipient:
    """A message in quarantine, as its one recipient's row."""
    return arrive(mailbox, **more).recipients.select_related("message", "mailbox").get()


def _address(recipient: Mailbox | tuple[Domain, str]) -> str:
    return recipient.address if isinstance(recipient, Mailbox) else f"{recipient[1]}@{recipient[0].name}"


def _route(recipient: Mailbox | tuple[Domain, str], direction: Direction, asked: str) -> Route:
    box = recipient if isinstance(recipient, Mailbox) else None
    domain = box.domain if box is not None else recipient[0]  # type: ignore[index]
    return Route(
        asked=asked,
        address=asked,
        ends=Ways.MAILBOX if direction is Direction.INCOMING else Ways.EXTERNAL,
        direction=direction,
        domain_id=domain.pk,
        customer_id=domain.customer_id,
        mailbox_id=None if box is None else box.pk,
        policy_of=None if box is None else box.pk,
        way=(asked,),
        return_path="bounces@lottery.example" if direction is Direction.INCOMING else _address(recipient),
    )
