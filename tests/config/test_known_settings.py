"""The list of settings: nothing that is read is missing in it, and no secret shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import options
from accounts.actors import Actor
from accounts.errors import BadOption, Forbidden
from accounts.models import User
from accounts.scopes import SERVER
from accounts.services.options import set_option
from config import environment, variables
from config.kit import known_settings, paths, release, updates
from jobs import server_settings, server_state
from jobs.mail_server import set_mail_server
from tests.stage import Cast

SYSTEM = Actor.system()


APPS = ("accounts", "jobs", "domains", "archive", "gateway", "api", "config")
VARIABLE = re.compile(r"POSTKEEP_[A-Z0-9_]*[A-Z0-9]|DATABASE_URL|REDIS_URL")


def variables_read() -> set[str]:
    found: set[str] = set()
    for app in APPS:
        for file in (paths.BASE_DIR / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
                    found.add(node.value)
    return found - variables.INTERNAL


def test_every_variable_that_is_read_is_in_the_list_and_no_other() -> None:
    built = {environment.dialect_port_variable(name) for name in environment.DIALECT_NAMES}
    assert {each.name for each in variables.VARIABLES} == variables_read() | built


def test_every_option_and_every_field_of_the_pages_is_in_the_list_once(db: None) -> None:
    names = [each.name for each in known_settings.all_settings()]
    assert {option.name for option in options.catalogue()} <= set(names) and len(names) == len(set(names))
    assert {"mail_server.password", "scanners.rspamd_url", "queue.lifetime_hours", "log.level"} <= set(names)
    assert "compliance.legal_hold" in names
    assert [each.name for each in known_settings.all_settings() if not str(each.effect)] == []


def test_a_setting_says_where_its_value_is_from_and_a_secret_only_whether_it_is_set(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTKEEP_ADMIN_PASSWORD", "hunter2hunter2")
    monkeypatch.setenv("REDIS_URL", "redis://name:hunter2hunter2@redis.example.org/1")
    set_option(SYSTEM, SERVER, "TIME_ZONE", "Europe/Berlin")
    values = {
        "hostname": "mail.example.org", "from_address": "a@example.org", "signs_in": True, "username": "a",
        "password": "hunter2hunter2",
    }  # fmt: skip
    set_mail_server(SYSTEM, values)
    found = {each.name: each for each in server_settings.list_settings(SYSTEM)}
    assert (found["TIME_ZONE"].shown, found["TIME_ZONE"].source) == ("Europe/Berlin", "page")
    assert (found["POSTKEEP_ADMIN_PASSWORD"].shown, found["mail_server.password"].shown) == ("set", "set")
    assert found["POSTKEEP_MAIL_PASSWORD"].shown == "not set"
    assert found["REDIS_URL"].shown == "redis://redis.example.org/1" and found["REDIS_URL"].source == "environment"
    assert found["mail_server.hostname"].source == "page" and found["queue.lifetime_hours"].source == "default"
    assert "hunter2" not in str([server_settings.as_json(each) for each in found.values()])
    assert {each.name for each in server_settings.list_settings(SYSTEM, "berlin time")} == {"TIME_ZONE"}


def test_secrets_are_listed_by_name_and_never_shown(cast: Cast, client_for: Any) -> None:
    values = {
        "hostname": "mail.example.org", "from_address": "a@example.org", "signs_in": True, "username": "a",
        "password": "hunter2hunter2",
    }  # fmt: skip
    set_mail_server(SYSTEM, values)
    kinds = server_state.list_secrets(SYSTEM)
    assert [held.name for kind in kinds for held in kind.held if "mail.ex" in held.name] == ["mail.example.org:587"]
    page = client_for(cast.administrator).get(reverse("jobs:server-credentials")).content.decode()
    assert "mail.example.org:587" in page and "hunter2" not in page
    with pytest.raises(Forbidden):
        server_state.list_secrets(Actor.for_user(cast.domain_administrator))


def test_pending_migrations_are_told_of(administrator: User, client_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state = updates.look()
    assert state.is_well and {"accounts", "jobs", "gateway"} <= {each.app for each in state.schema}
    monkeypatch.setattr(release, "installed", lambda: "99.1")
    assert updates.look().needs_restart
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs' AND name = '0007_webhooks'")
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('jobs', '0999_later', now())")
    state = updates.look()
    assert (state.missing, state.unknown) == (["jobs.0007_webhooks"], ["jobs.0999_later"])
    page = client_for(administrator).get(reverse("jobs:server-updates")).content.decode()
    assert "jobs.0999_later" in page and "ahead" in page


def test_the_page_finds_a_setting(administrator: User, client_for: Any) -> None:
    page = client_for(administrator).get(reverse("jobs:server-settings"), {"q": "queue given up"})
    text = page.content.decode()
    assert "queue.lifetime_hours" in text and "POSTKEEP_PORT" not in text and reverse("gateway:queue-settings") in text


# --- who may reach what ----------------------------------------------------------------------------------------------


def get(path: str, address: str) -> int:
    return Client(REMOTE_ADDR=address).get(path).status_code


def test_metrics_are_for_named_networks_only_and_need_no_token(db: None) -> None:
    assert get("/metrics", "127.0.0.1") == 200 and get("/metrics", "::1") == 200
    assert get("/metrics", "::ffff:127.0.0.1") == 200
    assert get("/metrics", "192.0.2.1") == 403 and get("/metrics", "") == 403
    set_option(SYSTEM, SERVER, "NETWORKS_METRICS", ["192.0.2.0/24"])
    assert get("/metrics", "192.0.2.1") == 200 and get("/metrics", "127.0.0.1") == 403


def test_networks_that_are_not_named_get_no_page_and_no_answer_of_the_api(db: None) -> None:
    assert get("/sign-in/", "192.0.2.1") != 403 and get("/api/v1/me", "192.0.2.1") == 401
    assert get("/sign-in/", "") != 403  # a socket has no address
    set_option(SYSTEM, SERVER, "NETWORKS_CONSOLE", ["198.51.100.0/24"])
    set_option(SYSTEM, SERVER, "NETWORKS_API", ["198.51.100.7"])
    assert get("/sign-in/", "192.0.2.1") == 403 and get("/api/v1/me", "192.0.2.1") == 403
    assert get("/api/v1/me", "198.51.100.7") == 401 and get("/api/v1/me", "198.51.100.8") == 403
    assert get("/healthz", "192.0.2.1") in (200, 503)  # signs of life are for everybody
    assert get("/sign-in/", "127.0.0.1") != 403  # the machine itself always may


def test_nobody_locks_themselves_out(administrator: User) -> None:
    actor = Actor.for_user(administrator, address="192.0.2.1", via="page")
    with pytest.raises(BadOption):
        set_option(actor, SERVER, "NETWORKS_CONSOLE", ["198.51.100.0/24"])
    with pytest.raises(BadOption):
        set_option(actor, SERVER, "NETWORKS_CONSOLE", [])
    with pytest.raises(BadOption):
        set_option(actor, SERVER, "NETWORKS_API", ["no address"])
    set_option(actor, SERVER, "NETWORKS_CONSOLE", ["192.0.2.0/24"])


def test_metrics_are_readable_bounded_and_cost_the_same_however_much_there_is(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    client = Client()
    for number in range(30):
        client.get(f"/no-such-page-{number}/")
        client.generic(f"VERB{number}", "/sign-in/")
    client.get("/sign-in/")
    with django_assert_max_num_queries(60):
        text = client.get("/metrics").content.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert {"postkeep_tasks_tasks", "postkeep_gateway_messages", "postkeep_queue_items"} <= set(families)
    requests = families["postkeep_http_request_seconds"]
    routes = {sample.labels["route"] for sample in requests.samples}
    assert "accounts:sign-in" in routes and not any("no-such" in route or "VERB" in route for route in routes)
    assert "hunter2" not in text and "@example" not in text
    documented = Path(paths.BASE_DIR, "docs/metrics.md").read_text()
    assert [name for name in families if f"`{name}`" not in documented] == []
