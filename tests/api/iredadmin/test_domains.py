"""Domains: the manual's parameters, old names beside new ones, what is there already, and whose they are."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from domains.models import Domain
from tests.api.iredadmin.client import OK, ask, no
from tests.api.iredadmin.conftest import Cast

pytestmark = pytest.mark.django_db
MB = 1 << 20
MANUAL = {
    "cn": "Google Inc", "quota": "2048", "preferredLanguage": "en_US", "defaultQuota": "1024", "maxUserQuota": "2048",
    "numberOfUsers": "20", "numberOfAliases": "30", "numberOfLists": "40",
}  # fmt: skip


def test_the_manual_s_parameters_make_a_domain_of_them(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", "/domain/New.Example", MANUAL) == OK
    row = Domain.objects.get(name="new.example")
    assert (row.description, row.default_language, row.status) == ("Google Inc", "en", "enabled")
    assert (row.max_bytes, row.quota_bytes, row.max_quota_bytes) == (2048 * MB, 1024 * MB, 2048 * MB)
    assert (row.max_mailboxes, row.max_groups, row.max_lists) == (20, 30, 40)
    assert AuditEvent.objects.get(action="domain.create", object_label="new.example").via == "iredadmin"
    shown = ask(cast.administrator, "GET", "/domain/new.example")["_data"]
    assert {name: shown[name] for name in MANUAL if name in shown} == {
        "cn": "Google Inc", "quota": 2048, "defaultQuota": 1024, "maxUserQuota": 2048, "numberOfUsers": 20,
        "numberOfAliases": 30, "numberOfLists": 40,
    }  # fmt: skip


def test_new_names_unknown_fields_and_languages_that_we_don_t_speak(cast: Cast) -> None:
    form = {"name": "Name", "cn": "Older", "language": "pt_BR", "isBackupMX": "yes", "numberOfUsers": "-1"}
    assert ask(cast.administrator, "POST", "/domain/new.example", form) == OK
    row = Domain.objects.get(name="new.example")
    assert (row.description, row.default_language, row.max_mailboxes) == ("Name", None, 0)


def test_what_is_there_already_is_said_literally(cast: Cast) -> None:
    assert ask(cast.administrator, "POST", "/domain/own.example") == no("ALREADY_EXISTS")
    assert ask(cast.administrator, "POST", "/domain/not_a..name")["_msg"].startswith("INVALID_DOMAIN_NAME: ")
    wrong = ask(cast.administrator, "POST", "/domain/new.example", {"quota": "much"})
    assert wrong["_msg"] == "INVALID_VALUE: quota is a whole number from 0 up."
    assert not Domain.objects.filter(name="new.example").exists()


def test_a_domain_is_changed_and_an_empty_field_takes_its_value_away(cast: Cast) -> None:
    assert ask(cast.administrator, "PUT", "/domain/own.example", MANUAL | {"accountStatus": "disabled"}) == OK
    row = Domain.objects.get(name="own.example")
    assert (row.description, row.max_mailboxes, row.status) == ("Google Inc", 20, "disabled")
    form = {"cn": "", "numberOfUsers": "", "quota": "0", "accountStatus": "active"}
    assert ask(cast.administrator, "PUT", "/domain/own.example", form) == OK
    row.refresh_from_db()
    assert (row.description, row.max_mailboxes, row.max_bytes, row.status) == ("", None, -1, "enabled")


def test_a_deleted_domain_is_kept_and_comes_back_when_it_is_made_again(cast: Cast) -> None:
    assert ask(cast.administrator, "DELETE", "/domain/own.example/keep_mailbox_days/90") == OK
    row = Domain.objects.get(name="own.example")
    assert row.status == "deleted" and row.deleted_at is not None and row.purge_at is not None
    assert (row.purge_at - row.deleted_at).days == 90
    assert ask(cast.administrator, "GET", "/domain/own.example") == no("NO_SUCH_DOMAIN")
    assert ask(cast.administrator, "DELETE", "/domain/own.example") == no("NO_SUCH_DOMAIN")
    assert ask(cast.administrator, "POST", "/domain/own.example", {"cn": "Again"}) == OK
    row.refresh_from_db()
    assert (row.status, row.description) == ("enabled", "Again")


def test_a_domain_s_administrator_sees_theirs_and_makes_none(cast: Cast) -> None:
    assert ask(cast.delegate, "GET", "/domains?name_only=yes")["_data"] == ["own.example"]
    assert ask(cast.delegate, "GET", "/domain/foreign.example") == no("NO_SUCH_DOMAIN")
    assert ask(cast.delegate, "POST", "/domain/new.example") == no("PERMISSION_DENIED")
    assert ask(cast.delegate, "POST", "/domain/foreign.example") == no("PERMISSION_DENIED")
    assert ask(cast.delegate, "PUT", "/domain/own.example", {"cn": "Ours"}) == OK
    assert ask(cast.delegate, "PUT", "/domain/own.example", {"cn": "More", "numberOfUsers": "9999"}) == no(
        "PERMISSION_DENIED"
    )
    assert Domain.objects.get(name="own.example").description == "Ours"
    assert ask(cast.reader, "PUT", "/domain/own.example", {"cn": "Read"}) == no("PERMISSION_DENIED")
