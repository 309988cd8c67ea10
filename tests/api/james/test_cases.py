"""James's own cases, where a file of them is named; each that can't pass stands here with its reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests.api.callers import caller_for
from tests.api.dialects.calling import switch_on
from tests.api.james import cases
from tests.archive.django.conftest import stores

__all__ = ["stores"]

pytestmark = pytest.mark.django_db
FILE = os.environ.get("JAMES_CASES", "")
CASES = list(cases.read(Path(FILE))) if FILE else []
# what a class of cases has there before, which its file doesn't say as requests
THERE: dict[str, list[dict[str, Any]]] = {
    "DomainQuotaRoutesTest": [{"method": "PUT", "path": "/domains/found.local"}],
    "DomainsRoutesTest": [{"method": "PUT", "path": "/domains/localhost"}],
    "UserRoutesTest": [{"method": "PUT", "path": "/domains/domain"}],
    "UserMailboxesRoutesTest": [
        {"method": "PUT", "path": "/domains/localhost"},
        {"method": "PUT", "path": "/users/username", "body": {"password": "secret"}},
    ],
    "SieveQuotaRoutesTest": [{"method": "PUT", "path": "/domains/localhost"}],
}
WITHOUT_VIRTUAL_HOSTING = {
    "UserMailboxesRoutesTest": "localhost",
    "SieveQuotaRoutesTest": "localhost",
    "UserRoutesTest.WithoutVirtualHosting": "domain",
    "DomainsRoutesTest.DomainUsersWithoutVirtualHosting": "domain",
}
ALIASES = "DomainsRoutesTest.NormalBehaviour.DomainAlias."
CANT = {
    "HealthCheckRoutesTest.validateHealthChecksShouldReturnOkWhenNoHealthChecks": "there are always components",
    f"{ALIASES}getAliasesShouldListAliasesForExternalDomains": "an alias is a name of a domain that is served here",
    "MailboxesRoutesNoTasksTest.allMailboxesEndpointShouldNotBeExposedWhenNoTasks": "tasks are always there",
    "MailQueueRoutesTest.ListMail.HttpBodies.listAllMailQueuesShouldReturnEmptyWhenNone": "one queue is always there",
    "MailRepositoriesRoutesTest.getMailRepositoriesShouldReturnTwoRepositoriesWhenTwo": "five are always there",
}


@pytest.mark.skipif(not CASES, reason="JAMES_CASES names no file")
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_case(case: dict[str, Any], administrator: User, stores: None) -> None:
    name = str(case["id"])
    if name in CANT:
        pytest.skip(CANT[name])
    default = next((domain for start, domain in WITHOUT_VIRTUAL_HOSTING.items() if name.startswith(start)), "")
    switch_on("james", defaultDomain=default)
    player = cases.Player(caller_for(administrator).token)
    there: list[dict[str, Any]] = next((steps for start, steps in THERE.items() if name.startswith(start)), [])
    for http in [*there, *cases.before(case)]:
        player.play(http)
    answer = player.play(case)
    assert not (found := cases.wrong(player, case, answer)), found
