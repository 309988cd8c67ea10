"""The pages about digest mails: one's own settings, those of a domain, previews, a mail at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import OptionValue, User
from domains.models import Mailbox, Relay
from gateway.digests.options import plans_of
from gateway.models import DigestLink
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.digests.mails import queued
from tests.gateway.factories import held_for, spam
from tests.smtp_server import Behaviour, SmtpServer, running_server

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User | None], Client]
LEAVE = {
    "quarantine_digest": "", "quarantine_digest_hour": "", "quarantine_digest_second_hour": "",
    "quarantine_digest_weekday": "", "quarantine_digest_link_days": "",
}  # fmt: skip


@pytest.fixture
def ada(db: None) -> Mailbox:
    domain = make_domain("example.org")
    Relay.objects.create(domain=domain, name="inside", transport_dest="mail.example.org", is_default=True)
    return make_mailbox_in(domain, "ada")


@pytest.fixture
def mail_server(settings: Any) -> Iterator[SmtpServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with running_server(Behaviour()) as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.address, running.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield running


def test_people_choose_see_and_get_their_own(ada: Mailbox, client_for: ClientFor) -> None:
    mine = client_for(ada.user)
    page = mine.get("/quarantine/digest/").content.decode()
    assert "As inherited: Every day" in page and "As inherited: 7:00" in page
    chosen = LEAVE | {"quarantine_digest": "weekly", "quarantine_digest_hour": "0"}
    assert "The settings are saved." in mine.post("/quarantine/digest/", chosen, follow=True).content.decode()
    assert ada.user is not None
    (plan,) = plans_of([ada.user])
    assert (plan.often, plan.hour) == ("weekly", 0)
    assert mine.post("/quarantine/digest/", LEAVE | {"quarantine_digest": "hourly"}).status_code == 422
    mine.post("/quarantine/digest/", LEAVE)
    assert not OptionValue.objects.filter(name__startswith="QUARANTINE_DIGEST").exists()
    assert "An example: these messages" in mine.get("/quarantine/digest/mail/").content.decode()
    held_for(ada, raw=spam("A real one"))
    preview = mine.get("/quarantine/digest/mail/")
    assert "A real one" in preview.content.decode() and "/q/" not in preview.content.decode()
    assert "default-src 'none'" in preview["Content-Security-Policy"] and not DigestLink.objects.exists()
    done = mine.post("/quarantine/digest/send/", follow=True).content.decode()
    assert "is on its way to you" in done and len(queued(ada.address)) == 1


def test_a_domains_settings_count_for_its_people_and_an_example_is_mailed(
    ada: Mailbox, client_for: ClientFor, mail_server: SmtpServer
) -> None:
    person = make_delegate(ada.domain)
    desk, url = client_for(person), f"/gateway/digests/domain/{ada.domain_id}/"
    assert "Links in digest mails work for" in desk.get(url).content.decode()
    chosen = LEAVE | {"quarantine_digest": "monthly", "quarantine_digest_link_days": "3"}
    assert desk.post(url, chosen).status_code == 303
    assert ada.user is not None
    (plan,) = plans_of([ada.user])
    assert (plan.often, plan.link_days) == ("monthly", 3)
    for wrong in ("0", "61", "x"):
        assert desk.post(url, LEAVE | {"quarantine_digest_link_days": wrong}).status_code == 422
    assert "for ada@example.org" in desk.get(f"{url}mail/").content.decode()
    sent = desk.post(f"{url}send/", follow=True).content.decode()
    assert f"An example was sent to {person.email}." in sent
    (mail,) = mail_server.mails
    assert "Subject: Example: 3 new messages in quarantine" in mail and person.email in mail


def test_without_a_mail_server_the_example_says_so(ada: Mailbox, client_for: ClientFor) -> None:
    page = client_for(make_delegate(ada.domain)).post(f"/gateway/digests/domain/{ada.domain_id}/send/", follow=True)
    assert "No mail server is configured" in page.content.decode()
