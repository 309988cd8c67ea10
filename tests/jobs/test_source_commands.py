"""Groups that give roles, and bindings undone, by command."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, GroupRole, Identity, Role, Source
from accounts.permissions import Right
from accounts.services.group_roles import apply_groups
from accounts.services.sources import create_source
from jobs.commands import get_command
from jobs.models import Task
from jobs.services import run_here
from tests.stage import Cast

SYSTEM = Actor.system()


@pytest.fixture
def source(cast: Cast) -> Source:
    settings = {"issuer": "http://localhost:9", "client_id": "postkeep"}
    return create_source(SYSTEM, cast.domain, kind="oidc", name="Head office", settings=settings)


def invoke(actor: Actor, name: str, **values: object) -> Task:
    command = get_command(name)
    return run_here(actor, name, command.arguments_from_strings({key: [str(value)] for key, value in values.items()}))


def test_groups_are_added_listed_and_removed_and_again_changes_nothing(cast: Cast, source: Source) -> None:
    Role.objects.create(name="Night shift", rights=[Right.VIEW_USERS], level="domain", object_id=cast.domain.pk)
    boss = Actor.for_user(cast.administrator)
    place = f"domain:{cast.domain.name}"
    for _run in range(2):
        task = invoke(boss, "AddGroupRole", source=source.pk, group="helpers", role="help_desk", place=place)
        assert task.state == Task.State.COMPLETED, task.error
        assert task.result == {"group": "helpers", "role": "help_desk", "place": place}
    assert invoke(boss, "AddGroupRole", source=source.pk, group="night", role="Night shift").result
    listed = invoke(boss, "GetGroupRoles", source=source.pk).result
    assert listed is not None and listed["groups"] == [
        {"group": "helpers", "role": "help_desk", "place": place},
        {"group": "night", "role": "Night shift", "place": place},
    ]
    source.refresh_from_db()
    apply_groups(source, cast.user, ["helpers"])
    assert cast.user.grants.count() == 1
    for removed in (1, 0):
        task = invoke(boss, "RemoveGroupRole", source=source.pk, group="helpers", role="help_desk", place=place)
        assert task.result == {"removed": removed}
    assert cast.user.grants.count() == 0 and GroupRole.objects.get().group == "night"


@pytest.mark.parametrize(
    ("role", "place"), [("nothing", ""), ("system_administrator", ""), ("help_desk", "domain:nowhere.example")]
)
def test_what_is_not_there_is_refused_in_words(cast: Cast, source: Source, role: str, place: str) -> None:
    task = invoke(
        Actor.for_user(cast.administrator), "AddGroupRole", source=source.pk, group="g", role=role, place=place
    )
    assert task.state == Task.State.FAILED and task.error and not GroupRole.objects.exists()


def test_somebody_is_released_once_and_that_is_noted(cast: Cast, source: Source) -> None:
    Identity.objects.create(source=source, user=cast.user, subject="issuer ada")
    for released in (1, 0):
        task = invoke(
            Actor.for_user(cast.administrator), "ReleaseIdentity", source=source.pk, user_name=cast.user.email
        )
        assert task.result == {"user": cast.user.email, "released": released}
    assert AuditEvent.objects.filter(action="source.release").count() == 1


def test_who_manages_no_sources_there_does_nothing(cast: Cast, source: Source) -> None:
    Identity.objects.create(source=source, user=cast.user, subject="issuer ada")
    for name, values in (
        ("GetGroupRoles", {}),
        ("AddGroupRole", {"group": "g", "role": "help_desk"}),
        ("RemoveGroupRole", {"group": "g", "role": "help_desk"}),
        ("ReleaseIdentity", {"user_name": cast.user.email}),
    ):
        for actor in (cast.user, cast.stranger):
            with pytest.raises(Forbidden):
                invoke(Actor.for_user(actor), name, source=source.pk, **values)
    assert Identity.objects.exists() and not GroupRole.objects.exists()
