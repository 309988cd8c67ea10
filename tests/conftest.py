"""What every test may ask for: a database and a broker of this session's own.

The servers start when the first test needs them, by the very code `manage.py up` uses, and end with the session.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from django.db import connection

from config import environment, servers
from config.kit import paths


@pytest.fixture(scope="session")
def servers_running() -> Iterator[None]:
    """PostgreSQL and Valkey of this session. A test with `db` has them already; others ask for this."""
    with servers.running():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers_running: None) -> None:
    """pytest-django makes its test database after this."""


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment for a process that a test starts (`manage.py …`): it then works on this test's own database."""
    name = connection.settings_dict["NAME"]
    url = f"postgresql://postkeep@/{name}?host={paths.run_dir()}"
    return {**os.environ, "DATABASE_URL": url, "REDIS_URL": environment.redis_url()}


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(paths.home(), ignore_errors=True)
