"""Our own mails leave by the server that people set: through the gate, its password written and never shown."""

from __future__ import annotations

import io
import ipaddress
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from config.kit import mailing
from config.kit.versions import ChangedMeanwhile
from jobs import mail_server
from jobs.commands import get_command
from jobs.errors import BadArguments
from jobs.models import MailServer, Task
from jobs.services import run_here, run_waiting
from tests import certificates
from tests.smtp_server import Behaviour, SmtpServer, running_server

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[SmtpServer]:
    certificate = certificates.make_certificate("127.0.0.1")
    behaviour = Behaviour(tls=certificate.context(tmp_path), auth="PLAIN LOGIN", users={"us": PASSWORD})
    with running_server(behaviour) as running:
        settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
        settings.ALLOWED_PORTS = frozenset({running.port})
        settings.EMAIL_HOST = ""
        yield running


def values(server: SmtpServer, **changed: Any) -> dict[str, Any]:
    return {
        "hostname": server.address, "port": server.port, "protocol": "SMTP-TLS", "trusts_all": True, "signs_in": True,
        "username": "us", "password": PASSWORD, "from_name": "The post room", "from_address": "post@example.org",
        "recipients": ["notices@example.org"], **changed,
    }  # fmt: skip


def letter() -> mailing.Letter:
    return mailing.Letter.of_template("mails/test.txt", {"who": "Ada", "server": "mx"})


def test_mails_leave_by_the_server_that_was_set(server: SmtpServer, administrator: User) -> None:
    mail_server.set_mail_server(Actor.for_user(administrator), values(server))
    mailing.post("ada@example.org", letter())
    mailing.post("ada@example.org", letter(), sender="Example Corp")
    assert "From: The post room <post@example.org>" in server.mails[0]
    assert "From: Example Corp <post@example.org>" in server.mails[1]
    assert any(line.startswith("STARTTLS") for line in server.said)


def test_tls_from_the_first_byte_is_spoken_where_it_was_chosen(server: SmtpServer, administrator: User) -> None:
    server.behaviour.is_implicit = True
    mail_server.set_mail_server(Actor.for_user(administrator), values(server, protocol="SMTP-SSL"))
    mailing.post("ada@example.org", letter())
    assert len(server.mails) == 1 and not any(line.startswith("STARTTLS") for line in server.said)


def test_a_certificate_nobody_vouches_for_gets_no_password(server: SmtpServer, administrator: User) -> None:
    mail_server.set_mail_server(Actor.for_user(administrator), values(server, trusts_all=False))
    with pytest.raises(mailing.NotSent):
        mailing.post("ada@example.org", letter())
    assert not server.mails and not any(line.startswith("AUTH") for line in server.said)


def test_the_gate_keeps_us_from_servers_that_are_not_open(
    server: SmtpServer, administrator: User, settings: Settings
) -> None:
    settings.ALLOWED_RELAYS = ()
    mail_server.set_mail_server(Actor.for_user(administrator), values(server))
    with pytest.raises(mailing.NotSent) as refused:
        mailing.post("ada@example.org", letter())
    assert refused.value.permanent and server.connections == 0


def test_the_password_is_sealed_kept_and_shown_nowhere(
    server: SmtpServer, administrator: User, client_for: Callable[[User | None], Client]
) -> None:
    actor = Actor.for_user(administrator)
    row = mail_server.set_mail_server(actor, values(server))
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM jobs_mailserver")
        assert cursor.fetchone()[0].startswith("sealed:1:")
    assert PASSWORD not in json.dumps(mail_server.as_json(row))
    page = client_for(administrator).get(reverse("jobs:mail-server"))
    assert PASSWORD not in page.content.decode()
    assert not AuditEvent.objects.filter(details__icontains=PASSWORD).exists()
    kept = {name: value for name, value in values(server, from_name="Else").items() if name != "password"}
    mail_server.set_mail_server(actor, kept)
    assert MailServer.objects.get().password.reveal() == PASSWORD


