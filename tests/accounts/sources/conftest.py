"""What tests of sources need: a directory, a provider, a gate that is open to this machine, and somebody to sign in."""

from __future__ import annotations

import pytest

from accounts.models import Source, User
from tests.domains.factories import make_domain, make_mailbox_in
from tests.sources import IdentityProvider, MakeSource, _directory, _provider, make_source, open_gate, provider, slapd

__all__ = ["_directory", "_provider", "make_source", "open_gate", "provider", "slapd"]


@pytest.fixture
def ada() -> User:
    user = make_mailbox_in(make_domain("example.org"), "ada").user
    assert user is not None
    return user


@pytest.fixture
def source(provider: IdentityProvider, make_source: MakeSource) -> Source:
    return make_source("oidc", provider.settings(), secret="shared")
