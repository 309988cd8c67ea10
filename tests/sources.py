"""A directory and a provider for all tests of sources, and a gate that is open to this machine."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from oidc_provider_mock import User as Person
from oidc_provider_mock import run_server_in_thread

from accounts.actors import Actor
from accounts.models import Source
from accounts.scopes import SERVER
from accounts.services import source_sign_in
from accounts.services.sources import choose_source, create_source
from accounts.sources import oidc
from tests.slapd import Slapd, running_slapd

SYSTEM = Actor.system()


@pytest.fixture(autouse=True)
def open_gate(settings: Any) -> None:
    """This machine may be reached, on any port that the tests' servers have."""
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    settings.ALLOWED_PORTS = frozenset(range(1024, 65536))
    source_sign_in._resting.clear()


@pytest.fixture(scope="session")
def _directory() -> Iterator[Slapd]:
    with running_slapd() as server:
        yield server


@pytest.fixture
def slapd(_directory: Slapd) -> Iterator[Slapd]:
    """A directory without anybody yet; whoever a test adds is gone after it."""
    yield _directory
    for base in ("ou=people", "ou=groups"):
        _directory.connection.search(f"{base},dc=example,dc=org", "(cn=*)", attributes=["1.1"])
        for entry in list(_directory.connection.response):
            _directory.remove(entry["dn"])


@dataclass
class IdentityProvider:
    """A provider on this machine."""

    issuer: str

    def settings(self, **more: object) -> dict[str, Any]:
        return {"issuer": self.issuer, "client_id": "postkeep", **more}

    def set_person(self, subject: str, **claims: object) -> None:
        """What it vouches for about somebody."""
        body = json.dumps(claims).encode()
        request = urllib.request.Request(
            f"{self.issuer}/users/{urllib.parse.quote(subject, safe='')}", body, {"Content-Type": "application/json"},
            method="PUT",
        )  # fmt: skip
        urllib.request.urlopen(request).close()

    def sign_in(self, url: str, subject: str) -> str:
        """Where somebody is sent back who signs in at this address, as their browser does."""
        body = urllib.parse.urlencode({"sub": subject}).encode()
        opener = urllib.request.build_opener(_NoRedirect())
        try:
            opener.open(url, body)
        except urllib.error.HTTPError as answer:
            with answer:
                return str(answer.headers["Location"])
        raise AssertionError("the provider sent nobody back")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@pytest.fixture(scope="session")
def _provider() -> Iterator[str]:
    people = [Person(sub="nobody")]
    with run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def provider(_provider: str, monkeypatch: pytest.MonkeyPatch) -> IdentityProvider:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    oidc.forget_all()
    return IdentityProvider(_provider)


MakeSource = Callable[..., Source]


@pytest.fixture
def make_source(db: None) -> MakeSource:
    """A source of the server, or of another place, which that place has chosen."""

    def make(kind: str, settings: dict[str, Any], place: object = SERVER, **more: Any) -> Source:
        actor = more.pop("actor", SYSTEM)
        is_chosen = more.pop("chosen", True)
        source = create_source(actor, place, kind=kind, name=more.pop("name", "Head office"), settings=settings, **more)
        if is_chosen:
            choose_source(actor, place, source)
        return source

    return make
