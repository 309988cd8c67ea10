"""The commands about users do what the pages do, by the names archive programs know."""

from __future__ import annotations

import pytest

from accounts.actors import Actor
from accounts.models import User
from accounts.services import privileges
from domains.models import Domain, Mailbox, Status
from domains.services.aliases import aliases_of
from jobs.models import Task
from tests.domains.factories import make_mailbox_in
from tests.jobs.test_people import invoke
from tests.stage import Cast

CONSOLE = Actor.console()


def run(name: str, actor: Actor = CONSOLE, **values: str) -> Task:
    task = invoke(actor, name, **values)
    assert task.state == "completed", task.error
    return task


def refused(name: str, actor: Actor = CONSOLE, **values: str) -> str:
    task = invoke(actor, name, **values)
    assert task.state == "failed"
    return task.error


def test_a_user_is_made_with_privileges_and_signs_in(cast: Cast) -> None:
    run(
        "CreateUser",
        userName="new@example.org",
        privileges="login,archive",
        fullName="New Person",
        password="correct horse battery",
        loginPrivileges="web",
        distinguishedName="cn=New",
    )
    user = User.objects.get(email="new@example.org")
    assert Mailbox.objects.get(user=user).domain == cast.domain
    assert (user.name, user.privileges, user.login_privileges) == ("New Person", ["login", "archive"], ["web"])
    assert user.check_password("correct horse battery") and user.distinguished_name == "cn=New"
    assert all("battery" not in str(task.arguments) for task in Task.objects.all())


def test_outside_of_our_domains_only_a_person_is_made(cast: Cast) -> None:
    run("CreateUser", userName="root@elsewhere.example", privileges="admin")
    user = User.objects.get(email="root@elsewhere.example")
    assert user.is_administrator and not Mailbox.objects.filter(user=user).exists()


def test_what_is_refused_leaves_nobody(cast: Cast) -> None:
    assert "no privilege" in refused("CreateUser", userName="new@example.org", privileges="flying")
    delegate = Actor.for_user(cast.domain_administrator)
    refused("CreateUser", delegate, userName="new@sibling.example.org", privileges="login")
    refused("CreateUser", delegate, userName="new@example.org", privileges="admin")
    assert not User.objects.filter(email__startswith="new@").exists()


def test_users_are_listed_as_far_as_one_sees_them(cast: Cast) -> None:
    everybody = run("GetUsers").result
    own = run("GetUsers", Actor.for_user(cast.domain_administrator)).result
    assert everybody is not None and own is not None
    names = {each["userName"] for each in own["users"]}
    assert cast.user.email in names and cast.stranger.email not in names
    assert everybody["total"] == User.objects.count()


def test_a_user_is_told_of_with_addresses_and_privileges(cast: Cast) -> None:
    run("SetUserEmailAddresses", userName="user@example.org", emailAddresses="user@example.org, second@example.org")
    privileges.set_privileges(Actor.system(), cast.user, ["login"])
    told = run("GetUserInfo", userName="USER@example.org").result
    assert told is not None
    assert told["emailAddresses"] == ["user@example.org", "second@example.org"]
    assert (told["privileges"], told["enabled"], told["mfa"]) == (["login"], True, "not set up")
    refused("GetUserInfo", Actor.for_user(cast.elsewhere_administrator), userName="user@example.org")


def test_a_user_is_renamed_named_and_deleted(cast: Cast) -> None:
    run("RenameUser", oldUserName="user@example.org", newUserName="renamed@example.org")
    run("SetUserFullName", userName="renamed@example.org", fullName="Ada Okafor")
    user = User.objects.get(pk=cast.user.pk)
    assert (user.email, user.name) == ("renamed@example.org", "Ada Okafor")
    run("DeleteUser", userName="renamed@example.org")
    assert Mailbox.objects.get(user=user).status == Status.DELETED


def test_a_deleted_user_is_gone_and_comes_back_as_described(cast: Cast) -> None:
    run(
        "CreateUser", userName="new@example.org", privileges="login", fullName="Old", password="correct horse battery",
        loginPrivileges="web", distinguishedName="cn=Old",
    )  # fmt: skip
    number = Mailbox.objects.get(address="new@example.org").pk
    run("DeleteUser", userName="new@example.org")
    listed = run("GetUsers").result
    assert listed is not None and "new@example.org" not in {each["userName"] for each in listed["users"]}
    assert refused("GetUserInfo", userName="new@example.org")
    delegate = Actor.for_user(cast.elsewhere_administrator)
    assert refused("CreateUser", delegate, userName="new@example.org", privileges="login")
    Domain.objects.filter(pk=cast.elsewhere.pk).update(status=Status.DELETED)  # and with it who is in it
    listed = run("GetUsers").result
    assert listed is not None and cast.stranger.email not in {each["userName"] for each in listed["users"]}
    assert refused("GetUserInfo", userName=cast.stranger.email)
    run("CreateUser", userName="New@example.org", privileges="login,export", fullName="New")
    found = Mailbox.objects.select_related("user").get(address="new@example.org")
    assert (found.pk, found.status, found.name) == (number, Status.ENABLED, "New")  # with their archive
    person = found.user
    assert person is not None and person.is_active and not person.check_password("correct horse battery")
    assert (person.privileges, person.login_privileges, person.distinguished_name) == (["login", "export"], None, "")


def test_addresses_are_set_whole_and_names_to_fetch_by_are_added(cast: Cast) -> None:
    mailbox = make_mailbox_in(cast.domain, "keeper")
    for _time in range(2):
        run("SetUserEmailAddresses", userName=mailbox.address, emailAddresses="a@example.org,b@example.org")
    run("SetUserEmailAddresses", userName=mailbox.address, emailAddresses="b@example.org")
    for _time in range(2):
        run("SetUserPop3UserNames", userName=mailbox.address, pop3UserNames="c@example.org")
    assert {alias.text for alias in aliases_of(mailbox)} == {"b@example.org", "c@example.org"}
    assert "by an address" in refused("SetUserPop3UserNames", userName=mailbox.address, pop3UserNames="keeper7")


def test_a_password_is_set_by_who_may_and_never_told(cast: Cast) -> None:
    run("SetUserPassword", userName="user@example.org", password="another horse battery")
    cast.user.refresh_from_db()
    assert cast.user.check_password("another horse battery")
    assert not Task.objects.get().secrets
    refused("SetUserPassword", userName="user@example.org", password="short")
    refused("SetUserPassword", Actor.for_user(cast.help_desk), userName="administrator@example.com", password="x" * 20)


@pytest.mark.parametrize("name", ["GetUserInfo", "DeleteUser", "SetUserFullName"])
def test_nobody_is_said_to_be_nobody(cast: Cast, name: str) -> None:
    assert refused(name, userName="nobody@example.org")
