"""The status report is mailed: to each in their language, with pictures, and only to whom its sender may write."""

from __future__ import annotations

import email
import email.policy
import ipaddress
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.actors import Actor
from accounts.models import AuditEvent, User
from archive import engines
from jobs import mail_server, planning
from jobs.commands import get_command
from jobs.dispatching import settle_runs
from jobs.errors import BadArguments, NotReady
from jobs.models import Job, MailServer, Task
from jobs.reports import sending
from jobs.reports.rendering import Context, as_page
from jobs.services import run_here, run_waiting
from tests.smtp_server import Behaviour, SmtpServer, running_server
from tests.stage import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings, db: None) -> Iterator[SmtpServer]:
    """A mail server that takes everything, set by people."""
    with running_server(Behaviour()) as running:
        settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
        settings.ALLOWED_PORTS = frozenset({running.port})
        values = {
            "hostname": running.address, "port": running.port, "protocol": "SMTP", "from_address": "post@example.org",
            "recipients": ["notices@example.org"],
        }  # fmt: skip
        mail_server.set_mail_server(Actor.system(), values)
        yield running
    engines.close_all()


def send(actor: Actor, recipients: str = "", timespan: str = "lastweek") -> Task:
    arguments = {"timespan": timespan, "timeZoneId": "Europe/Berlin", "recipients": recipients}
    command = get_command("SendStatusReport")
    return run_here(actor, "SendStatusReport", command.arguments_from_json(arguments))


def mails(server: SmtpServer) -> list[EmailMessage]:
    return [email.message_from_string(raw, policy=email.policy.default) for raw in server.mails]


