"""What the environment turns on and off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config import environment
from config.kit import paths

ASK = """
import json
from django.conf import settings
names = ["SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SESSION_COOKIE_NAME", "ALLOWED_HOSTS",
         "CSRF_TRUSTED_ORIGINS", "SECURE_SSL_REDIRECT", "DEBUG"]
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def settings_with(home: Path, **variables: str) -> dict[str, Any]:
    """The settings of a fresh process with this environment."""
    fixed = {"POSTKEEP_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=fixed | variables, cwd=paths.BASE_DIR, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_https_address_makes_cookies_secure_and_sends_hsts(tmp_path: Path) -> None:
    found = settings_with(tmp_path, POSTKEEP_URL="https://mail.example.org/")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] >= 86400 * 180
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert "mail.example.org" in found["ALLOWED_HOSTS"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://mail.example.org"]
    assert not found["DEBUG"]


def test_without_https_cookies_work_on_loopback(tmp_path: Path) -> None:
    found = settings_with(tmp_path)
    assert not found["SESSION_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] == 0
    assert "127.0.0.1" in found["ALLOWED_HOSTS"]
    assert "*" not in found["ALLOWED_HOSTS"]


def test_a_database_url_is_read_with_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:p%40ss@db.example.org:5433/mail?sslmode=require")
    found = environment.database()
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("ann", "p@ss", "db.example.org", "5433")
    assert (found["NAME"], found["OPTIONS"]) == ("mail", {"sslmode": "require"})
    assert not environment.has_own_database()


def test_a_database_url_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://db/mail")
    with pytest.raises(environment.EnvironmentRefused):
        environment.database()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("POSTKEEP_PORT", port)
    with pytest.raises(environment.EnvironmentRefused):
        environment.port()


def test_a_long_home_gets_a_short_folder_for_its_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTKEEP_HOME", "/srv/" + "long/" * 30)
    assert len(str(paths.run_dir())) < 60
    first = paths.run_dir()
    monkeypatch.setenv("POSTKEEP_HOME", "/srv/" + "long/" * 31)
    assert paths.run_dir() != first


def test_the_broker_is_named_as_celery_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("POSTKEEP_HOME", "/srv/mail")
    assert environment.broker_url() == "redis+socket:///srv/mail/run/valkey.sock"
    monkeypatch.setenv("REDIS_URL", "rediss://cache.example.org:6380/1")
    assert environment.broker_url() == "rediss://cache.example.org:6380/1"
