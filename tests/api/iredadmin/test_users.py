"""Users: the manual's parameters, passwords, all of a domain at once, and whose they are."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, User
from config.kit import bulk
from domains.models import Domain, Mailbox
from jobs.models import Task
from tests.api.iredadmin.client import OK, ask, no
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
MB = 1 << 20
PASSWORD = "a long enough passphrase 9"
ADA = "/user/ada@own.example"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Whose password was set to what, without the hash, which is slow; the rules are asked as always."""
    found: list[tuple[str, str]] = []

    def keep(user: User, password: str | None) -> None:
        found.append((user.email, str(password)))

    monkeypatch.setattr(User, "set_password", keep)
    return found


def test_a_user_is_made_with_everything_and_read_again(cast: Cast, told: list[tuple[str, str]]) -> None:
    form = {"cn": "Bo", "password": PASSWORD, "mailQuota": "1024", "preferredLanguage": "de_DE", "transport": "dovecot"}
    assert ask(cast.administrator, "POST", "/user/Bo@Own.Example", form) == OK
    row = Mailbox.objects.get(address="bo@own.example")
    assert (row.name, row.quota_bytes, row.transport, row.user and row.user.language) == (
        "Bo",
        1024 * MB,
        "dovecot",
        "de",
    )
    assert told == [("bo@own.example", PASSWORD)]
    shown = ask(cast.administrator, "GET", "/user/bo@own.example")["_data"]
    expected = {"mail": "bo@own.example", "cn": "Bo", "mailQuota": 1024, "language": "de", "accountStatus": "active"}
    assert {name: shown[name] for name in expected} == expected and "password" not in shown
    assert AuditEvent.objects.get(action="mailbox.create", object_label="bo@own.example").via == "iredadmin"


def test_a_user_without_anything_gets_what_is_left_of_the_domain(cast: Cast) -> None:
    Domain.objects.filter(name="own.example").update(max_bytes=100 * MB)
    Mailbox.objects.filter(address="ada@own.example").update(quota_bytes=40 * MB)
    assert ask(cast.administrator, "POST", "/user/bo@own.example") == OK
    assert Mailbox.objects.get(address="bo@own.example").quota_bytes == 60 * MB
    assert ask(cast.administrator, "POST", "/user/cy@own.example")["_msg"].startswith("EXCEEDED_LIMIT: ")


