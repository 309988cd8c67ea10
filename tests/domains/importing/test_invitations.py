"""People that came with a file without a password get a mail; who doesn't is named, and nobody twice."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import OneTimeLink, User
from domains.commands.importing import BatchArguments, ImportArguments
from domains.models import Domain, Mailbox, PendingInvitation
from domains.services.importing import invitations
from domains.services.importing.uploads import keep_upload
from jobs.models import Task
from jobs.services import run_here, run_waiting
from tests.domains.factories import make_delegate, make_domain
from tests.domains.importing.helping import SYSTEM, run
from tests.factories import PASSWORD
from tests.smtp_server import Behaviour, SmtpServer, running_server

ClientFor = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db
THREE = f"email,password,status\na@example.org,,\nb@example.org,{PASSWORD},\nc@example.org,,disabled\nd@example.org,,\n"


@pytest.fixture
def domain() -> Domain:
    return make_domain("example.org")


@pytest.fixture
def mail(settings: Any) -> Iterator[Callable[..., SmtpServer]]:
    """Starts a mail server, and has our own mails go there."""
    open_servers = []

    def start(**behaviour: Any) -> SmtpServer:
        context = running_server(Behaviour(**behaviour))
        server = context.__enter__()
        open_servers.append(context)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.address, server.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        return server

    yield start
    for context in open_servers:
        context.__exit__(None, None, None)


def send(actor: Actor, batch: str) -> invitations.Invited:
    return invitations.send_invitations(actor, uuid.UUID(batch), progress=lambda _done: None, stop=lambda: False)


def import_by_task(actor: Actor, text: str, *, dry_run: bool = False) -> Task:
    upload = keep_upload(actor, SimpleUploadedFile("u.csv", text.encode()), "u.csv")
    return run_here(actor, "ImportUsers", ImportArguments(upload=str(upload.pk), invite=True, dry_run=dry_run))


def test_an_import_invites_who_has_no_password_and_the_link_lets_them_in(
    domain: Domain, mail: Callable[..., SmtpServer], client_for: ClientFor
) -> None:
    server = mail()
    person = make_delegate(domain)
    dry = import_by_task(Actor.for_user(person), THREE, dry_run=True)
    assert dry.result is not None and dry.result["invited"] == 2 and not PendingInvitation.objects.exists()
    page = client_for(person).get(reverse("jobs:task-detail", args=[dry.pk])).content.decode()
    assert "Would be invited by mail" in page and 'name="invite" value="1"' in page
    task = import_by_task(Actor.for_user(person), THREE)
    assert task.state == "completed", task.error
    assert task.result is not None
    asked = Task.objects.get(pk=task.result["invitations"])
    assert asked.actor == person
    done = run_waiting(asked.pk)
    assert done is not None and done.state == "completed" and done.result is not None
    assert (done.result["sent"], done.result["failed"], done.result["left"]) == (2, 0, 0)
    assert len(server.mails) == 2 and not PendingInvitation.objects.exists()
    assert {re.findall(r"^To: (\S+)", text, re.M)[0] for text in server.mails} == {"a@example.org", "d@example.org"}
    link = re.findall(r"https?://\S+", server.mails[0].replace("=\r\n", ""))[0]
    path = "/" + link.split("/", 3)[3]
    response = client_for(None).post(path, {"new_password1": PASSWORD, "new_password2": PASSWORD, "password": PASSWORD})
    assert response.status_code in (302, 303)
    people = User.objects.filter(email__in=["a@example.org", "d@example.org"])
    assert sum(user.has_usable_password() for user in people) == 1


def test_nobody_is_invited_where_that_was_not_chosen(domain: Domain, file: Path) -> None:
    result = run(file, "users", THREE)
    assert (result.without, result.invited, result.batch) == (2, 0, "")
    assert not PendingInvitation.objects.exists() and not OneTimeLink.objects.exists()


def test_who_may_not_set_passwords_invites_nobody(domain: Domain, file: Path) -> None:
    actor = Actor.for_user(make_delegate(domain, rights=["manage_users"]))
    result = run(file, "users", "email\na@example.org\n", actor, invite=True)
    assert (result.created, result.without, result.invited) == (1, 1, 0)
    batch = run(file, "users", "email\nb@example.org\n", invite=True).batch
    with pytest.raises(Forbidden):
        send(actor, batch)
    assert PendingInvitation.objects.count() == 1


def test_somebody_from_elsewhere_sends_no_invitations_and_loses_none(
    domain: Domain, file: Path, mail: Callable[..., SmtpServer]
) -> None:
    server = mail()
    batch = run(file, "users", "email\na@example.org\n", invite=True).batch
    result = send(Actor.for_user(make_delegate(make_domain("other.example"))), batch)
    assert (result.sent, result.failed, result.left) == (0, 1, 1)
    assert server.mails == [] and not OneTimeLink.objects.exists()


def test_an_address_that_the_server_refuses_is_named_and_the_others_are_mailed(
    domain: Domain, file: Path, mail: Callable[..., SmtpServer]
) -> None:
    server = mail(replies={"RCPT TO:<B@": "550 5.1.1 no such user"})
    batch = run(file, "users", "email\na@example.org\nb@example.org\nc@example.org\n", invite=True).batch
    result = send(SYSTEM, batch)
    assert (result.sent, result.failed, result.left) == (2, 1, 0)
    assert [failure["email"] for failure in result.failures] == ["b@example.org"]
    assert "no such user" in result.failures[0]["reason"]
    assert len(server.mails) == 2


def test_a_mail_server_that_is_away_stops_the_task_which_goes_on_later(
    domain: Domain, file: Path, mail: Callable[..., SmtpServer]
) -> None:
    mail(replies={"MAIL FROM": "451 4.3.0 come back later"})
    text = "email\n" + "".join(f"p{number}@example.org\n" for number in range(8))
    batch = run(file, "users", text, invite=True).batch
    task = run_here(SYSTEM, "InviteImportedUsers", BatchArguments(batch))
    assert task.state == "failed" and "start the task again" in task.error
    assert PendingInvitation.objects.count() == 8
    server = mail()
    result = send(SYSTEM, batch)
    assert (result.sent, result.left, len(server.mails)) == (8, 0, 8)


def test_without_a_mail_server_nothing_is_lost(domain: Domain, file: Path, settings: Any) -> None:
    settings.EMAIL_HOST = ""
    batch = run(file, "users", "email\na@example.org\n", invite=True).batch
    task = run_here(SYSTEM, "InviteImportedUsers", BatchArguments(batch))
    assert task.state == "failed" and "POSTKEEP_MAIL_HOST" in task.error
    assert PendingInvitation.objects.count() == 1
    assert invitations.forget_old(timezone.now() + invitations.KEPT * 2) == 1


def test_who_chose_a_password_meanwhile_gets_no_mail(
    domain: Domain, file: Path, mail: Callable[..., SmtpServer]
) -> None:
    server = mail()
    batch = run(file, "users", "email\na@example.org\n", invite=True).batch
    user = Mailbox.objects.get().user
    assert user is not None
    user.set_password(PASSWORD)
    user.save()
    result = send(SYSTEM, batch)
    assert (result.sent, result.already, result.left) == (0, 1, 0) and server.mails == []


def test_the_page_offers_invitations_as_the_mail_server_is(
    domain: Domain, client_for: ClientFor, settings: Any
) -> None:
    browser = client_for(make_delegate(domain))
    url = reverse("domains:csv-import", args=["users"])
    settings.EMAIL_HOST = "mail.example.org"
    page = browser.get(url).content.decode()
    assert re.search(r'name="invite"[^>]*checked', page)
    settings.EMAIL_HOST = ""
    page = browser.get(url).content.decode()
    assert re.search(r'name="invite"[^>]*disabled', page) and "POSTKEEP_MAIL_HOST" in page
    without = client_for(make_delegate(domain, rights=["manage_users"]))
    assert 'name="invite"' not in without.get(url).content.decode()
