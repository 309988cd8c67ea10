"""The commands about people do what the pages do, by the names archive programs know."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from accounts import factors
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.mails import NOTICES
from accounts.models import ApiToken, FolderGrant, User
from accounts.services.tokens import create_token
from domains.models import Mailbox
from jobs.commands import get_command
from jobs.factor_mails import NOTICE, NoticeArguments
from jobs.models import Task
from jobs.services import run_here
from tests.stage import Cast


def invoke(actor: Actor, name: str, **values: str) -> Task:
    command = get_command(name)
    return run_here(actor, name, command.arguments_from_strings({key: [value] for key, value in values.items()}))


@pytest.mark.parametrize(
    ("name", "values", "field", "kept"),
    [
        ("SetUserPrivileges", {"privileges": "login,export"}, "privileges", ["login", "export"]),
        ("SetUserPrivileges", {"privileges": "none"}, "privileges", []),
        ("SetUserLoginPrivileges", {"login_privileges": "web, imap"}, "login_privileges", ["web", "imap"]),
        ("SetUserAuthentication", {"authentication": "directoryServices"}, "authentication", "directoryServices"),
        ("SetUserDistinguishedName", {"distinguished_name": "cn=Ada"}, "distinguished_name", "cn=Ada"),
    ],
)
def test_a_second_run_changes_nothing(cast: Cast, name: str, values: dict[str, str], field: str, kept: object) -> None:
    for _run in range(2):
        task = invoke(Actor.console(), name, user_name="USER@example.org", **values)
        assert task.state == Task.State.COMPLETED, task.error
        assert getattr(User.objects.get(pk=cast.user.pk), field) == kept


def test_app_passwords_are_the_persons_tokens(cast: Cast) -> None:
    create_token(Actor.system(), cast.user, name="phone")
    task = invoke(Actor.for_user(cast.domain_administrator), "DeleteAppPasswords", user_name="user@example.org")
    assert task.result is not None and task.result["revoked"] == 1 and not ApiToken.objects.exists()


def test_folders_are_shared_and_cleared(cast: Cast) -> None:
    mailbox = Mailbox.objects.get(user=cast.user)
    for privileges, kept in (("read,write", ["read", "write"]), ("none", [])):
        task = invoke(
            Actor.console(),
            "SetUserPrivilegesOnFolder",
            user_name="stranger@example.net",
            folder="user@example.org/Inbox/Work",
            privileges=privileges,
        )
        assert task.state == Task.State.COMPLETED, task.error
        grant = FolderGrant.objects.get()
        assert (grant.mailbox_id, grant.folder, grant.privileges) == (mailbox.pk, "Inbox/Work", kept)
    invoke(Actor.console(), "ClearUserPrivilegesOnFolders", user_name="stranger@example.net")
    assert not FolderGrant.objects.exists()


def test_a_delegate_reaches_nobody_elsewhere(cast: Cast) -> None:
    task = invoke(
        Actor.for_user(cast.domain_administrator),
        "SetUserPrivileges",
        user_name="stranger@example.net",
        privileges="none",
    )
    assert task.state == Task.State.FAILED
    assert User.objects.get(pk=cast.stranger.pk).denied_rights == []


def test_a_second_factor_is_initialised_by_command(cast: Cast) -> None:
    for _again in range(2):
        task = invoke(Actor.for_user(cast.domain_administrator), "InitializeMFA", user_name="user@example.org")
        assert task.state == Task.State.COMPLETED and task.result is not None, task.error
        assert task.result["renewed"] is False
        assert User.objects.get(pk=cast.user.pk).second_factor_wanted
    with pytest.raises(Forbidden):
        invoke(Actor.for_user(cast.user), "InitializeMFA", user_name="user@example.org")


def test_a_lost_second_factor_is_switched_off_by_somebody_else(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[User] = []
    monkeypatch.setattr(factors, "has_second_factor", lambda user: user not in removed)
    monkeypatch.setattr(factors, "remove_all", removed.append)
    for wanted in (True, False):
        task = invoke(Actor.for_user(cast.domain_administrator), "DisableMFA", user_name="user@example.org")
        assert task.state == Task.State.COMPLETED and task.result is not None, task.error
        assert task.result["removed"] is wanted and removed == [cast.user]
    with pytest.raises(Forbidden):
        invoke(Actor.for_user(cast.user), "DisableMFA", user_name="user@example.org")


def test_a_change_of_factors_is_told_by_mail(cast: Cast, settings: Any) -> None:
    for sent in (0, 1):
        for what in NOTICES:
            task = run_here(Actor.system(), NOTICE, NoticeArguments(cast.user.pk, what, "boss@example.org"))
            assert task.result == {"sent": sent}, task.error
        settings.EMAIL_HOST = "mail.example.org"
    assert len(mail.outbox) == len({each.subject for each in mail.outbox}) == len(NOTICES)
    assert all(each.to == ["user@example.org"] and "boss@example.org" in each.body for each in mail.outbox)
    bad = run_here(Actor.system(), NOTICE, NoticeArguments(0, "added", ""))
    assert bad.state == Task.State.FAILED