@pytest.mark.parametrize("changed", [{"hostname": "127.0.0.2"}, {"port": 2525}, {"username": "them"}])
def test_a_kept_password_goes_to_no_other_server(
    server: SmtpServer, administrator: User, changed: dict[str, Any]
) -> None:
    actor = Actor.for_user(administrator)
    mail_server.set_mail_server(actor, values(server))
    other = values(server, **changed)
    del other["password"]
    with pytest.raises(BadArguments) as refused:
        mail_server.set_mail_server(actor, other)
    assert refused.value.field == "password"
    mail_server.set_mail_server(actor, {**other, "password": "another"})


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"hostname": "no host"}, "hostname"), ({"port": 0}, "port"), ({"protocol": "UUCP"}, "protocol"),
        ({"protocol": "SMTP"}, "protocol"), ({"username": ""}, "username"), ({"password": ""}, "password"),
        ({"password": "pässword"}, "password"), ({"from_address": "post"}, "from_address"),
        ({"from_name": "a\nBcc: x@example.org"}, "from_name"), ({"recipients": ["x"]}, "recipients"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_its_field(
    server: SmtpServer, administrator: User, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadArguments) as refused:
        mail_server.set_mail_server(Actor.for_user(administrator), values(server, **changed))
    assert refused.value.field == field and not MailServer.objects.exists()


def test_only_who_runs_the_server_sets_it(server: SmtpServer, user: User) -> None:
    for action in (
        lambda: mail_server.set_mail_server(Actor.for_user(user), values(server)),
        lambda: mail_server.get_mail_server(Actor.for_user(user)),
        lambda: mail_server.forget_mail_server(Actor.for_user(user)),
        lambda: mail_server.test_mail_server(Actor.for_user(user)),
    ):
        with pytest.raises(Forbidden):
            action()


def test_a_test_mail_arrives_and_its_conversation_is_written_down_without_secrets(
    server: SmtpServer, administrator: User
) -> None:
    actor = Actor.for_user(administrator)
    mail_server.set_mail_server(actor, values(server))
    to, trial = mail_server.test_mail_server(actor)
    said = "\n".join(trial.transcript)
    assert trial.is_sent and to == "notices@example.org" and "To: notices@example.org" in server.mails[0]
    assert "AUTH PLAIN ••••••" in said and "S: 235" in said and "TLS: TLSv1.3" in said and "the message, " in said
    assert PASSWORD not in said


def test_a_test_mail_says_what_the_server_refused_and_keeps_the_password_secret(
    server: SmtpServer, administrator: User
) -> None:
    actor = Actor.for_user(administrator)
    mail_server.set_mail_server(actor, values(server, password="wrong"))
    _to, trial = mail_server.test_mail_server(actor, to="ada@example.org")
    assert not trial.is_sent and trial.category == "authentication"
    assert "535" in trial.text and "wrong" not in trial.text.replace("is wrong for", "")
    server.behaviour.replies["RCPT"] = "550 5.1.1 nobody of this name"
    mail_server.set_mail_server(actor, values(server))
    _to, refused = mail_server.test_mail_server(actor, to="ada@example.org")
    assert refused.category == "rejected" and "550 5.1.1 nobody of this name" in refused.text


def test_the_commands_take_the_dataset_by_its_names(server: SmtpServer, administrator: User) -> None:
    actor = Actor.for_user(administrator)
    dataset = {
        "hostname": server.address, "port": server.port, "protocol": "SMTP-TLS", "ignoreSslPolicyErrors": True,
        "authenticationRequired": True, "username": "us", "password": PASSWORD, "fromDisplayName": "The post room",
        "fromEmailAddress": "post@example.org", "recipientEmailAddresses": ["notices@example.org"],
    }  # fmt: skip
    done = [invoke(actor, "SetSmtpSettings", settings=dataset) for _run in range(2)]
    assert [each.state for each in done] == ["completed"] * 2 and PASSWORD not in str(done[0].result)
    assert done[0].arguments == {}
    read = invoke(actor, "GetSmtpSettings").result
    kept = {key: value for key, value in dataset.items() if key != "password"}
    assert read is not None and {**read, **kept} == read and read["hasPassword"] is True
    tried = invoke(actor, "TestSmtpSettings")
    assert tried.state == Task.State.COMPLETED and tried.result is not None and tried.result["sent"]
    server.behaviour.replies["MAIL"] = "451 4.3.0 later"
    failed = invoke(actor, "TestSmtpSettings")
    assert failed.state == Task.State.FAILED and "later" in failed.error
    assert failed.result is not None and failed.result["transcript"]
    assert invoke(actor, "SetSmtpSettings", settings={**dataset, "colour": "blue"}).state == Task.State.FAILED


def test_the_page_saves_tests_and_forgets(
    server: SmtpServer, administrator: User, client_for: Callable[[User | None], Client]
) -> None:
    client, url = client_for(administrator), reverse("jobs:mail-server")
    fields = {name: value for name, value in values(server).items() if value is not True}
    fields |= {"trusts_all": "on", "signs_in": "on", "recipients": "notices@example.org\nada@example.org"}
    assert client.post(url, {**fields, "protocol": "SMTP"}).status_code == 422
    assert client.post(url, fields).status_code == 303
    assert MailServer.objects.get().recipients == ["notices@example.org", "ada@example.org"]
    sent = client.post(reverse("jobs:mail-server-test"), {"recipient": "eve@example.org"})
    task = Task.objects.get()
    assert sent["Location"] == reverse("jobs:task-detail", args=[task.pk])
    run_waiting(task.pk)
    assert "To: eve@example.org" in server.mails[0]
    assert "AUTH PLAIN" in client.get(sent["Location"]).content.decode()
    assert client.post(reverse("jobs:mail-server-forget")).status_code == 303 and not MailServer.objects.exists()
    with pytest.raises(ChangedMeanwhile):
        mail_server.set_mail_server(Actor.for_user(administrator), values(server))
        mail_server.set_mail_server(Actor.for_user(administrator), values(server, from_name="Else"), expected=7)


def invoke(actor: Actor, name: str, **given: Any) -> Task:
    command = get_command(name)
    return run_here(actor, name, command.arguments_from_json(given))


@pytest.mark.django_db(transaction=True)
def test_a_shell_sets_it_with_json(server: SmtpServer) -> None:
    text = json.dumps({"hostname": server.address, "port": server.port, "fromEmailAddress": "post@example.org"})
    out = io.StringIO()
    call_command("invoke", "--", "SetSmtpSettings", "--settings", text, "--json", stdout=out)
    assert json.loads(out.getvalue())["result"]["hostname"] == server.address
