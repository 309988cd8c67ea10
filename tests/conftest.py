"""What every test may ask for: a database and a broker of this session's own.

The servers start when the first test needs them, by the very code `manage.py up` uses, and end with the session.
"""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client

from accounts import blocking, networks
from accounts.models import User
from config import environment, servers
from config.kit import paths
from tests import clusters, factories
from tests.chromium import chromium
from tests.dns_server import DnsServer, running_dns_server
from tests.s3 import s3_server
from tests.stage import Cast, make_cast

__all__ = ["chromium", "s3_server"]


@pytest.fixture(autouse=True)
def what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers of blocked and let-in networks is one test's alone, and is read anew at its start only.

    So a slow machine doesn't read it again in the middle of a test that counts queries.
    """
    networks.forget()
    blocking._tables.clear()
    for module in (networks, blocking):
        monkeypatch.setattr(module, "KEPT_S", 3600.0)


@pytest.fixture(scope="session")
def servers_running() -> Iterator[None]:
    """PostgreSQL and Valkey of this session. A test with `db` has them already; others ask for this."""
    clusters.place()
    with servers.running(lasting=False):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers_running: None) -> None:
    """pytest-django makes its test database after this."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The cluster that was placed has a migrated test database."""
    return True


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    """A DNS server of this test's own, without any zone yet."""
    with running_dns_server() as server:
        yield server


@pytest.fixture
def nothing_noted() -> Iterator[None]:
    """What this machine saw of the audit trail belongs to the database of one test, not to the next."""
    file = paths.home() / "audit" / "head.json"
    file.unlink(missing_ok=True)
    yield
    file.unlink(missing_ok=True)


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment for a process that a test starts (`manage.py …`): it then works on this test's own database."""
    name = connection.settings_dict["NAME"]
    url = f"postgresql://postkeep@/{name}?host={paths.run_dir()}"
    return {**os.environ, "DATABASE_URL": url, "REDIS_URL": environment.redis_url()}


@pytest.fixture
def administrator(db: None) -> User:
    """May do everything."""
    return factories.make_administrator("administrator@example.org")


@pytest.fixture
def user(db: None) -> User:
    """Has an account, and nothing but what is theirs."""
    return factories.make_user("user@example.org")


@pytest.fixture
def stranger(db: None) -> User:
    """Another user, who owns nothing of `user`'s."""
    return factories.make_user("stranger@example.net")


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, and the ground they stand on (tests/stage.py)."""
    return make_cast()


@pytest.fixture
def client_for(db: None) -> Callable[[User | None], Client]:
    """A browser in which this person is signed in (None: nobody)."""

    def signed_in(person: User | None) -> Client:
        client = Client()
        networks.may_reach(networks.CONSOLE, "127.0.0.1")  # read now, not while a test counts queries
        if person is not None:
            client.force_login(person)
        return client

    return signed_in


def _sign_in_just_now(client: Client, person: User, backend: str | None = None) -> None:
    """Whoever a test signs in has just proved who they are, as somebody who came through the sign-in page has."""
    _force_login(client, person, backend)
    session = client.session
    session["proved_at"] = time.time() + 86400  # also at the end of a long module
    session.save()


_force_login = Client.force_login
Client.force_login = _sign_in_just_now  # type: ignore[method-assign, assignment]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded by now stays to the end: looking through it for garbage would cost a tenth of every test."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(paths.home(), ignore_errors=True)
