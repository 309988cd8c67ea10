"""Access tokens from a real web server over TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from archive.remote.errors import TokenRefused
from archive.remote.tokens import TokenAccess, Tokens
from config.kit import net
from tests.certificates import Certificate, make_authority, make_certificate
from tests.dovecot_server import TokenServer


@pytest.fixture
def authority() -> Certificate:
    return make_authority()


@pytest.fixture
def server(tmp_path: Path, settings: Settings, authority: Certificate) -> Iterator[TokenServer]:
    server = TokenServer()
    server.start_tls(tmp_path, make_certificate("127.0.0.1", by=authority))
    server.clients["postkeep"] = "client secret"
    server.refresh["lasting"] = "ann@example.org"
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ALLOWED_PORTS = frozenset({server.port})
    yield server
    server.close()


def access(server: TokenServer, authority: Certificate, **more: str) -> TokenAccess:
    given = {"client_id": "postkeep", "client_secret": "client secret", "scope": "mail", **more}
    return TokenAccess(f"https://127.0.0.1:{server.port}/token", ca_pem=authority.pem, **given)


def test_a_token_is_kept_until_it_nears_its_end(server: TokenServer, authority: Certificate) -> None:
    tokens = Tokens(access(server, authority))
    assert tokens.get() == tokens.get() == "access-1"
    assert server.asked[0]["grant_type"] == "client_credentials"
    tokens.forget()
    assert tokens.get() == "access-2"
    server.expires_s = 0
    tokens.forget()
    assert [tokens.get(), tokens.get()] == ["access-3", "access-4"]


def test_a_refresh_token_is_used_where_there_is_one(server: TokenServer, authority: Certificate) -> None:
    assert Tokens(access(server, authority, refresh_token="lasting")).get() == "access-1"
    assert server.asked[0] == {
        "grant_type": "refresh_token", "refresh_token": "lasting", "client_id": "postkeep",
        "client_secret": "client secret", "scope": "mail",
    }  # fmt: skip


def test_a_refusal_says_why_and_shows_no_secret(server: TokenServer, authority: Certificate) -> None:
    with pytest.raises(TokenRefused, match="who are you") as refused:
        Tokens(access(server, authority, client_secret="mistyped")).get()
    assert "mistyped" not in str(refused.value)
    with pytest.raises(TokenRefused, match="that is over"):
        Tokens(access(server, authority, refresh_token="old")).get()


def test_tokens_come_over_checked_tls_and_through_the_gate_only(
    server: TokenServer, authority: Certificate, settings: Settings
) -> None:
    with pytest.raises(TokenRefused):
        Tokens(TokenAccess(f"http://127.0.0.1:{server.port}/token", "postkeep")).get()
    with pytest.raises(net.TlsFailed):
        Tokens(TokenAccess(f"https://127.0.0.1:{server.port}/token", "postkeep")).get()
    settings.ALLOWED_RELAYS = ()
    with pytest.raises(net.RefusedByGate):
        Tokens(access(server, authority)).get()
