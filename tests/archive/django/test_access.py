"""Opening somebody's archive: for how long, what is kept of it, what the owner sees and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import options
from accounts.actors import Actor
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services.options import write_option
from archive import selectors
from archive.errors import BadArguments
from archive.models import ArchiveAccess
from archive.services.access import LONGEST, offered_minutes, open_archive
from archive.services.notices import COMMAND, DelayArguments, delay_notice
from jobs import approvals
from jobs.errors import BadArguments as Refused
from jobs.errors import NeedsApproval
from jobs.services import run_waiting
from tests.archive.django.factories import archive, make_mails
from tests.factories import make_administrator

pytestmark = pytest.mark.django_db
ClientFor = Callable[..., Client]


def open_for(administrator: User, user: User, minutes: int = 60) -> ArchiveAccess:
    return open_archive(Actor.for_user(administrator), address=user.email, reason="asked by them", minutes=minutes)


def test_it_is_open_for_the_time_that_was_said(administrator: User, user: User) -> None:
    archive(user, make_mails(1), index=False)
    access = open_for(administrator, user, 15)
    assert access.expires_at - access.created_at == timedelta(minutes=15)


@pytest.mark.parametrize("minutes", [0, -5, 241, 100_000])
def test_no_longer_than_the_server_allows(administrator: User, user: User, minutes: int) -> None:
    archive(user, make_mails(1), index=False)
    with pytest.raises(BadArguments):
        open_for(administrator, user, minutes)
    assert not ArchiveAccess.objects.exists()


def test_the_server_says_how_long_and_the_form_offers_that(
    client_for: ClientFor, administrator: User, user: User
) -> None:
    archive(user, make_mails(1), index=False)
    write_option(Actor.system(), SERVER, options.get(LONGEST), 45)
    assert offered_minutes() == [15, 30, 45]
    client = client_for(administrator)
    url, form = reverse("archive:open-archive"), {"address": user.email, "reason": "asked by them"}
    assert client.get(url).status_code == 200
    assert client.post(url, form | {"minutes": "120"}).status_code == 422
    assert client.post(url, form | {"minutes": "30"}).status_code == 303
    access = ArchiveAccess.objects.get()
    assert access.expires_at - access.created_at == timedelta(minutes=30)


def test_what_is_searched_for_stands_before_the_owner(client_for: ClientFor, administrator: User, user: User) -> None:
    archive(user, make_mails(3))
    access = open_for(administrator, user)
    client_for(administrator).get(reverse("archive:search"), {"mailbox": str(access.mailbox_id), "q": "budget salary"})
    page = client_for(user).get(reverse("archive:access-detail", args=[access.pk])).content.decode()
    assert "budget salary" in page


def test_a_case_delays_the_owners_notice_when_a_second_person_agrees(administrator: User, user: User) -> None:
    archive(user, make_mails(1), index=False)
    second = make_administrator()
    until = (timezone.now() + timedelta(days=30)).date().isoformat()
    arguments = DelayArguments(mailbox=user.email, case="File 4711", until=until)
    with pytest.raises(NeedsApproval):
        delay_notice(Actor.for_user(administrator), arguments)
    asked = approvals.ask(Actor.for_user(administrator), COMMAND, arguments, reason="the court asks for it")
    assert asked.is_waiting
    approvals.approve(Actor.for_user(second), asked)
    assert asked.task is not None
    done = run_waiting(asked.task.pk)
    assert done is not None
    assert done.state == "completed", done.error
    access = open_for(administrator, user)
    assert access.notice_at is not None
    assert access.notice_at.date().isoformat() == until
    assert list(selectors.list_accesses_to(Actor.for_user(user))) == []
    other = open_for(second, user)  # who wasn't part of it is seen at once
    assert list(selectors.list_accesses_to(Actor.for_user(user))) == [other]


@pytest.mark.parametrize("until", ["yesterday", "2020-01-01", "2999-01-01"])
def test_a_notice_is_delayed_to_a_day_within_a_year(administrator: User, user: User, until: str) -> None:
    archive(user, make_mails(1), index=False)
    with pytest.raises(Refused):
        arguments = DelayArguments(mailbox=user.email, case="File 4711", until=until)
        approvals.ask(Actor.for_user(administrator), COMMAND, arguments, reason="the court asks for it")


def test_a_delayed_notice_is_seen_when_its_day_has_come(client_for: ClientFor, administrator: User, user: User) -> None:
    archive(user, make_mails(1), index=False)
    access = open_for(administrator, user)
    ArchiveAccess.objects.update(notice_at=timezone.now() + timedelta(days=30))
    assert list(selectors.list_accesses_to(Actor.for_user(user))) == []
    url = reverse("archive:access-detail", args=[access.pk])
    assert client_for(user).get(url).status_code == 404
    ArchiveAccess.objects.update(notice_at=timezone.now() - timedelta(minutes=1))
    assert list(selectors.list_accesses_to(Actor.for_user(user))) == [access]
    assert client_for(user).get(url).status_code == 200
