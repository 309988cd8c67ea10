"""A refusal whose sender's server hears 250 all the same: a notice, or a repository, and never nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from accounts.actors import Actor
from domains.models import Mailbox, SenderRule
from domains.policy.decision import Action, Category, Decision, Finding
from domains.policy.facts import Authentication
from domains.policy.reasons import Code, reason
from domains.services.lists.settings import create_list
from domains.services.lists.subscribing import add_subscribers
from gateway import content, refusing
from gateway.bounces import sending
from gateway.filing import file_batch
from gateway.flow import Asked, Filed, Judged, Sending
from gateway.lists.distributing import work_off
from gateway.models import QueueItem, RepositoryItem
from gateway.resolving import resolve
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import RAW, incoming
from tests.gateway.intake.test_intake import served
from tests.gateway.rules.test_delivery import AUTHENTIC, deliver, inspected, mail_of, states

SYSTEM = Actor.system()
BOB = "bob@friends.example"


@pytest.fixture
def ada(db: None) -> Mailbox:
    """Who takes nothing from Bob."""
    domain = served()
    SenderRule.objects.create(domain=domain, value="friends.example", type=SenderRule.Type.BLOCK)
    return make_mailbox_in(domain, "ada")


@pytest.fixture
def ben(db: None) -> Mailbox:
    return make_mailbox_in(served("other.example"), "ben")


def test_a_proven_sender_is_told_what_was_refused_for_one_of_several(ada: Mailbox, ben: Mailbox) -> None:
    message, _judged = deliver([ada.address, ben.address])
    assert states(message) == {ada.address: "refused", ben.address: "queued"}
    notice = QueueItem.objects.get(address=BOB)
    text = str(mail_of(notice))
    assert notice.sender == "" and ada.address in text and "takes no mail from this sender" in text
    assert "It stands" not in text and ben.address not in text
    assert not RepositoryItem.objects.exists()
    assert message.steps.get(kind="noticed").recipient == message.recipients.get(address=ada.address)


@pytest.mark.parametrize("sender", [BOB, ""])
def test_what_nobody_can_be_told_of_lies_in_a_repository(ada: Mailbox, ben: Mailbox, sender: str) -> None:
    unproved = Authentication() if sender else AUTHENTIC
    message, _judged = deliver([ada.address, ben.address], authentication=unproved, sender=Sending(sender))
    assert states(message) == {ada.address: "stored", ben.address: "queued"}
    lies = RepositoryItem.objects.get()
    assert (lies.repository.name, lies.addresses, lies.sender) == ("var/mail/refused", [ada.address], sender)
    assert b"".join(content.chunks_of(lies.content)).endswith(b"It stands.\r\n")
    assert message.steps.get(kind="stored").data["repository"] == "var/mail/refused"
    assert QueueItem.objects.get().address == ben.address


def test_a_notice_that_fails_leaves_it_in_a_repository(
    ada: Mailbox, ben: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise ValueError("no way to make it")

    monkeypatch.setattr(sending, "send", broken)
    message, _judged = deliver([ada.address, ben.address])
    assert states(message) == {ada.address: "stored", ben.address: "queued"}
    assert RepositoryItem.objects.get().recipient == message.recipients.get(address=ada.address)


@pytest.mark.parametrize(
    ("category", "place"),
    [
        (Category.VIRUS, "var/mail/virus"),
        (Category.SPAM, "var/mail/spam"),
        (Category.DLP, "var/mail/dlp"),
        (Category.BAD_ATTACHMENT, None),  # whoever is proved to have written is told
    ],
)
def test_viruses_spam_and_leaks_send_no_notice(ben: Mailbox, category: Category, place: str | None) -> None:
    message, routes = incoming(to=[ben.address]), resolve(ben.address, BOB).routes
    refused = Decision(category, Action.REFUSE, (Finding(category, reason(Code.CLEAN), Action.REFUSE, decides=True),))
    [route] = routes
    judged = refusing.owe([Judged(replace(route, return_path=BOB), refused)])
    (row,) = file_batch([Filed(message, inspected(message), judged)])
    assert list(RepositoryItem.objects.values_list("repository__name", flat=True)) == ([place] if place else [])
    assert QueueItem.objects.filter(address=BOB).exists() is (place is None)
    assert states(row) == {ben.address: "stored" if place else "refused"}


def test_whoever_wants_no_notice_sends_none(ada: Mailbox, ben: Mailbox) -> None:
    asked = (Asked(ada.address, (("NOTIFY", "NEVER"),)), Asked(ben.address))
    message, _judged = deliver([ada.address, ben.address], recipients=asked)
    assert states(message) == {ada.address: "stored", ben.address: "queued"}


def test_a_list_loses_nothing_for_a_subscriber_whose_policy_refuses_it(ada: Mailbox, ben: Mailbox) -> None:
    news = create_list(SYSTEM, ben.domain, email="news@other.example", owner=ben, name="News", posting="anybody")
    add_subscribers(SYSTEM, news, [ada.address, ben.address])
    posted, _judged = deliver([news.address.text], RAW)
    work_off()
    sent = posted.recipients.get().followed_by
    assert sent is not None
    assert states(sent) == {ada.address: "stored", ben.address: "queued"}
    assert RepositoryItem.objects.get().addresses == [ada.address]
