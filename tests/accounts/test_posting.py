"""Mails to people are a task's: nobody waits for the mail server, and a link is made when its mail is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import OneTimeLink, User
from domains.models import Domain
from jobs.models import Task
from jobs.services import run_waiting
from tests.accounts.access import GIVEN
from tests.domains.factories import make_delegate, make_domain, make_mailbox_in
from tests.factories import make_user

ClientFor = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


@pytest.fixture(autouse=True)
def mail_server(settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example"


@pytest.mark.parametrize(
    ("route", "has_password", "command"),
    [
        ("user-link", True, "SendPasswordResetMail"),
        ("user-link", False, "SendWelcomeMail"),
        ("user-sign-in-link", True, "SendTokenMail"),
    ],
)
def test_a_link_is_made_and_mailed_by_a_task(
    client_for: ClientFor, domain: Domain, route: str, has_password: bool, command: str
) -> None:
    person = make_mailbox_in(domain, "ada").user
    assert person is not None
    if has_password:
        person.set_password("a long enough password")
        person.save()
    browser = client_for(make_delegate(domain))
    answer = browser.post(reverse(f"accounts:{route}", args=[person.pk]))
    assert answer.status_code == 303 and mail.outbox == []
    task = Task.objects.get()
    assert (task.type, task.state, OneTimeLink.objects.count()) == (command, Task.State.WAITING, 0)
    run_waiting(task.pk)
    (sent,) = mail.outbox
    found = re.search(r"https?://[^/]+(/\S+)", str(sent.body))
    assert sent.to[0].endswith("ada@example.org>") or sent.to == ["ada@example.org"]
    assert found and Client().get(found[1]).status_code == 200


def test_a_new_administrator_is_invited_by_a_task(client_for: ClientFor, domain: Domain) -> None:
    browser = client_for(make_delegate(domain))
    address = reverse("accounts:grant-add", args=["domain", domain.pk])
    answer = browser.post(address, GIVEN)
    assert answer.status_code == 303, answer.content.decode()[-2000:]
    assert mail.outbox == [] and Task.objects.get().type == "SendWelcomeMail"
    run_waiting(Task.objects.get().pk)
    assert len(mail.outbox) == 1


def test_without_a_mail_server_the_link_is_shown_once(client_for: ClientFor, domain: Domain, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    person = make_mailbox_in(domain, "ada").user
    assert person is not None
    browser = client_for(make_delegate(domain))
    answer = browser.post(reverse("accounts:user-link", args=[person.pk]))
    assert answer.status_code == 200 and "/link/" in answer.content.decode() and not Task.objects.exists()


def test_who_may_not_make_a_link_has_none_mailed(client_for: ClientFor, domain: Domain) -> None:
    person = make_mailbox_in(domain, "ada").user
    assert person is not None
    for stranger in (make_user("stranger@example.net"), make_delegate(make_domain())):
        assert client_for(stranger).post(reverse("accounts:user-link", args=[person.pk])).status_code == 404
    assert not Task.objects.exists()
