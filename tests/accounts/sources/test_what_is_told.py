"""What somebody who may configure a source learns of the network behind this server: the kind of failure alone."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.services.source_sign_in import try_source
from accounts.sources import reaching
from accounts.sources.errors import SourceUnavailable
from domains.services.syncing.running import sync_directory
from tests import factories
from tests.domains.factories import make_delegate, make_domain
from tests.sources import MakeSource

pytestmark = pytest.mark.django_db
INSIDE = "10.20.30.40"


@pytest.fixture(autouse=True)
def a_name_of_the_inside(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose address is of the network behind the server, which the gate keeps shut."""
    settings.ALLOWED_RELAYS = (ipaddress.ip_network("127.0.0.0/8"),)
    answers = {"inside.example": [INSIDE], "open.example": ["127.0.0.9"]}
    gate = dataclasses.replace(reaching.gate(), resolve=lambda host, _port, _wait: answers[host])
    monkeypatch.setattr(reaching, "gate", lambda: gate)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ldap", {"base_dn": "dc=example", "security": "none", "port": 1024}),
        ("imap", {"security": "none", "port": 1024}),
        ("oidc", {}),
    ],
)
def test_a_delegate_learns_no_address_and_who_runs_the_server_does(
    kind: str, told: dict[str, Any], make_source: MakeSource, caplog: pytest.LogCaptureFixture
) -> None:
    domain = make_domain("example.org")
    delegate, boss = Actor.for_user(make_delegate(domain)), Actor.for_user(factories.make_administrator())
    caplog.set_level(logging.WARNING)
    for host, address in (("inside.example", INSIDE), ("open.example", "127.0.0.9")):
        named = {"issuer": f"https://{host}:1024", "client_id": "c"} if kind == "oidc" else {"host": host}
        source = make_source(kind, {**told, **named}, domain, name=host, actor=delegate, chosen=False)
        said = try_source(delegate, source)[-1]
        assert not said.is_well and said.said and address not in said.said and "1024" not in said.said
        assert address in try_source(boss, source)[-1].said
        if kind == "ldap":
            with pytest.raises(SourceUnavailable) as caught:
                sync_directory(delegate, source, dry_run=True)
            assert address not in str(caught.value) + source.runs.get().problem
    assert INSIDE in caplog.text  # the log is for who runs the server
