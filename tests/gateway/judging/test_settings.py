"""The scanners' settings: who may set them, what they may be, what the pages and programs see, and the health page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from domains.errors import Invalid
from gateway import scanner_health
from gateway.flow import InMemory
from gateway.forms.scanning import ScanningForm
from gateway.judging.learning import Taught, teach
from gateway.judging.settings import ScannerSettings, SpamScanner, VirusScanner, WhenDown
from gateway.models import Scanning
from gateway.naming import own_name
from gateway.services import scanning
from gateway.services.scanning import current_settings, get_scanning, update_scanning

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    scanning.forget_kept()


def test_without_a_row_the_defaults_count_and_a_change_counts_at_once(administrator: User) -> None:
    assert current_settings() == ScannerSettings(authserv_id=own_name())
    actor = Actor.for_user(administrator)
    values = {
        "spam_scanner": "rspamd",
        "rspamd_password": "s3cret",
        "virus_scanner": "clamd",
        "authserv_id": "MX.example.org.",
    }
    row = update_scanning(actor, values)
    found = current_settings()
    assert (found.spam_scanner, found.rspamd_password, found.virus_scanner, found.authserv_id) == (
        SpamScanner.RSPAMD, "s3cret", VirusScanner.CLAMD, "mx.example.org",
    )  # fmt: skip
    assert found.virus_when_down is WhenDown.REFUSE
    event = AuditEvent.objects.get(action="scanning.update")
    assert "s3cret" not in str(event.changes) + str(event.details)
    update_scanning(actor, {"spam_timeout_s": 3}, expected=row.version)
    assert current_settings().rspamd_password == "s3cret"
    with pytest.raises(Invalid):  # a password goes to no other server than the one it was typed for
        update_scanning(actor, {"rspamd_url": "http://elsewhere.example:11333"})


@pytest.mark.parametrize(
    "values",
    [
        {"spam_scanner": "other"},
        {"spam_timeout_s": 0},
        {"spam_timeout_s": 1000},
        {"rspamd_url": "ftp://x"},
        {"rspamd_url": ""},
        {"rspamd_url": "http://user@host:1"},
        {"rspamd_learn_url": "localhost"},
        {"clamd_address": "localhost"},
        {"clamd_address": "localhost:99999"},
        {"clamd_address": "/etc/passwd"},
        {"authserv_id": "two words"},
        {"authenticate": 1},
        {"unknown": 1},
    ],
)
def test_what_makes_no_sense_is_refused(administrator: User, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        update_scanning(Actor.for_user(administrator), values)
    assert refused.value.field == next(iter(values))
    assert not Scanning.objects.exists()


def test_only_who_manages_the_gateway_may_look_and_change(user: User) -> None:
    with pytest.raises(Forbidden):
        get_scanning(Actor.for_user(user))
    with pytest.raises(Forbidden):
        update_scanning(Actor.for_user(user), {})


def test_an_administrator_sets_them_on_their_page_and_asks_them(
    client_for: Callable[[User], Client], administrator: User
) -> None:
    client = client_for(administrator)
    url = reverse("gateway:scanners")
    assert "Scanners" in client.get(url).content.decode()
    initial = {
        name: value for name, value in ScanningForm.initial_of(Scanning(pk=1)).items() if value not in (None, False)
    }
    sent = client.post(url, initial | {"virus_scanner": "clamd", "clamd_address": "127.0.0.1:1", "version": ""})
    assert sent.status_code == 303
    assert Scanning.objects.get().virus_scanner == "clamd"
    assert client.post(url, initial | {"clamd_address": "nowhere"}).status_code == 422
    stale = client.post(url, initial | {"version": "99"})
    assert "changed this meanwhile" in stale.content.decode()
    tried = client.post(reverse("gateway:scanner-trial"), follow=True).content.decode()
    assert "the built-in scorer" in tried
    assert "not open" in tried
    assert "subject-capitals" in client.get(reverse("gateway:signs")).content.decode()


def test_the_health_page_says_who_looks_and_who_does_not_answer() -> None:
    assert [(report.state, report.text) for report in scanner_health.check()] == [
        ("ok", "the built-in scorer"),
        ("ok", "nobody looks for viruses"),
    ]
    Scanning.objects.create(pk=1, spam_scanner="rspamd", virus_scanner="clamd", spam_timeout_s=1)
    scanning.forget_kept()
    assert [report.state for report in scanner_health.check()] == ["warning", "error"]


def test_the_built_in_scorer_is_not_taught() -> None:
    assert teach(InMemory(b""), is_spam=True) is Taught.NOBODY
