"""Lists of mail by the page: whose, what is found, where a query can't be read, paging, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive.models import ArchiveAccess, ArchiveRead
from archive.services.access import open_archive
from tests.archive.django.factories import archive, folder_of, make_mails, make_raw
from tests.factories import make_mailbox

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]
SEARCH = "/mail/"


def subjects(content: bytes) -> list[str]:
    found = re.findall(r'<a class="mail__subject"[^>]*>(.*?)</a>', content.decode(), re.S)
    return [re.sub(r"<[^>]+>", "", each).strip() for each in found]


def links(content: bytes, rel: str) -> list[str]:
    return re.findall(rf'rel="{rel}" href="([^"]+)"', content.decode().replace("&amp;", "&"))


def test_somebody_without_mail_is_offered_the_first_step(client_for: ClientFor, user: User) -> None:
    answer = client_for(user).get(SEARCH)
    assert b"Your archive is empty" in answer.content
    assert reverse("archive:import").encode() in answer.content


def test_the_newest_stand_first_with_a_piece_of_their_text(client_for: ClientFor, user: User) -> None:
    archive(user, make_mails(3))
    answer = client_for(user).get(SEARCH)
    assert subjects(answer.content) == ["Report 2", "Report 1", "Report 0"]
    assert b"The budget of week 2." in answer.content


def test_a_search_marks_its_words_and_says_how_many_there_are(client_for: ClientFor, user: User) -> None:
    archive(user, [*make_mails(3), make_raw("Größe <b>", "only <script>alert(1)</script> size\n")])
    answer = client_for(user).get(SEARCH, {"q": "grosse"})
    assert "<mark>Größe</mark> &lt;b&gt;" in answer.content.decode()
    assert b"1 message found" in answer.content
    assert b"<script>alert" not in answer.content
    answer = client_for(user).get(SEARCH, {"q": "budget subject:report"})
    assert b"3 messages found" in answer.content
    assert b"Remove this filter" in answer.content


def test_a_query_that_cant_be_read_is_422_with_the_place(client_for: ClientFor, user: User) -> None:
    archive(user, [make_raw()])
    for headers in ({}, {"HX-Request": "true"}):
        answer = client_for(user).get(SEARCH, {"q": "lunch (friday"}, headers=headers)
        assert answer.status_code == 422
        assert b"<span>lunch </span><mark>(</mark><span>friday</span>" in answer.content
        assert answer["Vary"].find("HX-Request") >= 0


def test_htmx_gets_the_results_alone(client_for: ClientFor, user: User) -> None:
    archive(user, make_mails(2))
    answer = client_for(user).get(SEARCH, {"q": "budget"}, headers={"HX-Request": "true"})
    assert b'id="results"' in answer.content
    assert b"<html" not in answer.content


@pytest.mark.parametrize("query", ["", "budget"])
def test_pages_go_there_and_back_without_gap_or_repeat(client_for: ClientFor, user: User, query: str) -> None:
    archive(user, make_mails(120))
    client, seen = client_for(user), []
    answer = client.get(SEARCH, {"q": query})
    seen += subjects(answer.content)
    while older := links(answer.content, "next"):
        answer = client.get(older[0])
        seen += subjects(answer.content)
    assert seen == [f"Report {n}" for n in range(119, -1, -1)]
    (newer,) = links(answer.content, "prev")
    assert subjects(client.get(newer).content) == [f"Report {n}" for n in range(69, 19, -1)]


def test_pages_by_relevance_have_numbers(client_for: ClientFor, user: User) -> None:
    archive(user, make_mails(60))
    client = client_for(user)
    first = client.get(SEARCH, {"q": "budget", "sort": "relevance"})
    second = client.get(links(first.content, "next")[0])
    assert len(subjects(first.content)) == 50
    assert len(set(subjects(first.content) + subjects(second.content))) == 60


def test_a_cursor_that_is_none_is_404(client_for: ClientFor, user: User) -> None:
    archive(user, make_mails(2))
    assert client_for(user).get(SEARCH, {"before": "x' OR 1"}).status_code == 404


def test_a_folder_shows_its_own_messages_and_is_searched_alone(client_for: ClientFor, user: User) -> None:
    archive(user, make_mails(3), folder="Inbox")
    (public_id,) = archive(user, [make_raw("Elsewhere", "budget too\n")], folder="Other")
    url = reverse("archive:folder", args=folder_of(public_id))
    assert subjects(client_for(user).get(url).content) == ["Elsewhere"]
    assert subjects(client_for(user).get(url, {"q": "report"}).content) == []
    assert client_for(user).get(reverse("archive:folder", args=(999, 1))).status_code == 404


def test_nobody_finds_what_is_anothers(client_for: ClientFor, user: User, stranger: User, administrator: User) -> None:
    archive(user, make_mails(5))
    archive(stranger, [make_raw("Mine alone", "budget\n")])
    assert subjects(client_for(stranger).get(SEARCH, {"q": "budget"}).content) == ["Mine alone"]
    assert subjects(client_for(administrator).get(SEARCH, {"q": "budget"}).content) == []
    mailbox = make_mailbox(user)
    for person in (stranger, administrator):
        assert client_for(person).get(SEARCH, {"mailbox": mailbox.pk}).status_code == 404


def test_one_content_in_two_archives_is_two_peoples_own(client_for: ClientFor, user: User, stranger: User) -> None:
    raw = make_raw("Shared")
    (public_id,) = archive(user, [raw])
    assert archive(stranger, [raw]) == [public_id]
    for person in (user, stranger):
        answer = client_for(person).get(reverse("archive:message", args=[public_id]))
        assert answer.status_code == 200
        assert answer.content.count(b"/mail/folder/") >= 1
    store, number = folder_of(public_id)
    assert client_for(stranger).get(reverse("archive:folder", args=(store, number))).status_code == 404


@pytest.mark.parametrize("query", ["", "budget"])
def test_a_list_takes_the_same_queries_at_any_size(client_for: ClientFor, user: User, query: str) -> None:
    counts = []
    for number in (3, 60):
        archive(user, make_mails(number))
        client = client_for(user)
        client.get(SEARCH, {"q": query})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(SEARCH, {"q": query})
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 13


# --- an administrator with a reason -------------------------------------------------------------------------------


def open_for(client: Client, address: str, reason: str = "They asked for help") -> int:
    return client.post(
        reverse("archive:open-archive"), {"address": address, "reason": reason, "minutes": "60"}
    ).status_code


def test_an_opened_archive_can_be_read_and_its_owner_sees_that(
    client_for: ClientFor, user: User, administrator: User
) -> None:
    (public_id,) = archive(user, [make_raw("Salary")])
    mailbox, client, url = make_mailbox(user), client_for(administrator), reverse("archive:message", args=[public_id])
    assert client.get(url).status_code == 404
    assert open_for(client, user.email) == 303
    listed = client.get(SEARCH, {"mailbox": str(mailbox.pk), "q": "noon"})
    assert subjects(listed.content) == ["Salary"]
    assert b"They asked for help" in listed.content
    assert b"You are reading the archive of" in client.get(url).content
    assert client.get(reverse("archive:message-eml", args=[public_id])).status_code == 200
    assert {"archive.open", "archive.search", "archive.read"} <= set(
        AuditEvent.objects.values_list("action", flat=True)
    )
    assert ArchiveRead.objects.count() == 1
    owner = client_for(user).get(reverse("archive:access-log"))
    assert b"They asked for help" in owner.content
    access = ArchiveAccess.objects.get()
    detail = client_for(user).get(reverse("archive:access-detail", args=[access.pk]))
    assert b"Salary" in detail.content
    assert client.post(reverse("archive:close-archive", args=[access.pk])).status_code == 303
    assert client.get(url).status_code == 404


def test_an_access_ends_with_its_hour_and_with_the_right(
    client_for: ClientFor, user: User, administrator: User
) -> None:
    (public_id,) = archive(user, [make_raw()])
    client, url = client_for(administrator), reverse("archive:message", args=[public_id])
    open_for(client, user.email)
    assert client.get(url).status_code == 200
    administrator.is_administrator = False
    administrator.save()
    assert client.get(url).status_code == 404
    administrator.is_administrator = True
    administrator.save()
    access = ArchiveAccess.objects.get()
    access.expires_at = access.created_at
    access.save()
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("address", "reason"), [("user@example.org", " "), ("nobody@example.org", "a good reason"), ("x", "a good reason")]
)
def test_opening_needs_a_mailbox_and_a_reason(
    client_for: ClientFor, user: User, administrator: User, address: str, reason: str
) -> None:
    make_mailbox(user)
    assert open_for(client_for(administrator), address, reason) == 422
    assert ArchiveAccess.objects.count() == 0


def test_ones_own_archive_needs_no_opening(client_for: ClientFor, administrator: User) -> None:
    make_mailbox(administrator)
    assert open_for(client_for(administrator), administrator.email) == 422


def test_the_owner_sees_what_was_searched_for_while_their_archive_stood_open(
    client_for: ClientFor, user: User, administrator: User, stranger: User
) -> None:
    archive(user, make_mails(2))
    archive(stranger, make_mails(2))
    access = open_archive(Actor.for_user(administrator), address=user.email, reason="They asked for it")
    other = open_archive(Actor.for_user(administrator), address=stranger.email, reason="They asked for it")
    client = client_for(administrator)
    client.get(reverse("archive:search"), {"mailbox": str(access.mailbox_id), "q": "salary <b>"})
    client.get(reverse("archive:search"), {"mailbox": str(other.mailbox_id), "q": "elsewhere"})
    page = client_for(user).get(reverse("archive:access-detail", args=[access.pk])).content.decode()
    assert "Searched for" in page and "salary &lt;b&gt;" in page and "elsewhere" not in page
