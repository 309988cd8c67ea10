"""The pages of quarantine: lists, one message, what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import User
from archive.models import ArchiveRead
from archive.services.access import open_archive
from domains.models import Mailbox
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import QueueItem, Recipient
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.gateway.factories import held_for, spam

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User | None], Client]


@pytest.fixture
def ada(db: None) -> Mailbox:
    return make_mailbox_in(make_domain("example.org"), "ada")


def test_ones_own_list_has_both_senders_the_verdict_in_words_and_nobody_elses_mail(
    ada: Mailbox, client_for: ClientFor
) -> None:
    held_for(ada)
    held_for(make_mailbox_in(ada.domain, "bob"), raw=spam("Somebody else's"))
    page = client_for(ada.user).get("/quarantine/").content.decode()
    assert "You have won" in page and "Somebody else" not in page
    assert "prizes@lottery.example" in page and "sent by bounces@lottery.example" in page
    assert "Its spam score is 9.0; spam begins at 5.0." in page


def test_lists_are_filtered_and_their_queries_stay_as_many(ada: Mailbox, client_for: ClientFor) -> None:
    desk = client_for(make_delegate(ada.domain, role="help_desk"))
    held_for(ada, virus="Eicar", raw=spam("Infected one"))
    counts = []
    for wanted in (3, 30):
        while Recipient.objects.count() < wanted:
            held_for(ada)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = desk.get("/gateway/quarantine/")
        counts.append(len(queries))
        assert page.status_code == 200
    assert counts[0] == counts[1]
    assert "Infected one" in desk.get("/gateway/quarantine/?verdict=virus").content.decode()
    assert "You have won" not in desk.get("/gateway/quarantine/?verdict=virus").content.decode()
    found = desk.get("/gateway/quarantine/", {"q": "from:prizes@lottery.example won domain:example.org"})
    assert "You have won" in found.content.decode()
    assert "No message like this" in desk.get("/gateway/quarantine/", {"q": "from:ceo@*"}).content.decode()


def test_mail_for_an_address_that_nobody_owns_is_read_with_a_reason(ada: Mailbox, client_for: ClientFor) -> None:
    row = held_for((ada.domain, "kim"), raw=spam(body="The secret text\n"))
    keep_waiting(Patience())
    url, opening = f"/gateway/quarantine/{row.pk}/", f"/gateway/quarantine/{row.pk}/open/"
    rights = ["manage_quarantine", "track_mail", "read_others_mail"]
    desk, reader = (make_delegate(ada.domain, role="help_desk"), make_delegate(ada.domain, rights=rights))
    page = client_for(desk).get(url).content.decode()
    assert "Nobody here owns this address" in page and opening not in page and "The secret text" not in page
    found = client_for(desk).get("/gateway/quarantine/", {"q": "domain:example.org"}).content.decode()
    assert "kim@example.org" in found
    client = client_for(reader)
    page = client.get(url).content.decode()
    assert opening in page and "The secret text" not in page
    assert client.get(f"{url}message.eml").status_code == 404
    client.post(opening, {"reason": ""})
    assert "The secret text" not in client.get(url).content.decode()
    assert client.post(opening, {"reason": "They wait for a bill"}).status_code == 303
    assert "The secret text" in client.get(url).content.decode()
    assert client.get(f"{url}message.eml").status_code == 200
    assert "The secret text" not in client_for(desk).get(url).content.decode()  # opened to who asked, nobody else
    assert "Opened to be read" in client.get(f"/messages/{row.pk}/").content.decode()


def test_the_owner_reads_the_message_without_risk_and_the_help_desk_does_not(
    ada: Mailbox, client_for: ClientFor
) -> None:
    html = '<p>Hello <img src="https://tracker.example/x.gif"><script>alert(1)</script></p>'
    row = held_for(ada, raw=spam(html=html, body="The secret text\n"))
    keep_waiting(Patience())
    mine = client_for(ada.user)
    page = mine.get(f"/quarantine/{row.pk}/").content.decode()
    assert 'sandbox=""' in page and "1 remote picture or style is not loaded" in page
    assert "The secret text" in mine.get(f"/quarantine/{row.pk}/?view=text").content.decode()
    body = mine.get(reverse("gateway:item-body", args=[row.pk]))
    assert "script" not in body.content.decode() and "tracker.example" not in body.content.decode()
    assert "sandbox" in body["Content-Security-Policy"]
    person = make_delegate(ada.domain, role="help_desk")
    desk = client_for(person)
    seen = desk.get(f"/gateway/quarantine/{row.pk}/").content.decode()
    assert "contents are not shown" in seen and "The secret text" not in seen
    assert desk.get(reverse("gateway:item-body", args=[row.pk])).status_code == 404


def test_others_mail_is_read_while_the_archive_stands_open_and_its_owner_sees_that(
    ada: Mailbox, client_for: ClientFor
) -> None:
    row = held_for(ada, raw=spam(body="The secret text\n"))
    keep_waiting(Patience())
    person = make_delegate(ada.domain, rights=["manage_quarantine", "read_others_mail"])
    page = client_for(person)
    url = f"/gateway/quarantine/{row.pk}/"
    assert "Read it, with a reason" in page.get(url).content.decode()
    open_archive(Actor.for_user(person), address=ada.address, reason="They asked me to look")
    assert "The secret text" in page.get(url).content.decode()
    assert ArchiveRead.objects.get().access.mailbox == ada


def test_a_button_releases_says_so_and_shows_the_message_as_released(ada: Mailbox, client_for: ClientFor) -> None:
    row, mine = held_for(ada), client_for(ada.user)
    answer = mine.post(reverse("gateway:item-release", args=[row.pk]), {"as": "own", "then": "allow"}, follow=True)
    page = answer.content.decode()
    assert "The message is on its way to ada@example.org." in page and "Deliver again" in page
    assert QueueItem.objects.count() == 1
    assert "You have won" in mine.get("/quarantine/released/").content.decode()
    assert "Nothing is in quarantine" in mine.get("/quarantine/").content.decode()


def test_many_are_released_at_once_and_infected_ones_stay(ada: Mailbox, client_for: ClientFor) -> None:
    rows = [held_for(ada), held_for(ada), held_for(ada, virus="Eicar")]
    mine = client_for(ada.user)
    chosen = {"chosen": [str(row.pk) for row in rows]}
    preview = mine.get("/quarantine/bulk/", {"do": "release", **chosen})
    assert "Release 2 messages" in preview.content.decode() and "infected" in preview.content.decode()
    address = f"/quarantine/bulk/?do=release&{urlencode(chosen, doseq=True)}"
    done = mine.post(address, {"expected": "2"}, follow=True)
    assert "2 messages are on their way" in done.content.decode()
    assert sorted(Recipient.objects.values_list("state", flat=True).filter(message__door="mx")) == [
        "held", "released", "released",
    ]  # fmt: skip


def test_infected_mail_offers_its_owner_nothing_and_no_file(ada: Mailbox, client_for: ClientFor) -> None:
    row = held_for(ada, virus="Eicar", raw=spam(files=[("x.exe", b"MZ")]))
    mine = client_for(ada.user)
    page = mine.get(f"/quarantine/{row.pk}/").content.decode()
    assert "A scanner found a virus" in page and "Save as .eml" not in page and "/parts/" not in page
    assert mine.get(reverse("gateway:item-eml", args=[row.pk])).status_code == 403
