"""Kept mail by the API: listed, read by its owner only, released as Cleanmail does it, asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import OptionValue
from accounts.permissions import Level
from archive import engines
from domains.models import SenderRule
from gateway.keeping.moving import Patience, keep_waiting
from gateway.models import QueueItem, Recipient
from gateway.release_options import ON_REQUEST, THEMSELVES
from tests.api import world
from tests.api.callers import is_problem
from tests.archive.django.conftest import stores
from tests.gateway.factories import arrive, held_for, spam

__all__ = ["stores"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(stores: None) -> Iterator[world.World]:
    yield world.build()
    engines.close_all()


def url(cast: world.World, rest: str = "", folder: str = "Quarantine") -> str:
    return f"/users/{cast.own.person.pk}/emails/{folder}{rest}"


def test_a_folder_is_listed_searched_and_nobody_elses(cast: world.World) -> None:
    row = held_for(cast.own.mailbox, raw=spam("You have won", files=[("a.bin", b"x")]))
    held_for(cast.foreign.mailbox)
    (line,) = cast.user.get(url(cast)).json()
    assert (line["id"], line["subject"], line["from"]) == (row.message.key, "You have won", "prizes@lottery.example")
    assert (line["envelopeSender"], line["verdict"], line["score"]) == ("bounces@lottery.example", "spam", 9.0)
    assert line["reason"] == "Its spam score is 9.0; spam begins at 5.0." and line["hasAttachments"] is True
    assert cast.delegate.get(url(cast, "?from=bounces%40lottery&subject=WON")).json() == [line]
    assert cast.delegate.get(url(cast, "?subject=nothing")).json() == []
    assert cast.delegate.get(f"/domains/{cast.own.domain.pk}/quarantine").json() == [line]
    assert cast.user.get(url(cast, folder="Retention")).json() == []
    found = [
        ("from=*@lottery.example", True),
        ("from=lottery*", False),
        ("subject=*won", True),
        ("subject=have*", False),
    ]
    for query, is_there in found:  # the same for a person and for a domain, as on pages
        for list_url in (url(cast), f"/domains/{cast.own.domain.pk}/quarantine"):
            assert cast.delegate.get(f"{list_url}?{query}").json() == ([line] if is_there else []), (list_url, query)
    with CaptureQueriesContext(connection) as asked:
        cast.delegate.get(f"/domains/{cast.own.domain.pk}/quarantine?subject=won&from=lottery")
    assert sum('"held_text"' in each["sql"].partition("WHERE")[2] for each in asked) >= 1
    is_problem(cast.user.get(url(cast, folder="Trash")), 404)
    (folder,) = cast.delegate.get(url(cast, "?fields=STATS", folder="folders")).json()
    assert (folder["path"], folder["messageCount"]) == ("Quarantine", 1)
    assert cast.delegate.get(folder["messagesUri"]).json() == [line]


def test_its_owner_reads_it_and_an_administrator_does_not(cast: world.World) -> None:
    row = held_for(cast.own.mailbox, raw=spam(body="The secret\n", files=[("a.bin", b"12345")]))
    keep_waiting(Patience())
    one = url(cast, f"/{row.message.key}")
    found = cast.user.get(f"{one}?fields=HEADERS,CONTENT,SOURCE").json()
    assert found["headers"]["Subject"] == ["You have won"] and "The secret" in found["content"]
    assert found["source"].startswith("From: Lottery") and found["attachments"]["count"] == 1
    assert cast.user.get(one).json()["content"] is None
    by_name = cast.user.get(url(cast, f"/{found['messageId'].strip('<>')}"))
    assert by_name.json()["id"] == row.message.key
    (part,) = cast.user.get(f"{one}/attachments").json()["attachments"]
    taken = cast.user.get(part["downloadUri"].removeprefix("/api/v1"))
    assert b"".join(taken.streaming_content) == b"12345"
    is_problem(cast.administrator.get(one), 404)


def test_what_came_for_nobodys_address_is_looked_after_with_its_domain(cast: world.World) -> None:
    domain = cast.own.domain
    message = arrive((domain, "kim"), (domain, "lee"), raw=spam())
    kim, lee = message.recipients.order_by("pk")
    keep_waiting(Patience())
    lines = cast.delegate.get(f"/domains/{domain.pk}/quarantine").json()
    one, other = (f"/domains/{domain.pk}/quarantine/{message.key}-{row.pk}" for row in (kim, lee))
    assert {line["uri"] for line in lines} == {f"/api/v1{one}", f"/api/v1{other}"}
    assert cast.delegate.get(one).json()["to"] == ["kim@own.example"]
    is_problem(cast.delegate.get(f"/domains/{domain.pk}/quarantine/{message.key}"), 404)  # which of them?
    assert cast.delegate.post(f"{one}/release").status_code == 204
    assert cast.delegate.post(f"{other}/sender", {"mark": "BLOCK"}).json() == {"sender": "prizes@lottery.example"}
    assert SenderRule.objects.get().domain == domain and cast.delegate.delete(other).status_code == 204
    assert set(message.recipients.values_list("state", flat=True)) == {"released", "deleted"}


def test_the_source_of_infected_mail_is_for_who_may_release_it(cast: world.World) -> None:
    row = held_for(cast.own.mailbox, raw=spam(body="X5O!P%@AP\n"), virus="Eicar")
    one = url(cast, f"/{row.message.key}")
    assert "X5O" in cast.user.get(f"{one}?fields=CONTENT").json()["content"]  # the words, without what could do harm
    for source in (f"{one}?fields=SOURCE", f"{one}?fields=HEADERS,source", f"{one}/source"):
        is_problem(cast.user.get(source), 403)


def test_release_is_as_cleanmail_has_it(cast: world.World) -> None:
    row = held_for(cast.own.mailbox)
    one = url(cast, f"/{row.message.key}/release")
    wanted = {"X_Virus_Lover": "true"}
    is_problem(cast.administrator.post(one, **wanted), 412)
    assert cast.user.post(one, {"allowSender": True}).status_code == 204
    assert QueueItem.objects.get().address == cast.own.mailbox.address
    assert SenderRule.objects.get().type == "allow"
    is_problem(cast.user.post(one), 409)
    infected = held_for(cast.own.mailbox, virus="Eicar")
    other = url(cast, f"/{infected.message.key}/release")
    is_problem(cast.administrator.post(other), 412)
    is_problem(cast.user.post(other, {"reason": "I want it"}, **wanted), 409)
    is_problem(cast.administrator.post(other, **wanted), 422)
    assert cast.administrator.post(other, {"reason": "A sample"}, **wanted).status_code == 204
    is_problem(cast.user.post(url(cast, "/nothing/release")), 404)


def test_deleting_reporting_and_marking_a_sender(cast: world.World) -> None:
    row = held_for(cast.own.mailbox)
    one = url(cast, f"/{row.message.key}")
    assert cast.user.post(f"{one}/report", {"verdict": "CLEAN"}).status_code == 204
    assert cast.user.post(f"{one}/sender", {"mark": "BLOCK"}).json() == {"sender": "prizes@lottery.example"}
    assert cast.user.delete(one).status_code == 204
    assert Recipient.objects.get().state == "deleted" and cast.user.get(url(cast)).json() == []
    is_problem(cast.user.delete(one), 409)


def test_a_request_is_made_listed_and_decided(cast: world.World) -> None:
    for name, value in ((THEMSELVES, []), (ON_REQUEST, ["spam"])):
        OptionValue.objects.create(level=Level.DOMAIN, object_id=cast.own.domain.pk, name=name, value=value)
    row = held_for(cast.own.mailbox)
    one = url(cast, f"/{row.message.key}")
    is_problem(cast.user.post(f"{one}/release"), 409)
    made = cast.user.post(f"{one}/release-request", {"reason": "It is a bill"}).json()
    (listed,) = cast.delegate.get("/release-requests?state=open").json()
    assert listed == made and listed["why"] == "It is a bill"
    assert cast.user.get(url(cast)).json()[0]["releaseRequested"] is True
    decision = f"/release-requests/{made['id']}/decision"
    is_problem(cast.user.post(decision, {"grant": True}), 403)
    assert cast.delegate.post(decision, {"grant": True, "answer": "Looks fine"}).status_code == 204
    assert QueueItem.objects.count() == 1