def test_what_can_t_be_a_new_user(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", ADA) == no("ALREADY_EXISTS")
    assert ask(cast.administrator, "POST", "/user/bo@nowhere.example") == no("NO_SUCH_DOMAIN")
    assert ask(cast.administrator, "POST", "/user/no-address")["_msg"].startswith("INVALID_MAIL: ")
    assert ask(cast.administrator, "POST", "/user/bo@own.example", {"password": "x"})["_msg"].startswith(
        "INVALID_PASSWORD: "
    )
    assert not Mailbox.objects.filter(address="bo@own.example").exists()


def test_a_user_is_changed_and_old_names_stand_beside_new_ones(cast: Cast) -> None:
    assert (
        ask(cast.administrator, "PUT", ADA, {"cn": "My New Name", "preferredLanguage": "fr_FR", "mailQuota": "0"}) == OK
    )
    row = Mailbox.objects.select_related("user").get(address="ada@own.example")
    assert (row.name, row.user and row.user.language, row.quota_bytes) == ("My New Name", "fr", -1)
    form = {"name": "Newer", "cn": "Older", "quota": "", "language": "xx", "accountStatus": "disabled", "other": "1"}
    assert ask(cast.administrator, "PUT", ADA, form) == OK
    row.refresh_from_db()
    assert (row.name, row.quota_bytes, row.status) == ("Newer", None, "disabled")
    assert ask(cast.administrator, "PUT", ADA, {"transport": "x" * 300})["_msg"].startswith("INVALID_VALUE: ")


def test_a_password_is_set_by_the_rules_of_its_domain(cast: Cast, told: list[tuple[str, str]]) -> None:
    assert ask(cast.administrator, "PUT", f"{ADA}/password", {"password": PASSWORD}) == OK
    assert told == [("ada@own.example", PASSWORD)]
    for weak in ("", "short"):
        assert ask(cast.administrator, "PUT", f"{ADA}/password", {"password": weak})["_msg"].startswith(
            "INVALID_PASSWORD"
        )
    assert len(told) == 1


def test_a_password_is_looked_at(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "check_password", lambda user, password: password == PASSWORD)
    assert ask(cast.delegate, "POST", "/verify_password/user/ada@own.example", {"password": PASSWORD}) == OK
    assert ask(cast.delegate, "POST", "/verify_password/user/ada@own.example", {"password": "x"}) == no(
        "INVALID_CREDENTIALS"
    )
    assert ask(cast.delegate, "POST", "/verify_password/user/ada@foreign.example", {"password": PASSWORD}) == no(
        "NO_SUCH_ACCOUNT"
    )


def test_a_deleted_user_is_kept_and_comes_back(cast: Cast) -> None:
    assert ask(cast.administrator, "DELETE", f"{ADA}/keep_mailbox_days/1") == OK
    row = Mailbox.objects.get(address="ada@own.example")
    assert row.status == "deleted" and row.purge_at is not None and row.deleted_at is not None
    assert (row.purge_at - row.deleted_at).days > 1  # never sooner than is usual here
    assert ask(cast.administrator, "GET", ADA) == no("NO_SUCH_ACCOUNT")
    assert ask(cast.administrator, "POST", ADA, {"cn": "Again"}) == OK
    row.refresh_from_db()
    assert (row.status, row.name) == ("enabled", "Again")


def test_a_user_gets_another_address(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", f"{ADA}/change_email/eve@own.example") == OK
    assert Mailbox.objects.filter(address="eve@own.example").exists()


def test_a_user_has_aliases_and_forwards_what_comes(cast: Cast) -> None:
    asks, path = cast.delegate, "/user/bo@own.example"
    form = {"aliases": "b1@own.example,b2@own.example", "forwarding": "x@elsewhere.example"}
    assert ask(asks, "POST", path, form) == OK
    shown = ask(asks, "GET", path)["_data"]
    assert shown["aliases"] == ["b1@own.example", "b2@own.example"]
    assert shown["forwarding"] == ["x@elsewhere.example"]  # and no copy stays
    form = {"addAlias": "B1@own.example,b3@own.example", "removeAlias": "b2@own.example"}
    form |= {"addForwarding": "bo@own.example,y@elsewhere.example", "removeForwarding": "x@elsewhere.example"}
    assert ask(asks, "PUT", path, form) == OK
    shown = ask(asks, "GET", path)["_data"]
    assert shown["aliases"] == ["b1@own.example", "b3@own.example"]
    assert shown["forwarding"] == ["bo@own.example", "y@elsewhere.example"]
    assert ask(asks, "PUT", path, {"aliases": "ada@own.example"}) == no("ALREADY_EXISTS")
    assert ask(asks, "PUT", path, {"aliases": "", "forwarding": ""}) == OK
    shown = ask(asks, "GET", path)["_data"]
    assert (shown["aliases"], shown["forwarding"]) == ([], [])
    assert ask(cast.user, "PUT", path, {"forwarding": "me@elsewhere.example"}) == no("NO_SUCH_ACCOUNT")


def test_all_users_of_a_domain_are_changed_at_once(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", "/user/bo@own.example") == OK
    form = {"accountStatus": "disabled", "preferredLanguage": "da_DK", "transport": "dovecot"}
    assert ask(cast.administrator, "PUT", "/users/own.example", form) == OK
    rows = Mailbox.objects.filter(domain__name="own.example").values_list("status", "user__language", "transport")
    assert set(rows) == {("disabled", "da", "dovecot")} and len(rows) == 2
    assert set(Mailbox.objects.filter(domain__name="foreign.example").values_list("status", flat=True)) == {"enabled"}
    mails = ask(cast.administrator, "GET", "/users/own.example?email_only=yes&disabled_only=yes")["_data"]
    assert mails == ["ada@own.example", "bo@own.example"]
    assert ask(cast.administrator, "PUT", "/users/own.example", {"accountStatus": "gone"})["_msg"].startswith(
        "INVALID_VALUE"
    )


def test_one_password_for_all_and_who_stays_is_told(cast: Cast, told: list[tuple[str, str]]) -> None:
    assert ask(cast.administrator, "PUT", "/users/foreign.example/password", {"password": PASSWORD}) == OK
    assert told == [("ada@foreign.example", PASSWORD)]
    assert ask(cast.administrator, "PUT", "/users/foreign.example/password", {"password": "x"})["_msg"].startswith(
        "INVALID_PASSWORD: "
    )
    root = User.objects.get(email="root@server.example")
    Mailbox.objects.filter(address="ada@own.example").update(user=root)
    left = ask(cast.delegate, "PUT", "/users/own.example", {"language": "de"})
    assert left["_msg"] == "INVALID_VALUE: 1 of 1 users stay as they are (1: you may not do this there)."


def test_many_users_are_changed_by_a_task(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 0)
    assert ask(cast.administrator, "PUT", "/users/own.example", {"transport": "dovecot"}) == OK
    task = Task.objects.get(type="ChangeManyRows")
    assert task.arguments["filter"] == "q=domain:own.example" and task.arguments["action"] == "transport"


def test_a_domain_s_administrator_manages_theirs_alone(cast: Cast) -> None:
    assert ask(cast.delegate, "PUT", ADA, {"cn": "Ours"}) == OK
    foreign, form = "/user/ada@foreign.example", {"cn": "x", "password": PASSWORD}
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/password")):
        assert ask(cast.delegate, method, f"{foreign}{path}", form) == no("NO_SUCH_ACCOUNT"), path
    for method, path in (
        ("POST", "/user/bo@foreign.example"), ("PUT", "/users/foreign.example"), ("GET", "/users/foreign.example"),
    ):  # fmt: skip
        assert ask(cast.delegate, method, path, {"cn": "x"}) == no("NO_SUCH_DOMAIN"), path
    assert ask(cast.user, "GET", ADA) == no("NO_SUCH_ACCOUNT")
    assert ask(cast.reader, "PUT", ADA, {"cn": "x"}) == no("PERMISSION_DENIED")


def test_nobody_sets_the_password_of_who_holds_more(cast: Cast) -> None:
    root = User.objects.get(email="root@server.example")
    Mailbox.objects.filter(address="ada@own.example").update(user=root)
    assert ask(cast.delegate, "PUT", f"{ADA}/password", {"password": PASSWORD}) == no("PERMISSION_DENIED")
