"""The commands about passwords: indexing lists, wanting new ones, telling whose expire."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import services
from accounts.actors import Actor
from accounts.breach_list import indexing, lists
from accounts.errors import BadBreachList
from accounts.models import AuditEvent, User
from accounts.services import breach_lists
from accounts.services.breach_lists import take_upload
from accounts.services.options import set_option
from jobs.commands import NoArguments, get_command
from jobs.models import Task
from jobs.services import run_here
from tests.stage import Cast

SYSTEM = Actor.system()
GOOD = "quite another long one 1"


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    for each in (lists.index_of(lists.UPLOADED), lists.index_of(lists.CONFIGURED), lists.incoming()):
        each.unlink(missing_ok=True)


def run(name: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    task = run_here(SYSTEM, name, get_command(name).arguments_from_json(arguments or {}))
    assert task.state == Task.State.COMPLETED, task.error
    return dict(task.result or {})


@pytest.mark.django_db
def test_what_waits_is_indexed_and_a_second_run_does_nothing(settings: Any, tmp_path: Path) -> None:
    settings.BREACH_LIST = str(tmp_path / "words")
    (tmp_path / "words").write_text("correcthorsebattery\n")
    take_upload(SYSTEM, [b"hunter2", b"hunter2\n\xff\n"], name="worst.txt")
    assert [each.problem for each in lists.there()] == [lists.WAITS, lists.WAITS]
    result = run("IndexBreachList")
    assert result["uploaded"] == {"kind": "words", "entries": 1, "refused": 1, "firstRefused": [[2, "text"]]}
    assert result["configured"]["entries"] == 1
    assert lists.is_known("hunter2hunter2") and lists.is_known("correcthorsebattery")
    assert run("IndexBreachList") == {} and not lists.incoming().exists()
    assert AuditEvent.objects.filter(action="breachlist.index").count() == 2
    assert run("RemoveBreachList") == {"removed": True} and run("RemoveBreachList") == {"removed": False}
    assert not lists.is_known("hunter2hunter2") and lists.is_known("correcthorsebattery")


@pytest.mark.django_db
def test_a_file_that_is_too_large_empty_or_nonsense_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    take_upload(SYSTEM, [b"hunter2hunter2\n"], name="a")
    run("IndexBreachList")
    monkeypatch.setattr(breach_lists, "MOST_BYTES", 100)
    for pieces in ([b"x\n" * 40, b"x\n" * 40], []):
        with pytest.raises(BadBreachList):
            take_upload(SYSTEM, pieces, name="b")
    assert not lists.incoming().exists()
    take_upload(SYSTEM, [b"\xff\xfe\n"], name="c")
    failed = run_here(SYSTEM, "IndexBreachList", NoArguments())
    assert failed.state == Task.State.FAILED and "No line" in failed.error
    assert lists.is_known("hunter2hunter2") and not lists.incoming().exists()
    assert not [each for each in lists.folder().iterdir() if each.name.startswith(("partial", "indexing"))]


@pytest.mark.django_db
def test_an_upload_that_comes_while_another_is_indexed_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    take_upload(SYSTEM, [b"hunter2hunter2\n"], name="first")
    builds = indexing.build

    def meanwhile(*args: Any, **more: Any) -> Any:
        take_upload(SYSTEM, [b"correcthorsebattery\n"], name="second")
        twice = run_here(SYSTEM, "IndexBreachList", NoArguments())
        assert twice.state == Task.State.FAILED and "already" in twice.error
        monkeypatch.setattr(indexing, "build", builds)
        return builds(*args, **more)

    monkeypatch.setattr(indexing, "build", meanwhile)
    run("IndexBreachList")
    (listed,) = lists.there()
    assert (listed.source, listed.problem) == ("first", lists.STALE) and lists.is_known("hunter2hunter2")
    run("IndexBreachList")
    (listed,) = lists.there()
    assert (listed.source, listed.problem) == ("second", "") and not lists.is_known("hunter2hunter2")


def test_new_passwords_are_wanted_of_one_or_of_all_of_a_place(cast: Cast) -> None:
    for person in (cast.user, cast.stranger):
        services.set_password(SYSTEM, person, password=GOOD)
    command = "RequirePasswordChange"
    assert run(command, {"user": cast.user.email}) == {"people": 1}
    assert run(command, {"user": cast.user.email, "withdraw": True}) == {"people": 1}
    assert run(command, {"domain": cast.domain.name}) == {"people": 1}
    assert run(command, {"customer": cast.elsewhere_customer.name}) == {"people": 1}
    assert set(User.objects.filter(password_wanted=True)) == {cast.user, cast.stranger}
    for wrong in ({}, {"all": True, "domain": cast.domain.name}, {"domain": "nowhere.example"}):
        task = run_here(SYSTEM, command, get_command(command).arguments_from_json(wrong))
        assert task.state == Task.State.FAILED


def test_people_are_told_when_it_is_near_and_on_the_last_day_once_each(cast: Cast, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example"
    services.set_password(SYSTEM, cast.user, password=GOOD)
    services.set_password(SYSTEM, cast.stranger, password=GOOD)
    assert run("SendPasswordReminders")["near"] == 0  # nothing expires anywhere
    set_option(SYSTEM, cast.domain, "PASSWORD_DAYS", 30)

    def told(days: int) -> int:
        """How many mails leave when the password is so old, and the last mail is as long ago as days have passed."""
        User.objects.update(password_changed_at=timezone.now() - timedelta(days=days))
        mail.outbox.clear()
        run("SendPasswordReminders")
        run("SendPasswordReminders")
        return len(mail.outbox)

    assert told(10) == 0
    assert told(20) == 1
    assert "expires" in mail.outbox[0].subject and cast.user.email in mail.outbox[0].to[0]
    User.objects.filter(pk=cast.user.pk).update(password_told_at=timezone.now() - timedelta(days=9))
    assert told(29) == 1
    assert told(31) == 0  # it has expired; the pages say so
