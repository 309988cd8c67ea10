"""The commands of profiles: their names, what they take, what they answer, and who may use them."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from archive.errors import BadProfile, ProfileBusy
from archive.models import Profile, ProfileRun
from archive.profiles.fields import KIND_FIELDS, in_window, parse_window
from archive.services.profiles import automatic, keeping, running
from config.kit import paths
from jobs.models import Task
from jobs.services import start
from tests.archive.django.profiles.ground import make_mailbox, message

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system()
SECRET = "a-very-secret-password"


def invoke(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """As a person at the shell: the JSON document."""
    with contextlib.suppress(SystemExit):
        call_command("invoke", "--", *words, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def properties(address: str, **more: Any) -> dict[str, Any]:
    make_mailbox(address)
    return {
        "name": "Mail", "type": "imap", "host": "imap.example.org", "userName": "ann", "password": SECRET,
        "mailbox": address, **more,
    }  # fmt: skip


def files_profile(address: str, name: str = "Files") -> Profile:
    make_mailbox(address)
    folder = paths.home() / "import" / "commands"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "one.eml").write_bytes(message(1))
    return keeping.create_profile(SYSTEM, name=name, kind="files", values={"path": str(folder), "mailbox": address})


def test_a_profile_is_made_read_changed_and_deleted_and_its_password_is_nowhere(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = invoke(capsys, "CreateProfile", "--properties", json.dumps(properties(address)), "--raw", "true")
    profile = Profile.objects.get()
    assert made["result"]["hasPassword"] is True
    listed = invoke(capsys, "GetProfiles", "--raw", "true")["result"]["profiles"]
    assert [each["name"] for each in listed] == ["Mail"]
    assert listed[0]["serverSideExecution"]["automatic"] is False
    copied = {**listed[0], "name": "Copy", "password": SECRET}
    invoke(capsys, "CreateProfile", "--properties", json.dumps(copied), "--raw", "true")
    change = json.dumps({"folder": "Old"})
    changed = invoke(capsys, "ChangeProfile", "--id", str(profile.pk), "--properties", change, "--raw", "true")
    assert (changed["result"]["folder"], changed["result"]["hasPassword"]) == ("Old", True)
    assert invoke(capsys, "DeleteProfile", "--id", str(profile.pk))["state"] == "completed"
    assert [each.name for each in Profile.objects.all()] == ["Copy"]
    kept = json.dumps([list(Task.objects.values("arguments", "result", "error")), list(
        AuditEvent.objects.values("details", "changes"))], default=str)  # fmt: skip
    assert SECRET not in kept


def test_only_raw_is_supported_and_unknown_properties_are_named(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "raw=true" in invoke(capsys, "GetProfiles", "--raw", "false")["error"]
    given = json.dumps(properties(address, colour="red"))
    assert "colour" in invoke(capsys, "CreateProfile", "--properties", given, "--raw", "true")["error"]


@pytest.mark.parametrize("kind", KIND_FIELDS)
def test_every_kind_says_what_it_needs(kind: str) -> None:
    with pytest.raises(BadProfile) as refused:
        keeping.create_profile(SYSTEM, name="x", kind=kind, values={})
    assert refused.value.field in KIND_FIELDS[kind]


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 0), ("port", True), ("security", "maybe"), ("host", "a b"), ("ca_certificate", "nonsense"),
     ("folder_mapping", [{"from": "x"}]), ("delete_after_days", -1), ("include_folders", "x"), ("mailbox", "no@where")],
)  # fmt: skip
def test_what_can_not_be_is_refused_at_its_field(address: str, name: str, value: Any) -> None:
    make_mailbox(address)
    values = {"host": "imap.example.org", "user_name": "a", "password": "b", "mailbox": address}
    with pytest.raises(BadProfile) as refused:
        keeping.create_profile(SYSTEM, name="x", kind="imap", values=values | {name: value})
    assert refused.value.field == name


def test_a_kept_password_never_goes_to_another_server(address: str) -> None:
    make_mailbox(address)
    values = {"host": "imap.example.org", "user_name": "a", "password": SECRET, "mailbox": address}
    profile = keeping.create_profile(SYSTEM, name="x", kind="imap", values=values)
    for change in ({"host": "evil.example.net"}, {"port": 1143}, {"security": "none"}, {"verify_certificate": False}):
        with pytest.raises(BadProfile) as refused:
            keeping.update_profile(SYSTEM, profile, values=change)
        assert refused.value.field == "password"
    keeping.update_profile(SYSTEM, profile, values={"host": "other.example.org", "password": "another"})
    assert json.loads(profile.secrets.reveal()) == {"password": "another"}


def test_who_may_not_import_for_others_runs_nothing(user: User, address: str) -> None:
    profile = files_profile(address)
    for name, values in (
        ("GetProfiles", {"raw": True}), ("RunProfile", {"id": profile.pk}), ("DeleteProfile", {"id": profile.pk}),
        ("GetWorkerResultReport", {"id": 1}),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            start(Actor.for_user(user), name, values)


def test_running_leaves_a_result_and_its_report(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    profile = files_profile(address)
    ran = invoke(capsys, "RunProfile", "--id", str(profile.pk))
    assert (ran["result"]["outcome"], ran["result"]["archived"]) == ("succeeded", 1)
    now = timezone.now()
    span = [
        "--fromIncluding", (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"),
        "--toExcluding", (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S"), "--timeZoneID", "$Local",
    ]  # fmt: skip
    (found,) = invoke(capsys, "GetWorkerResults", *span, "--profileID", str(profile.pk))["result"]["results"]
    assert (found["profileName"], found["result"], found["itemsArchived"]) == ("Files", "succeeded", 1)
    report = invoke(capsys, "GetWorkerResultReport", "--id", str(found["id"]))["result"]
    assert [(each["target"], each["archived"]) for each in report["folders"] if each["target"]] == [("Inbox", 1)]
    assert invoke(capsys, "GetWorkerResults", *span, "--userName", "somebody")["state"] == "failed"
    assert "time zone" in invoke(capsys, "GetWorkerResults", *span[:4], "--timeZoneID", "Mars")["error"]


def test_a_temporary_profile_runs_and_is_gone(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    kept = files_profile(address)
    given = {"name": "Once", "type": "files", "path": kept.settings["path"], "mailbox": address}
    ran = invoke(capsys, "RunTemporaryProfile", "--properties", json.dumps(given), "--raw", "true")
    assert (ran["state"], ran["result"]["archived"]) == ("completed", 1)
    assert list(Profile.objects.values_list("name", flat=True)) == ["Files"]
    run = ProfileRun.objects.get()
    assert (run.profile_name, run.profile, run.trigger) == ("Once", None, "temporary")


def test_a_try_archives_nothing(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    profile = files_profile(address)
    found = invoke(capsys, "TestProfile", "--id", str(profile.pk))["result"]
    assert found["ok"] is True
    assert not ProfileRun.objects.exists()


def test_a_check_counts_again(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    profile = files_profile(address)
    invoke(capsys, "RunProfile", "--id", str(profile.pk))
    found = invoke(capsys, "CheckProfile", "--id", str(profile.pk))["result"]
    assert (found["source"], found["archived"], found["indexed"], found["missing"]) == (1, 1, 1, 0)


def test_two_runs_of_one_profile_do_not_meet(address: str) -> None:
    profile = files_profile(address)
    with running.only_one(profile), pytest.raises(ProfileBusy), running.only_one(profile):
        pass
    with running.only_one(profile):
        pass


# --- by itself ---------------------------------------------------------------------------------------------------


def test_automatic_execution_needs_a_pause_and_a_window_that_is_one(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = files_profile(address)
    name, number = "SetProfileServerSideExecution", str(profile.pk)
    assert invoke(capsys, name, "--id", number, "--automatic", "true")["state"] == "failed"
    on = ("--automaticPauseBetweenExecutions", "60", "--automaticMaintenanceWindows")
    assert invoke(capsys, name, "--id", number, "--automatic", "true", *on, "25:00-26:00")["state"] == "failed"
    found = invoke(capsys, name, "--id", number, "--automatic", "true", *on, "22:00-04:00")["result"]
    assert (found["automatic"], found["automaticMaintenanceWindows"]) == (True, "22:00-04:00")
    found = invoke(capsys, name, "--id", number, "--automatic", "false")["result"]
    assert (found["automatic"], found["nextExecution"]) == (False, None)


def test_what_is_due_runs_once_and_again_after_its_pause(address: str) -> None:
    profile = files_profile(address)
    keeping.set_automatic(SYSTEM, profile, automatic=True, pause_s=3600)
    (task,) = automatic.start_due()
    assert automatic.start_due() == []
    from jobs.services import run_waiting

    ran = run_waiting(task)
    assert ran is not None
    assert (ran.state, ran.result["outcome"]) == ("completed", "succeeded")  # type: ignore[index]
    assert ProfileRun.objects.get().trigger == "automatic"
    assert automatic.start_due() == []
    Profile.objects.update(next_run_at=timezone.now())
    assert len(automatic.start_due()) == 1


def test_it_does_not_begin_in_its_window_and_ends_when_that_begins(address: str) -> None:
    profile = files_profile(address)
    now = timezone.localtime()
    around = f"{(now - timedelta(minutes=2)):%H:%M}-{(now + timedelta(minutes=5)):%H:%M}"
    keeping.set_automatic(SYSTEM, profile, automatic=True, pause_s=0, window=around)
    assert automatic.start_due() == []
    task = start(SYSTEM, "RunProfileAutomatically", {"id": profile.pk})
    from jobs.services import run_waiting

    ran = run_waiting(task.pk)
    assert ran is not None
    assert ran.result["outcome"] == "paused"  # type: ignore[index]


def test_a_window_may_go_over_midnight() -> None:
    window = parse_window("22:00-04:00")
    assert [in_window(window, hour * 60) for hour in (21, 22, 23, 0, 3, 4, 12)] == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip
    assert not in_window(parse_window(""), 0)
