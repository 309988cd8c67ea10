"""A Dovecot for this session, with the gate opened to it; names between dots, so that a slash may be in one."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.dovecot_server import Dovecot, running_dovecot

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def dovecot_of_profiles() -> Iterator[Dovecot]:
    with running_dovecot(separator=".") as server:
        yield server


@pytest.fixture
def dovecot(dovecot_of_profiles: Dovecot, settings: Settings) -> Dovecot:
    open_gate(settings, dovecot_of_profiles)
    return dovecot_of_profiles


@pytest.fixture
def address() -> str:
    """A mailbox of this test's own, at the server and here."""
    return f"person{next(_numbers)}@profiles.example"


def open_gate(settings: Settings, server: Dovecot, *ports: int) -> None:
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({server.imap, server.imaps, server.pop3, server.pop3s, *ports})
