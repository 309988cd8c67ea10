"""What the help desk types into the list of messages, found by an index however many messages there are."""

from __future__ import annotations

from copy import copy
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from gateway.keys import new_key
from gateway.models import Message, Recipient
from gateway.selectors.tracking import list_own, list_tracked
from gateway.tables import tracking
from gateway.tables.tracking import TRACKED
from tests.domains.factories import make_mailbox_in
from tests.gateway.flows import RAW, file_for
from tests.stage import Cast

pytestmark = pytest.mark.django_db


def found(actor: Actor, text: str) -> list[Recipient]:
    params = QueryDict(mutable=True)
    params["q"] = text
    return list(TRACKED.select(actor, list_tracked(actor), params))


def crowd(cast: Cast, count: int = 2000) -> None:
    """So many messages, of fifty one for the domain, that reading them all is no choice, and PostgreSQL knows.

    Without it the plans hang on what other tests left in the statistics.
    """
    first = file_for(make_mailbox_in(cast.domain, "crowd"))
    message = first.message
    messages, recipients = [], []
    for n in range(count):
        words, at = f"of {n * 7919 % count}", message.received_at - timedelta(seconds=n)
        message.pk, message.key, message.received_at, message.subject = None, new_key(), at, f"Offer {words}"
        message.sender = message.header_from = f"seller{n}@shops.example"
        message.message_id = f"<{n}@shops.example>"
        messages.append(copy(message))
    for n, message in enumerate(Message.objects.bulk_create(messages)):
        domain = cast.elsewhere if n % 50 else cast.domain
        address = f"person{n}@{domain.name}"
        first.pk, first.message, first.received_at, first.mailbox = None, message, message.received_at, None
        first.domain_id, first.customer_id, first.asked, first.address = domain.pk, domain.customer_id, address, address
        recipients.append(copy(first))
    Recipient.objects.bulk_create(recipients)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Message._meta.db_table}, {Recipient._meta.db_table}")


def plan(actor: Actor, text: str) -> str:
    """How PostgreSQL would find them."""
    params = QueryDict(mutable=True)
    params["q"] = text
    return str(TRACKED.select(actor, list_tracked(actor), params).order_by().explain())


def test_every_search_has_an_index(cast: Cast) -> None:
    crowd(cast)
    actor = Actor.for_user(cast.administrator)
    wanted = {
        "subject:bridge": "gw_message_by_words",
        'subject:"the bridge"': "gw_message_by_words",
        "id:abc@friends.example": "gw_message_by_message_id",
        "key:0641f3a90c2d4b7e1f09a": "gw_message_key",
        "sender:bob": "gw_message_by_sender",
        "from:bob": "gw_message_by_from",
        "ada": "gw_recipient_by_address",
    }
    plans = {typed: plan(actor, typed) for typed in wanted}
    assert {typed: told for typed, told in plans.items() if wanted[typed] not in told or "Seq Scan" in told} == {}


def test_a_message_is_found_by_what_people_have_of_it(cast: Cast) -> None:
    row = file_for(make_mailbox_in(cast.domain, "ada"), RAW.replace(b"The bridge", b"Stromrechnung 2026-1177"))
    file_for(make_mailbox_in(cast.domain, "eve"))
    Message.objects.filter(pk=row.message_id).update(message_id="<One@Friends.example>")
    actor = Actor.for_user(cast.administrator)
    for typed in (
        "subject:STROMrech",
        "subject:1177",
        "subject:strom*11",
        'subject:"stromrechnung 2026"',
        "subject=STROMRECHNUNG*1177",
        "subject:2026-11",
        "id:One@Friends.example",
        "id:<One@Friends.example>",
        f"key:{row.message.key}",
        f"domain:{cast.domain.name} subject:strom",
        "subject:strom received:today",
        "subject:strom received:2026-01..today",
        "ada",
    ):
        assert found(actor, typed) == [row], typed
    assert (
        found(actor, "subject:strom received<2020")
        == []
        == found(actor, "subject:bridges")
        == found(actor, "subject=stromrechnung")
        and found(actor, f"domain:{cast.elsewhere.name}") == []
    )


@pytest.mark.parametrize("typed", ["b", "*ridge", "%", "_"])
def test_what_no_index_finds_in_a_subject_is_refused_with_a_sentence(cast: Cast, client: Client, typed: str) -> None:
    file_for(make_mailbox_in(cast.domain, "ada"))
    client.force_login(cast.administrator)
    text = client.get(reverse("gateway:tracking"), {"q": f"subject:{typed}"}).content.decode()
    assert "by two letters or digits at least" in text
    assert "Nothing was looked for" in text


def test_one_domain_and_ones_own_mail_are_read_in_the_order_of_their_own_index(cast: Cast) -> None:
    """However much others get: nothing is sorted, and nothing of theirs is passed by."""
    crowd(cast)
    helper, user = Actor.for_user(cast.domain_administrator), Actor.for_user(cast.user)
    newest = ("-received_at", "-pk")
    for rows, index in ((list_tracked(helper), "gw_recipient_by_domain"), (list_own(user), "gw_recipient_by_mailbox")):
        told = str(rows.order_by(*newest)[:50].explain())
        assert index in told and "Sort" not in told, told


@pytest.fixture
def sorting(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL plans as it does for a word that some of very many messages have."""
    monkeypatch.setattr(tracking, "sorts", lambda _rows, _count: True)


def test_with_a_word_the_time_is_said_of_the_message_too(cast: Cast, client: Client, sorting: None) -> None:
    crowd(cast, 231)
    client.force_login(cast.administrator)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("gateway:tracking"), {"q": "subject:offer received>2020"}).context["list"].page
        page = client.get(page.pager.older_url).context["list"].page
    read = [each["sql"] for each in queries.captured_queries if "LIMIT 51" in each["sql"]]
    assert ['"gateway_message"."received_at" >=' in sql for sql in read] == [True, True]
    newest = Recipient.objects.filter(message__subject__startswith="Offer").order_by("-received_at", "-pk")
    assert [row.pk for row in page.rows] == list(newest.values_list("pk", flat=True)[50:100])


@pytest.mark.parametrize(("old", "pages_read"), [(0, 1), (180, 1), (181, 2), (230, 2)])
def test_the_newest_with_a_word_are_shown_first_and_all_of_them_are_found(
    cast: Cast, client: Client, sorting: None, old: int, pages_read: int
) -> None:
    """However many of the 231 came in the last month, where the first page of 50 is looked for."""
    crowd(cast, 231)
    offers = Recipient.objects.filter(message__subject__startswith="Offer").order_by("-received_at", "-pk")
    ids = list(offers.values_list("pk", flat=True))
    for model, rows in ((Recipient, "pk__in"), (Message, "recipients__in")):
        late = model.objects.filter(**{rows: ids[231 - old :]})
        late.update(received_at=F("received_at") - timedelta(days=40))
    client.force_login(cast.administrator)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(reverse("gateway:tracking"), {"q": "subject:offer"}).context["list"].page
    assert sum("LIMIT 51" in each["sql"] for each in queries.captured_queries) == pages_read
    assert page.total == 200 and page.total_is_capped
    shown = [row.pk for row in page.rows]
    while page.pager.older_url:
        page = client.get(page.pager.older_url).context["list"].page
        shown += [row.pk for row in page.rows]
    assert shown == ids
