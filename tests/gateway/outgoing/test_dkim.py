"""Mail of people of ours leaves signed by their domain; what isn't theirs to sign isn't."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import DkimKey, Domain, DomainName, Mailbox
from domains.policy.facts import AuthResult
from domains.services import dkim as keys
from gateway.flow import Door, InMemory, Sending
from gateway.judging.authentication import dkim as verifying
from gateway.judging.authentication.canonical import Signable
from gateway.models import Message, QueueItem, Step
from gateway.outgoing import dkim
from gateway.outgoing.signing_keys import signer_above, signer_for
from gateway.services.routes import create_route
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import CLIENT, RAW
from tests.gateway.intake.test_intake import served, take, through
from tests.gateway.judging.world import ED25519, NOW, RSA, Names
from tests.gateway.queue.conftest import reacher, run_until
from tests.smtp_server import Behaviour, running_server

SYSTEM = Actor.system()
LETTER = (
    b"From: Ada <ada@example.org>\r\nTo: x@far.example\r\nSubject: The  bridge\r\nBcc: secret@far.example\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nIt  stands. \r\n.dot\r\n\r\n\r\n"
)


def signing(domain: Domain, *selectors: str) -> list[DkimKey]:
    """Keys put to work one after the other, of RSA but for the selector "ed25519"."""
    pems = {"ed25519": ED25519.private_pem()}
    return [
        keys.create_key(SYSTEM, domain, selector=each, private_key=pems.get(each, RSA.private_pem()), activate=True)
        for each in selectors
    ]


def published() -> Names:
    return Names({f"{r.name} TXT": (r.text,) for key in DkimKey.objects.all() for r in keys.records_of(key)})


def verified(raw: bytes) -> list[tuple[str, str]]:
    """(domain, selector) of the signatures that hold; fails for one that doesn't."""
    found = verifying.verify(Signable.of(raw), published().ask, NOW.timestamp())
    assert {each.result for each in found} <= {AuthResult.PASS}, found
    return [(each.domain, each.selector) for each in found]


def sent_by(box: Mailbox, raw: bytes = LETTER, **values: Any) -> Any:
    client = replace(CLIENT, user_id=box.user_id, user_name=box.address, door=Door.SUBMISSION)
    usual = {"to": ["x@far.example"], "sender": Sending(box.address), "client": client, "door": Door.SUBMISSION}
    return take(raw, **{**usual, **values})


@pytest.mark.django_db(transaction=True)
def test_what_arrives_at_the_other_side_is_signed_by_every_key_at_work() -> None:
    domain = served()
    DomainName.objects.create(name="example.net", domain=domain, is_alias=True)
    old, rsa, ed = signing(domain, "old", "rsa", "ed25519")
    assert DkimKey.objects.get(pk=old.pk).state == "retired" and rsa.state == ed.state == "active"
    ada = make_mailbox_in(domain, "ada")
    with running_server(Behaviour()) as server:
        create_route(SYSTEM, {"pattern": "*@far.example", "kind": "relay", "target": f"127.0.0.1:{server.port}"})
        alias = LETTER.replace(b"ada@example.org", b"ada@example.net")
        answers = through(sent_by(ada), sent_by(ada, alias, sender=Sending("ada@example.net")))
        assert [answer.code for answer in answers] == [250, 250], answers
        run_until(lambda: len(server.mails) == 2, reacher(server.port))
    first, second = ((mail.replace("\n", "\r\n") + "\r\n").encode() for mail in sorted(server.mails, key=_of_alias))
    assert verified(first) == [("example.org", "rsa"), ("example.org", "ed25519")]
    assert verified(second) == [("example.net", "rsa"), ("example.net", "ed25519")]
    assert b"secret" not in first and b"\r\nDate: " in first and b"\r\nMessage-ID: <" in first
    told = Step.objects.filter(message=Message.objects.earliest("pk"), kind="signed").get()
    assert told.data == {"domain": "example.org", "selectors": "rsa, ed25519"}


def _of_alias(mail: str) -> bool:
    """They leave over two connections, and either may come first."""
    return "ada@example.net" in mail


def leaving() -> list[bytes]:
    """What waits in the queue, with the lines put before it, the oldest first."""
    rows = QueueItem.objects.order_by("pk").select_related("content")
    lines = ["".join(f"{line}\r\n" for line in row.headers).encode() for row in rows]
    return [line + bytes(row.content.data or b"") for line, row in zip(lines, rows, strict=True)]


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_or_is_written_as_somebody_else_is_not_signed() -> None:
    domain, other = served(), served("other.example")
    for each in (domain, other):
        signing(each, "ed25519")
    ada, eve = make_mailbox_in(domain, "ada"), make_mailbox_in(other, "eve")
    forged = RAW.replace(b"bob@friends.example", b"ada@example.org")
    create_route(SYSTEM, {"pattern": "*@far.example", "kind": "relay", "target": "127.0.0.1:9"})
    answers = through(
        take(RAW, to=[ada.address]),
        take(forged, to=[ada.address]),
        take(LETTER.replace(b"From:", b"From: x@example.org\r\nFrom:"), to=[ada.address]),
        sent_by(ada),
    )
    assert answers[0].code == answers[3].code == 250
    *came, own = leaving()
    assert not any(b"DKIM-Signature" in raw for raw in came)
    assert verified(own) == [("example.org", "ed25519")]
    assert signer_for("example.com") is None
    assert eve.domain_id == other.pk


@pytest.mark.django_db(transaction=True)
def test_a_domain_without_a_key_or_with_a_broken_one_sends_all_the_same() -> None:
    domain = served()
    ada = make_mailbox_in(domain, "ada")
    (key,) = signing(domain, "ed25519")
    DkimKey.objects.filter(pk=key.pk).update(private_key="no key at all")
    answers = through(sent_by(ada))
    keys.retire_key(SYSTEM, DkimKey.objects.get(pk=key.pk))
    answers += through(sent_by(ada))
    assert [answer.code for answer in answers] == [250, 250]
    assert not any(b"DKIM-Signature" in raw for raw in leaving())


@pytest.mark.django_db
def test_our_own_mail_is_signed_by_the_domain_that_our_name_lies_under() -> None:
    domain = served()
    signing(domain, "ed25519")
    ours = signer_above("mx.example.org")
    assert ours is not None and ours.name == "example.org"
    assert signer_above("mx.example.com") is None and signer_above("localhost") is None
    notice = b"From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered\r\n\r\nSorry.\r\n"
    lines = dkim.lines_for(InMemory(notice), "mx.example.org", NOW)
    assert verified("".join(f"{line}\r\n" for line in lines).encode() + notice) == [("example.org", "ed25519")]