class Tags(HTMLParser):
    """What a document names, and whether every tag that is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pictures, self.links, self.open = list[str](), list[str](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        if tag == "img":
            self.pictures.append(values["src"])
            assert values.get("alt")
        if tag == "a":
            self.links.append(values["href"])
        if tag not in ("img", "meta", "br", "base"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_mail_has_text_html_and_every_picture_that_the_html_names(server: SmtpServer, administrator: User) -> None:
    task = send(Actor.for_user(administrator), "ada@example.com, eve@example.com")
    assert task.state == Task.State.COMPLETED, task.error
    assert task.result is not None and task.result["sent"] == ["ada@example.com", "eve@example.com"]
    first, _second = mails(server)
    assert first["To"] == "ada@example.com" and first["Subject"].startswith("Status report, last week: ")
    assert first.get_content_type() == "multipart/alternative"
    text, related = list(first.iter_parts())
    assert text.get_content_type() == "text/plain" and "== Stores ==" in text.get_content()
    html, *pictures = list(related.iter_parts())
    assert related.get_content_type() == "multipart/related" and html.get_content_type() == "text/html"
    tags = Tags(html.get_content())
    assert tags.open == []
    assert sorted(tags.pictures) == sorted(f"cid:{part['Content-ID'].strip('<>')}" for part in pictures)
    assert pictures and all(part.get_content_type() == "image/png" for part in pictures)
    assert all(link.startswith("http://127.0.0.1:8000/") for link in tags.links)
    assert "<base" not in html.get_content() and max(map(len, server.mails[0].splitlines())) <= 998
    assert AuditEvent.objects.filter(action="report.send").count() == 1


def test_everybody_gets_it_in_their_language(server: SmtpServer, administrator: User, user: User) -> None:
    User.objects.filter(pk=user.pk).update(language="de", name="Uschi Ä")
    send(Actor.for_user(administrator), f"{user.email}, ada@example.com", timespan="thismonth")
    by_name = {str(mail["To"]): mail for mail in mails(server)}
    german = by_name["Uschi Ä <user@example.org>"].get_body(("html",))
    english = by_name["ada@example.com"].get_body(("html",))
    assert german is not None and 'lang="de"' in german.get_content()
    assert english is not None and 'lang="en"' in english.get_content()


def test_without_recipients_it_goes_to_those_of_notices_and_without_those_nowhere(
    server: SmtpServer, administrator: User
) -> None:
    actor = Actor.for_user(administrator)
    assert send(actor).state == Task.State.COMPLETED
    assert [str(mail["To"]) for mail in mails(server)] == ["notices@example.org"]
    MailServer.objects.update(recipients=[])
    failed = send(actor)
    assert failed.state == Task.State.FAILED and "Nobody is named" in failed.error


def test_one_who_is_refused_does_not_keep_it_from_the_others(server: SmtpServer, administrator: User) -> None:
    server.behaviour.replies["RCPT TO:<EVE@"] = "550 5.1.1 nobody of this name"
    task = send(Actor.for_user(administrator), "eve@example.com, ada@example.com")
    assert task.state == Task.State.FAILED and "nobody of this name" in task.error
    assert task.result is not None and task.result["sent"] == ["ada@example.com"]
    assert [each["recipient"] for each in task.result["failed"]] == ["eve@example.com"]


def test_a_delegate_sends_their_part_to_people_they_see(server: SmtpServer, cast: Cast) -> None:
    actor = Actor.for_user(cast.domain_administrator)
    assert send(actor, "user@example.org, domain@delegates.example").state == Task.State.COMPLETED
    body = mails(server)[0].get_body(("plain",))
    assert body is not None and "Domain health" in body.get_content() and "Stores" not in body.get_content()
    with pytest.raises(BadArguments) as refused:
        send(actor, "stranger@example.net")
    assert refused.value.field == "recipients"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"timespan": "nextweek"}, "timespan"),
        ({"time_zone_id": "Middle/Earth"}, "time_zone_id"),
        ({"recipients": "nobody"}, "recipients"),
        ({"recipients": ",".join(f"a{number}@example.org" for number in range(101))}, "recipients"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_task_is_made(
    administrator: User, changed: dict[str, str], field: str
) -> None:
    values = {"timespan": "today", "time_zone_id": "UTC", "recipients": "ada@example.org", **changed}
    with pytest.raises(BadArguments) as refused:
        sending.check(Actor.for_user(administrator), sending.SendStatusReportArguments(**values))
    assert refused.value.field == field


def test_a_job_sends_it_and_its_result_says_to_whom(server: SmtpServer, administrator: User) -> None:
    actor = Actor.for_user(administrator)
    job = planning.create_job(
        actor,
        command="SendStatusReport",
        arguments={"timespan": "yesterday", "recipients": "ada@example.org"},
        schedule=planning.parse_schedule({"time": "07:00"}),
        name="Morning report",
    )
    run = planning.run_job(actor, job)
    assert run.task_id is not None
    run_waiting(run.task_id)
    settle_runs()
    assert Job.objects.get().last_state == "completed" and len(server.mails) == 1
    run.refresh_from_db()
    assert run.result is not None and run.result["sent"] == ["ada@example.org"]


def test_the_page_shows_what_is_mailed_switches_its_period_and_sends(
    server: SmtpServer, administrator: User, client_for: Callable[[User | None], Client]
) -> None:
    client, url = client_for(administrator), reverse("jobs:report")
    page = client.get(url, {"timespan": "lastmonth"})
    assert "timespan=lastmonth" in page.content.decode() and "unsafe-inline" not in page["Content-Security-Policy"]
    frame = client.get(reverse("jobs:report-frame"), {"timespan": "lastmonth"})
    policy = frame["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and frame["X-Frame-Options"] == "SAMEORIGIN"
    assert all(picture.startswith("data:image/png;base64,") for picture in Tags(frame.content.decode()).pictures)
    assert client.get(reverse("jobs:report-text"))["Content-Type"].startswith("text/plain")
    sent = client.post(reverse("jobs:report-send"), {"timespan": "today", "recipients": "ada@example.org"})
    run_waiting(Task.objects.get().pk)
    assert sent["Location"] == reverse("jobs:task-detail", args=[Task.objects.get().pk]) and len(server.mails) == 1
    refused = client.post(reverse("jobs:report-send"), {"timespan": "today", "recipients": "nobody"}, follow=True)
    assert "nobody" in refused.content.decode() and Task.objects.count() == 1


def test_names_of_people_s_things_are_text_and_no_markup(administrator: User) -> None:
    Job.objects.create(name="<b>x</b>", command="VerifyStore", schedule={"time": "02:30"}).runs.create(
        state="failed", error="<script>alert(1)</script>", ended_at=timezone.now()
    )
    html = as_page(sending.report_for(Actor.system(), sending.read_period("today", "UTC")), Context())
    assert "&lt;b&gt;x&lt;/b&gt;" in html and "<script" not in html


def test_nothing_is_sent_where_no_server_is_set(administrator: User, settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    task = send(Actor.for_user(administrator), "ada@example.org")
    assert task.state == Task.State.FAILED and "No mail server" in task.error
    assert NotReady.permanent
