"""What the link of a digest mail does: one message, one recipient, by a button, once, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, OptionValue, User
from accounts.permissions import Level
from accounts.throttle import Policy
from domains.models import Mailbox, Relay
from gateway import content
from gateway.digests.making import Outcome, Reader, digest_now
from gateway.digests.options import plans_of
from gateway.models import DigestLink, QueueItem, Recipient, ReleaseRequest, Step
from gateway.release_options import ON_REQUEST, THEMSELVES
from gateway.services import digest_links
from tests.domains.factories import make_domain, make_mailbox_in
from tests.gateway.digests.mails import links_in, queued
from tests.gateway.factories import held_for, spam

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User | None], Client]


@pytest.fixture
def ada(db: None) -> Mailbox:
    domain = make_domain("example.org")
    Relay.objects.create(domain=domain, name="inside", transport_dest="mail.example.org", is_default=True)
    return make_mailbox_in(domain, "ada")


def mailed(box: Mailbox) -> list[str]:
    """The links of a mail about all that lies in somebody's quarantine."""
    assert box.user is not None
    assert digest_now(Reader(box, plans_of([box.user])[0])) is Outcome.SENT
    return list(links_in(queued(box.address)[-1]))


def released() -> list[QueueItem]:
    return list(QueueItem.objects.filter(message__door="release"))


def test_following_it_changes_nothing_and_the_button_releases_to_its_one_recipient_once(ada: Mailbox) -> None:
    raw = spam(body="Byte for byte\n")
    row = held_for(ada, raw=raw)
    (link,) = mailed(ada)
    anybody = Client(enforce_csrf_checks=True)
    for _again in range(3):  # mail scanners follow links
        page = anybody.get(link)
        assert page.status_code == 200 and anybody.head(link).status_code == 200
    text = page.content.decode()
    assert "You have won" in text and "prizes@lottery.example" in text and "Its spam score is 9.0" in text
    assert page["Cache-Control"].startswith("max-age=0") and "same-origin" in page["Referrer-Policy"]
    assert anybody.post(link, {"do": "release"}).status_code == 403  # without the form's token
    assert anybody.post(link.replace("/q/", "/q/x"), {"do": "release"}).status_code == 403
    assert released() == [] and Recipient.objects.get(pk=row.pk).state == "held"
    browser = Client()
    done = browser.post(link, {"do": "release"}, follow=True)
    assert "The message is on its way to ada@example.org." in done.content.decode()
    (item,) = released()
    assert (item.address, b"".join(content.chunks_of(item.content))) == ("ada@example.org", raw)
    again = browser.post(link, {"do": "release"}, follow=True)
    assert "It was released already." in again.content.decode() and len(released()) == 1
    event = AuditEvent.objects.get(action="quarantine.release")
    assert (event.actor_label, event.via, event.address) == ("ada@example.org", "digest", "127.0.0.1")
    assert Step.objects.get(message=row.message, kind="released").data["via"] == "digest"


def test_it_reports_as_not_spam_once(ada: Mailbox) -> None:
    row = held_for(ada)
    (link,) = mailed(ada)
    browser = Client()
    assert "Report as not spam" in browser.get(link).content.decode()
    assert "The scanners learn" in browser.post(link, {"do": "clean"}, follow=True).content.decode()
    page = browser.post(link, {"do": "clean"}, follow=True).content.decode()
    assert "It was reported already." in page and "Report as not spam" not in page
    assert Step.objects.filter(message=row.message, kind="reported").count() == 1
    assert "Release it to" in page and browser.post(link, {"do": "nonsense"}, follow=True).status_code == 200


def test_one_that_is_unknown_expired_used_by_others_or_of_an_old_password_is_answered_alike(
    ada: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    held_for(ada)
    (link,) = mailed(ada)
    browser = Client()
    answers = [browser.get("/q/nonsense/"), browser.get("/q/" + "x" * 43 + "/")]
    assert ada.user is not None
    DigestLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answers.append(browser.get(link))
    DigestLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert browser.get(link).status_code == 200
    other = make_mailbox_in(ada.domain, "eve")
    Recipient.objects.filter(message__door="mx").update(mailbox=other)
    answers.append(browser.get(link))
    Recipient.objects.filter(message__door="mx").update(mailbox=ada)
    ada.user.denied_rights = ["release_quarantine"]
    ada.user.save()
    answers.append(browser.get(link))
    ada.user.denied_rights, ada.user.is_active = [], False
    ada.user.save()
    answers.append(browser.get(link))
    ada.user.is_active = True
    ada.user.set_password("another long password 1")
    ada.user.save()
    answers += [browser.get(link), browser.post(link, {"do": "release"})]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content.decode().partition("<main")[2].partition("</main")[0] for answer in answers}) == 1
    assert "/q/" not in caplog.text
    assert "Open the quarantine" in answers[0].content.decode()
    assert released() == []


def test_guessing_is_slowed_down_and_good_links_of_others_networks_go_on(
    ada: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_for(ada)
    (link,) = mailed(ada)
    monkeypatch.setattr(digest_links, "GUESSING", Policy(free=3, longest_wait_s=60))
    guesser = Client()
    codes = [guesser.get(f"/q/guess{number}/", REMOTE_ADDR="192.0.2.66").status_code for number in range(5)]
    assert codes == [404, 404, 404, 429, 429]
    assert guesser.get(link, REMOTE_ADDR="192.0.2.66").status_code == 429
    assert guesser.get(link, REMOTE_ADDR="192.0.2.67").status_code == 200


def test_an_administrators_link_has_none_of_their_rights(ada: Mailbox) -> None:
    assert ada.user is not None
    User.objects.filter(pk=ada.user.pk).update(is_administrator=True)
    OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=ON_REQUEST, value=["virus"])
    row = held_for(ada, virus="Eicar")
    ada.user.refresh_from_db()
    (link,) = mailed(ada)  # of what may be asked for
    browser = Client()
    page = browser.get(link).content.decode()
    assert "Ask for its release" in page and "Release it to" not in page and "not spam" not in page
    browser.post(link, {"do": "release", "reason": "I may"})
    browser.post(link, {"do": "clean"})
    row.refresh_from_db()
    assert row.state == "held" and released() == []


def test_what_needs_an_administrator_is_asked_for_with_a_reason(ada: Mailbox) -> None:
    for name, value in ((THEMSELVES, []), (ON_REQUEST, ["spam"])):
        OptionValue.objects.create(level=Level.DOMAIN, object_id=ada.domain_id, name=name, value=value)
    held_for(ada)
    (link,) = mailed(ada)
    browser = Client()
    assert "Say why" in browser.post(link, {"do": "ask", "why": ""}, follow=True).content.decode()
    page = browser.post(link, {"do": "ask", "why": "It is a bill"}, follow=True).content.decode()
    assert "It is a bill" in page and "Ask for its release" not in page
    assert ReleaseRequest.objects.get().requested_by == ada.user
    assert released() == []


def test_a_link_to_what_is_no_more_says_so(ada: Mailbox) -> None:
    row = held_for(ada)
    (link,) = mailed(ada)
    Recipient.objects.filter(pk=row.pk).update(state="deleted")
    page = Client().get(link).content.decode()
    assert "no longer in quarantine" in page and "<button" not in page.partition("<main")[2].partition("</main")[0]


def test_the_page_speaks_the_readers_language(ada: Mailbox) -> None:
    User.objects.filter(email=ada.address).update(language="de")
    ada.refresh_from_db()
    held_for(ada)
    (link,) = mailed(ada)
    assert '<html lang="de"' in Client(headers={"Accept-Language": "fr"}).get(link).content.decode()
