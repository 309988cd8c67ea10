"""Mailing lists at work: posted, held, distributed, left, bounced, digested."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from accounts.actors import Actor
from domains.models import Domain, Mailbox, MailingList, Subscriber
from domains.policy.facts import Authentication, AuthResult
from domains.services.lists.settings import create_list, update_list
from domains.services.lists.subscribing import add_subscribers, find_request
from gateway import content
from gateway.delivery.said import End
from gateway.delivery.said import Outcome as Said
from gateway.flow import Sending
from gateway.lists import addresses, commands
from gateway.lists.bouncing import note_failure
from gateway.lists.digests import send_digest
from gateway.lists.distributing import work_off
from gateway.models import ListPosting, Message, QueueItem, Recipient, RepositoryItem
from gateway.queue.settling import settle
from gateway.queue.storing import REFUSED
from gateway.queue.tried import Tried
from gateway.resolving import resolve
from gateway.selectors.tracking import steps_of
from gateway.services import list_posts, repositories
from gateway.wording import list_reason
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.flows import RAW
from tests.gateway.intake.test_intake import served
from tests.gateway.rules.test_delivery import deliver

SYSTEM = Actor.system()
BOB, EVE = "bob@friends.example", "eve@elsewhere.example"


@pytest.fixture
def domain(db: None) -> Domain:
    return served()


@pytest.fixture
def owner(domain: Domain) -> Mailbox:
    return make_mailbox_in(domain, "owner")


@pytest.fixture
def news(domain: Domain, owner: Mailbox) -> MailingList:
    made = create_list(
        SYSTEM, domain, email="news@example.org", owner=owner, name="The News", subject_prefix="[news]",
        footer="Read less.", posting="moderated", reply_to="list",
    )  # fmt: skip
    ada = make_mailbox_in(domain, "ada")
    add_subscribers(SYSTEM, made, [BOB, EVE, ada.address])
    return made


def post(raw: bytes = RAW, to: str = "news@example.org", **more: Any) -> Message:
    message, _judged = deliver([to], raw, **more)
    work_off()
    return message


def mail_of(item: QueueItem) -> EmailMessage:
    raw = "".join(f"{line}\r\n" for line in item.headers).encode() + b"".join(content.chunks_of(item.content))
    return message_from_bytes(raw, policy=default)


def queued(to: str) -> QueueItem:
    return QueueItem.objects.filter(address=to).latest("pk")


def test_what_is_posted_leaves_once_for_everybody_with_what_a_list_says(news: MailingList) -> None:
    message = post()
    posting = ListPosting.objects.get()
    assert (posting.state, posting.copies) == ("done", 3)
    assert message.recipients.get().state == "delivered"
    sent = message.recipients.get().followed_by
    assert sent is not None and Message.objects.filter(door="own").count() == 1
    # mailboxes of ours have a passport row each, others a place in the queue
    assert [row.address for row in sent.recipients.all()] == ["ada@example.org"]
    assert set(QueueItem.objects.values_list("address", flat=True)) == {BOB, EVE, "ada@example.org"}
    assert QueueItem.objects.values("content").distinct().count() == 1
    item = queued(EVE)
    got = mail_of(item)
    assert got["subject"] == "[news] The bridge" and got["reply-to"] == "news@example.org"
    assert got["list-id"] == '"The News" <news.example.org>' and got["precedence"] == "list"
    assert got["list-post"] == "<mailto:news@example.org>" and got["from"] == "Bob Builder <bob@friends.example>"
    assert "One-Click" in got["list-unsubscribe-post"] and "/leave/" in got["list-unsubscribe"]
    assert (
        got.get_content().endswith("-- \r\nRead less.\r\n".replace("\r\n", "\n")) or "Read less." in got.get_content()
    )
    assert item.sender.startswith("news-bounces+") and item.sender.endswith("@example.org") and item.recipient is None
    assert queued(BOB).sender != item.sender


def test_who_may_not_post_is_told_at_once_and_strangers_wait(news: MailingList) -> None:
    assert resolve("news@example.org", "stranger@far.example").refusal is None
    update_list(SYSTEM, news, {"posting": "subscribers"})
    refused = resolve("news@example.org", "stranger@far.example").refusal
    assert refused is not None and refused.code == 550
    assert resolve("news@example.org", BOB).refusal is None
    Subscriber.objects.filter(email=BOB).update(posting="prohibited")
    assert resolve("news@example.org", BOB).refusal is not None
    assert resolve("news@example.org", "").refusal is not None


def test_a_stranger_waits_for_the_moderator_who_decides(news: MailingList, owner: Mailbox) -> None:
    raw = RAW.replace(b"bob@friends.example", b"sue@far.example")
    message = post(raw, sender=Sending("sue@far.example"))
    posting = ListPosting.objects.get()
    assert (posting.state, posting.why) == ("held", "stranger")
    note = mail_of(queued(owner.address))
    assert "waits for you" in note["subject"] and f"/lists/{news.pk}/held/" in note.get_content()
    assert not QueueItem.objects.filter(address=EVE).exists()
    list_posts.approve(SYSTEM, posting)
    work_off()
    assert QueueItem.objects.filter(address=EVE).count() == 1
    assert message.steps.filter(kind="distributed", data__copies=3).exists()

    post(raw, sender=Sending("sue@far.example"))
    second = ListPosting.objects.latest("pk")
    list_posts.reject(SYSTEM, second, silently=True)
    second.refresh_from_db()
    assert (second.state, second.content) == ("refused", None)
    assert not QueueItem.objects.filter(address="sue@far.example").exists()


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (b"X-Loop: news@example.org\r\n", "loop"),
        (b"List-Id: <news.example.org>\r\n", "loop"),
        (b"Auto-Submitted: auto-replied\r\n", "automatic"),
    ],
)
def test_loops_and_programs_are_not_distributed_and_lie_in_a_repository(
    news: MailingList, before: bytes, why: str
) -> None:
    message = post(before + RAW)
    posting = ListPosting.objects.get()
    assert (posting.state, posting.why) == ("refused", why) and not QueueItem.objects.exists()
    item = RepositoryItem.objects.get(message=message)
    assert (item.repository.name, item.addresses, item.why) == (REFUSED, ["news@example.org"], list_reason(why))


def test_a_message_that_is_too_big_comes_back_to_who_wrote_it(news: MailingList) -> None:
    update_list(SYSTEM, news, {"max_message_bytes": 10})
    post()
    assert "larger than the list allows" in mail_of(queued(BOB)).get_content()
    assert not RepositoryItem.objects.exists()


def test_a_post_that_is_refused_of_who_is_not_proved_is_kept_with_its_bytes(news: MailingList) -> None:
    update_list(SYSTEM, news, {"max_message_bytes": 10})
    message = post(authentication=Authentication())
    assert not QueueItem.objects.exists()  # whoever is named may not have written it
    item = RepositoryItem.objects.get()
    assert (item.message, item.recipient, item.sender) == (message, message.recipients.get(), BOB)
    assert b"".join(content.chunks_of(item.content)) == RAW
    assert "larger than the list allows" in item.why
    assert message.recipients.get().state == Recipient.State.STORED
    assert [step.kind for step in steps_of(SYSTEM, message.recipients.get())][-1] == "stored"
    update_list(SYSTEM, news, {"max_message_bytes": None})
    done = repositories.reprocess_stored(SYSTEM, RepositoryItem.objects.all())
    work_off()
    assert done.count == 1 and ListPosting.objects.latest("pk").state == "done" and queued(EVE)


def test_authors_whose_domain_forbids_it_stand_behind_the_list(news: MailingList) -> None:
    strict = Authentication(dmarc_policy="reject")
    post(authentication=strict)
    got = mail_of(queued(EVE))
    assert got["from"] == "Bob Builder via The News <news@example.org>"
    assert got["x-original-from"] == "Bob Builder <bob@friends.example>"


def test_mail_with_parts_stays_whole_and_gets_the_text_beside_it(news: MailingList) -> None:
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n--b--\r\n"
    raw = RAW.partition(b"\r\n\r\n")[0] + b'\r\nContent-Type: multipart/signed; boundary="b"\r\n\r\n' + body
    post(raw)
    got = mail_of(queued(EVE))
    kinds = [part.get_content_type() for part in got.walk()]
    assert kinds == ["multipart/mixed", "multipart/signed", "text/plain", "text/plain"]
    assert body in b"".join(content.chunks_of(queued(EVE).content))


def test_people_come_and_go_by_mail_only_after_they_confirm(news: MailingList) -> None:
    new = "new@far.example"
    raw, proved = RAW.replace(BOB.encode(), new.encode()), Authentication(spf=AuthResult.PASS, spf_domain="far.example")
    post(raw, "news-subscribe@example.org", sender=Sending(new))
    assert not QueueItem.objects.exists()  # anybody could have written it
    post(raw, "news-subscribe@example.org", sender=Sending(new), authentication=proved)
    post(raw, "news-subscribe@example.org", sender=Sending(new), authentication=proved)
    assert QueueItem.objects.count() == 1  # asked a moment ago
    asked = mail_of(queued(new))
    assert asked["auto-submitted"] == "auto-generated" and queued(new).sender == ""
    assert not news.subscribers.filter(email=new, state="subscribed").exists()
    reply = str(asked["reply-to"]).strip("<>")
    link = str(asked.get_content()).partition("/lists/confirm/")[2].partition("/")[0]
    assert find_request(link).email == new
    post(b"Auto-Submitted: auto-replied\r\n" + raw, reply, sender=Sending(new))
    assert news.subscribers.get(email=new).state == "unconfirmed"
    post(raw, reply, sender=Sending(new))
    assert news.subscribers.get(email=new).state == "subscribed"
    post(raw, "news-unsubscribe@example.org", sender=Sending(new), authentication=proved)
    off = str(mail_of(queued(new))["reply-to"]).strip("<>")
    assert news.subscribers.filter(email=new).exists()
    post(raw, off, sender=Sending(new))
    assert not news.subscribers.filter(email=new).exists()
    post(
        raw.replace(b"Subject: ", b"Subject: help "),
        "news-request@example.org",
        sender=Sending(new),
        authentication=proved,
    )
    assert "news-subscribe@example.org" in mail_of(queued(new)).get_content()
    assert resolve("news-owner@example.org", EVE).routes[0].address == "owner@example.org"


def test_one_click_leaves_and_a_look_changes_nothing(news: MailingList, client: Browser) -> None:
    who = news.subscribers.get(email=EVE)
    url = reverse("gateway:list-leave", args=[news.pk, addresses.proof(news.pk, who.pk, "leave")])
    assert client.get(url).status_code == 200 and news.subscribers.filter(pk=who.pk).exists()
    browser = Browser(enforce_csrf_checks=True)
    assert browser.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not news.subscribers.filter(pk=who.pk).exists()
    assert client.get(url[:-2] + ("1/" if url[-2] == "0" else "0/")).status_code == 404
    assert commands.leave(news, "1-0000000000000000") is None


def test_bounces_are_counted_and_pause_a_subscription(news: MailingList) -> None:
    post()
    back = queued(EVE).sender
    assert note_failure(back, "4.4.7")
    assert news.subscribers.get(email=EVE).bounces == 1
    away = RAW + b"I am away.\r\nStatus: 5.1.1\r\n"
    post(away, back, sender=Sending(""))
    report = RAW + b"--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    post(report, back, sender=Sending(EVE))
    post(report.replace(b"5.1.1", b"4.4.1"), back, sender=Sending(""))
    assert news.subscribers.get(email=EVE).bounces == 1
    post(report, back, sender=Sending(""))
    who = news.subscribers.get(email=EVE)
    assert (who.bounces, who.state) == (2, "paused")
    post(report, back.replace("+", "+9"), sender=Sending(""))
    assert news.subscribers.get(email=EVE).bounces == 2
    assert not note_failure(BOB, "5.1.1")
    for strange in ("news-bounces+1-0123456789abcdef@example.org", "other-bounces+1-0123456789abcdef@far.example"):
        assert not note_failure(strange, "5.1.1"), strange


def test_the_envelope_lets_in_only_who_is_proved(news: MailingList) -> None:
    update_list(SYSTEM, news, {"posting": "subscribers"})
    strange = RAW.replace(BOB.encode(), b"sue@far.example")

    def came(raw: bytes, **more: Any) -> tuple[str, str]:
        post(raw, **more)
        posting = ListPosting.objects.latest("pk")
        return posting.state, posting.why

    assert came(strange) == ("done", "")
    assert came(strange, authentication=Authentication()) == ("held", "forged")
    failed = Authentication(spf=AuthResult.PASS, spf_domain="friends.example", dmarc=AuthResult.FAIL)
    assert came(strange, authentication=failed) == ("held", "forged")
    Subscriber.objects.filter(email=EVE).update(mode="banned")
    assert came(RAW.replace(BOB.encode(), EVE.encode())) == ("refused", "banned")
    Subscriber.objects.filter(email=EVE).update(mode="feed", posting="prohibited")
    assert came(RAW.replace(BOB.encode(), EVE.encode())) == ("refused", "prohibited")


def test_postings_that_fail_stop_nobody_and_end_at_a_moderator(
    news: MailingList, owner: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway.lists import distributing

    take = distributing.take

    def fails(row: ListPosting) -> None:
        if row.message.subject == "bad":
            raise ValueError("odd")
        take(row)

    monkeypatch.setattr(distributing, "take", fails)
    for _ in range(3):
        deliver(["news@example.org"], RAW.replace(b"The bridge", b"bad"))
    deliver(["news@example.org"])
    assert work_off(most=1) == 1
    assert list(ListPosting.objects.order_by("pk").values_list("state", flat=True)) == ["waiting"] * 3 + ["done"]
    ListPosting.objects.filter(state="waiting").update(created_at="2020-01-01T00:00Z")
    assert work_off() == 0
    assert set(ListPosting.objects.filter(state="held").values_list("why", flat=True)) == {"problem"}
    assert "could not be distributed" in mail_of(queued(owner.address)).get_content()


def test_digests_collect_what_was_posted_and_keep_the_bytes_until_then(news: MailingList) -> None:
    Subscriber.objects.filter(email=EVE).update(mode="digest")
    Subscriber.objects.filter(email=BOB).update(mode="index")
    post()
    post(b"Bcc: secret@far.example\r\n" + RAW.replace(b"The bridge", b"The tower"))
    assert not QueueItem.objects.filter(address__in=[BOB, EVE]).exists()
    assert ListPosting.objects.filter(state="digest").count() == 2
    assert send_digest(news.pk)
    got = mail_of(queued(EVE))
    inside = [part for part in got.walk() if part.get_content_type() == "message/rfc822"]
    assert "2 messages" in got["subject"] and len(inside) == 2
    assert b"secret@far.example" not in got.as_bytes()
    assert "The tower" in mail_of(queued(BOB)).get_content()
    assert not ListPosting.objects.exclude(content=None).exists() and not send_digest(news.pk)


def test_a_list_in_a_group_is_a_list(news: MailingList, domain: Domain) -> None:
    from domains.services.groups import create_group

    create_group(SYSTEM, domain, email="all@example.org", members=["news@example.org", "out@far.example"])
    post(to="all@example.org")
    assert QueueItem.objects.filter(address=EVE).exists() and ListPosting.objects.count() == 1


def test_what_failed_for_one_elsewhere_is_told_to_who_runs_the_list_and_to_no_subscriber(
    news: MailingList, owner: Mailbox
) -> None:
    sent = post().recipients.get().followed_by
    assert sent is not None
    settle([Tried(queued(EVE), Said(End.FAILED, "5.1.1", f"<{EVE}> is not known", 550))])
    row = sent.recipients.get()
    assert row.mailbox is not None and row.mailbox.user is not None and owner.user is not None
    other = make_domain("other.example")
    Recipient.objects.filter(pk=row.pk).update(domain_id=other.pk)
    elsewhere = Actor.for_user(make_delegate(other, role="help_desk"))  # follows the subscriber's mail, not the list's
    for actor, knows in (
        (Actor.for_user(row.mailbox.user), False),
        (elsewhere, False),
        (Actor.for_user(owner.user), True),
        (Actor.for_user(make_delegate(news.address.domain, role="help_desk")), True),
    ):
        steps = steps_of(actor, Recipient.objects.select_related("message", "mailbox").get(pk=row.pk))
        assert next(each.kind for each in steps if each.recipient_id is None) == "received"
        assert any(EVE in str(each.data) for each in steps) is knows
