"""The public answer tells nothing but yes or no; the page tells administrators everything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from config.kit import health, heartbeat, paths, recovery

ClientFor = Callable[[User | None], Client]
LOOPS = ["worker", "beat", "indexer", "delivery", "gateway", "keeper"]


@pytest.fixture
def all_loops_beat(db: None) -> Iterator[None]:
    """This process stands for the loops."""
    Client().get("/healthz")  # loads what answers, which may take longer than a heartbeat counts
    for part in LOOPS:
        heartbeat.beat(part)
    yield
    heartbeat.broker().delete(*(f"postkeep:alive:{part}" for part in LOOPS))


@pytest.mark.django_db
@pytest.mark.usefixtures("all_loops_beat")
def test_healthz_is_ok_when_everything_answers(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("silent", LOOPS)
@pytest.mark.usefixtures("all_loops_beat")
def test_healthz_is_503_without_detail_when_one_loop_is_silent(client: Client, silent: str) -> None:
    heartbeat.broker().delete(f"postkeep:alive:{silent}")
    answer = client.get("/healthz")
    assert (answer.status_code, json.loads(answer.content)) == (503, {"status": "unavailable"})


@pytest.mark.usefixtures("servers_running")
def test_a_process_that_ended_is_not_alive_however_fresh_its_heartbeat() -> None:
    code = "import django; django.setup(); from config.kit import heartbeat; heartbeat.beat('test-part')"
    subprocess.run([sys.executable, "-c", code], cwd=paths.BASE_DIR, env=dict(os.environ), check=True)
    assert heartbeat.broker().zcard("postkeep:alive:test-part") == 1
    assert heartbeat.last_seen("test-part") is None


@pytest.mark.usefixtures("servers_running")
def test_an_old_heartbeat_does_not_count() -> None:
    heartbeat.beat("old-part")
    [member] = cast("list[bytes]", heartbeat.broker().zrange("postkeep:alive:old-part", 0, -1))
    heartbeat.broker().zincrby("postkeep:alive:old-part", -heartbeat.ALIVE_S - 1, member)
    assert heartbeat.last_seen("old-part") is None


def test_a_check_that_raises_is_an_error_without_its_words() -> None:
    def broken() -> health.Report:
        raise RuntimeError("password=secret")

    entry = health._Registered("broken", broken, True)
    [report] = health._run(entry)
    assert (report.state, report.name, report.needed) == ("error", "broken", True)
    assert "secret" not in str(report)


@pytest.mark.django_db
def test_administrators_see_each_component(client_for: ClientFor, administrator: User) -> None:
    page = client_for(administrator).get(reverse("config:health")).content.decode()
    for name in ("Database", "Broker", "Worker", "Clock", "Indexer", "Free disk", "Recovery key"):
        assert name in page


@pytest.mark.django_db
def test_htmx_gets_the_components_alone(client_for: ClientFor, administrator: User) -> None:
    answer = client_for(administrator).get(reverse("config:health"), headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<div class="tablebox"')


@pytest.mark.django_db
def test_users_do_not_see_the_health_page(client_for: ClientFor, user: User) -> None:
    assert client_for(user).get(reverse("config:health")).status_code == 403


@pytest.mark.django_db
def test_confirming_the_recovery_key_ends_the_warning_and_leaves_an_event(
    client_for: ClientFor, administrator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "keys_dir", lambda: tmp_path)
    client = client_for(administrator)
    assert reverse("config:recovery-confirm") in client.get(reverse("config:health")).content.decode()
    client.post(reverse("config:recovery-confirm"))
    confirmed = recovery.confirmation()
    assert confirmed is not None
    assert confirmed.by == administrator.email
    assert AuditEvent.objects.filter(action="server.confirm_recovery_key", actor=administrator).exists()
    assert reverse("config:recovery-confirm") not in client.get(reverse("config:health")).content.decode()
