"""A Dovecot for the clients' tests, and the gate opened to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from archive.remote.connecting import Security, Server
from tests.dovecot_server import Dovecot, needs_dovecot, running_dovecot


@pytest.fixture(scope="session")
def dovecot_running() -> Iterator[Dovecot]:
    with running_dovecot(separator=".") as server:
        yield server


@pytest.fixture
def dovecot(dovecot_running: Dovecot, settings: Settings) -> Dovecot:
    """Names between dots, so that a name may have a slash in it."""
    open_gate(settings, dovecot_running)
    return dovecot_running


def open_gate(settings: Settings, server: Dovecot, *ports: int) -> None:
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({server.imap, server.imaps, server.pop3, server.pop3s, *ports})


def imaps(server: Dovecot, **more: object) -> Server:
    return Server("127.0.0.1", server.imaps, Security.TLS, ca_pem=server.authority.pem, **more)  # type: ignore[arg-type]


def pop3s(server: Dovecot) -> Server:
    return Server("127.0.0.1", server.pop3s, Security.TLS, ca_pem=server.authority.pem)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path


pytestmark = needs_dovecot
