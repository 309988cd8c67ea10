"""The registry of commands, and its door for shells."""

from __future__ import annotations

import dataclasses
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.actors import Actor
from jobs import services
from jobs.commands import About, Json, JsonList, JsonObject, Secret, SecretObject, command, get_command, list_commands
from jobs.console import ProgressLine, as_text, progress_text
from jobs.errors import BadArguments, UnknownCommand
from jobs.models import Task
from jobs.running import TaskRun
from jobs.words import read_words
from tests.forked import manage
from tests.jobs import commands  # noqa: F401  registers them

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class EverythingArguments:
    name: str
    settings: str = ""
    limit: int | None = None
    paths: list[str] = dataclasses.field(default_factory=list)
    dry: bool = False
    note: str | None = None


@command("TestEverything", needs=None, arguments=EverythingArguments)
def everything(actor: Actor, run: TaskRun, arguments: EverythingArguments) -> dict[str, object]:
    """Gives back what it was given.

    And more that no list shows.
    """
    run.log("said")
    return dataclasses.asdict(arguments)


@dataclasses.dataclass(frozen=True)
class ShapesArguments:
    properties: JsonObject
    policies: JsonList = dataclasses.field(default_factory=list)
    anything: Json = None
    folder_id: Annotated[int | None, About("Folder", least=0, most=9)] = None
    mode: Annotated[str, About(choices={"dry": "Try", "real": "Do"})] = "dry"
    password: Secret = ""
    login: Annotated[SecretObject | None, About("Sign-in")] = None


@command("TestShapes", needs=None, arguments=ShapesArguments, label="Shapes")
def shapes(actor: Actor, run: TaskRun, arguments: ShapesArguments) -> dict[str, object]:
    """Gives back what it was given, and of a secret its length."""
    if arguments.mode == "real":
        raise OSError("the disk is full")
    told = dataclasses.asdict(arguments)
    return told | {"password": len(arguments.password), "login": sorted(arguments.login or {})}


def invoke(*words: str) -> tuple[str, str, int]:
    """(stdout, stderr, exit code) of the management command in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("invoke", "--", *words, stdout=out, stderr=err)
    except SystemExit as left:
        return out.getvalue(), err.getvalue(), int(str(left.code))
    return out.getvalue(), err.getvalue(), 0


def test_words_become_typed_arguments() -> None:
    registered = get_command("TestEverything")
    words = ["--name", "x", "--paths", "a", "--paths", "b c", "--limit=5", "--dry", "--settings", "foo", "--note=--x"]
    made = registered.arguments_from_strings(read_words(registered, words))
    assert made == EverythingArguments("x", "foo", 5, ["a", "b c"], True, "--x")


def test_a_flag_may_say_false() -> None:
    registered = get_command("TestEverything")
    made = registered.arguments_from_strings(read_words(registered, ["--name", "x", "--dry", "false"]))
    assert made.dry is False


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "needs name"),
        (["--name"], "needs a value"),
        (["--name", "--dry"], "needs a value"),
        (["x"], "stands alone"),
        (["--name", "x", "--limit", "five"], "whole number"),
        (["--name", "x", "--dry", "perhaps"], "true or false"),
        (["--name", "x", "--name", "y"], "more than once"),
        (["--name", "x", "--colour", "red"], "no argument colour"),
    ],
)
def test_words_that_do_not_fit_say_why(words: list[str], why: str) -> None:
    registered = get_command("TestEverything")
    with pytest.raises(BadArguments, match=why):
        registered.arguments_from_strings(read_words(registered, words))


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": 1},
        {"name": "x", "limit": True},
        {"name": "x", "paths": [1]},
        {"name": "x", "dry": 1},
        {"name": None},
    ],
)
def test_json_of_another_type_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadArguments):
        get_command("TestEverything").arguments_from_json(values)


def test_json_and_arguments_go_both_ways() -> None:
    registered = get_command("TestEverything")
    made = registered.arguments_from_json({"name": "x", "limit": None, "paths": ["a"]})
    assert registered.arguments_from_json(registered.arguments_as_json(made)) == made


def test_a_field_no_shell_can_give_fails_at_import() -> None:
    @dataclasses.dataclass
    class Odd:
        when: dict[str, str]

    with pytest.raises(TypeError, match="when"):
        command("TestOdd", needs=None, arguments=Odd)


def test_json_is_typed_as_text_in_a_shell(db: None) -> None:
    words = ["--properties", '{"folders": ["a"], "n": 1.5}', "--policies", "[{}]", "--anything", "null"]
    out, err, code = invoke("TestShapes", *words, "--folderID", "0", "--json")
    assert code == 0, err
    result = json.loads(out)["result"]
    assert result["properties"] == {"folders": ["a"], "n": 1.5}
    assert (result["policies"], result["anything"], result["folder_id"]) == ([{}], None, 0)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--properties", "{"], "properties must be JSON: Expecting property name"),
        (["--properties", "[]"], "properties must be json object"),
        (["--properties", '{"a": NaN}'], "NaN is no number of JSON"),
        (["--properties", "{}", "--policies", "{}"], "policies must be json list"),
        (["--properties", "{}", "--folder-id", "10"], "folder_id must be at most 9"),
        (["--properties", "{}", "--folder-id", "-1"], "folder_id must be at least 0"),
        (["--properties", "{}", "--mode", "perhaps"], "mode must be one of: dry, real"),
        (["--properties", "{}", "--folderId", "1", "--folder-id", "1"], "more than once"),
        (["--properties", "[" * 100_000], "properties must be JSON"),
        (["--properties", '{"a": ["\\u0000"]}'], "properties holds signs that no text has"),
        (["--properties", '{"\\ud800": 1}'], "properties holds signs that no text has"),
        (["--properties", "{}", "--password", "\udcff"], "password holds signs that no text has"),
    ],
)
def test_json_that_does_not_fit_says_why(db: None, words: list[str], why: str) -> None:
    out, err, code = invoke("TestShapes", *words)
    assert (out, code) == ("", 1) and why in err
    assert not Task.objects.exists()


def test_names_are_read_in_every_spelling() -> None:
    registered = get_command("TestShapes")
    made = [
        registered.arguments_from_json({"properties": {}, name: 3}) for name in ("folderId", "folderID", "folder_id")
    ]
    assert {each.folder_id for each in made} == {3}


def test_the_list_tells_what_is_json_and_what_is_secret() -> None:
    listed = {each["name"]: each["arguments"] for each in json.loads(invoke("--list", "--json")[0])}["TestShapes"]
    told = {each["name"]: each for each in listed}
    assert {name: each["type"] for name, each in told.items()} == {
        "properties": "json object",
        "policies": "json list",
        "anything": "json",
        "folder_id": "int",
        "mode": "str",
        "password": "str",
        "login": "json object",
    }
    assert told["mode"]["choices"] == ["dry", "real"]
    assert [name for name, each in told.items() if each.get("secret")] == ["password", "login"]
    assert "[--folder-id INT]" in invoke("--list")[0]


def test_a_secret_is_kept_sealed_until_the_command_has_completed(db: None) -> None:
    secret = ["--password", "open sesame", "--login", '{"user": "x", "key": "open sesame"}']
    failed = json.loads(invoke("TestShapes", "--properties", "{}", "--mode", "real", *secret, "--json")[0])["task"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM jobs_task t")
        assert "sesame" not in str(cursor.fetchall())
    again = services.start_again(Actor.console(), Task.objects.get(pk=failed))
    Task.objects.filter(pk=again.pk).update(arguments={**again.arguments, "mode": "dry"})
    assert services.run_waiting(again.pk) is not None
    again.refresh_from_db()
    assert again.result is not None and (again.result["password"], again.result["login"]) == (11, ["key", "user"])
    assert not again.secrets and "password" not in again.arguments


def test_json_and_secrets_are_read_from_standard_input(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("open sesame\n"))
    out, err, _code = invoke("TestShapes", "--properties", "{}", "--password", "-", "--json")
    assert json.loads(out)["result"]["password"] == 11, err


def test_without_waiting_the_number_of_the_task_is_all_that_is_told(db: None) -> None:
    out, _err, code = invoke("TestFail", "--to", "1", "--no-wait", "--json")
    task = Task.objects.get()
    assert (code, task.state) == (0, "waiting")
    assert json.loads(out) == {"task": task.pk, "state": "waiting", "result": None, "error": None}
    assert f"task {task.pk + 1} waits" in invoke("TestFail", "--to", "1", "--no-wait")[0]


def test_words_of_the_shell_are_no_arguments() -> None:
    @dataclasses.dataclass
    class Odd:
        no_wait: bool = False

    with pytest.raises(TypeError, match="no_wait"):
        command("TestOdd", needs=None, arguments=Odd)


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):

        @command("TestEverything", needs=None, arguments=EverythingArguments)
        def other(actor: Actor, run: TaskRun, arguments: EverythingArguments) -> dict[str, object]:
            return {}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownCommand):
        get_command("NoSuchCommand")


def test_every_command_has_a_help_line() -> None:
    assert [registered.name for registered in list_commands() if not registered.help] == []


def test_the_list_tells_names_and_arguments() -> None:
    out, _err, code = invoke("--list", "--json")
    listed = {each["name"]: each["arguments"] for each in json.loads(out)}
    assert code == 0
    assert {"name": "older_than_days", "type": "int", "required": False, "default": 90} in listed["PurgeOldTasks"]
    assert {"name": "name", "type": "str", "required": True} in listed["TestEverything"]
    assert "PurgeOldTasks" in invoke("--list")[0]
    assert "[--dry]" in invoke("--help")[0]


def test_a_command_runs_as_the_console_and_prints_one_document(db: None) -> None:
    out, _err, code = invoke("TestEverything", "--name", "x", "--json")
    document = json.loads(out)
    task = Task.objects.get()
    assert code == 0
    assert document == {"task": task.pk, "state": "completed", "result": task.result, "error": None}
    assert task.actor_label.startswith("console:")
    assert "name: x" in invoke("TestEverything", "--name", "x")[0]


def test_failure_is_exit_code_1_with_the_reason_on_stderr_and_in_the_document(db: None) -> None:
    out, err, code = invoke("TestFail", "--to", "1", "--json")
    assert code == 1
    assert "the disk is full" in err
    assert json.loads(out)["error"] == "the disk is full"
    out, err, code = invoke("TestFail", "--to", "1")
    assert (out, code) == ("", 1)


@pytest.mark.parametrize("words", [["NoSuchCommand"], ["TestFail", "--to", "x"], ["TestFail"]])
def test_what_cannot_be_asked_leaves_no_task(db: None, words: list[str]) -> None:
    out, err, code = invoke(*words, "--json")
    assert code == 1 and err and json.loads(out)["error"]
    assert not Task.objects.exists()


def start(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """As a person starts it; `manage` forks instead."""
    argv = [sys.executable, "manage.py", *words]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_door_itself_leaves_djangos_own_options_to_the_registry(process_environment: dict[str, str]) -> None:
    ran = start(process_environment, "invoke", "PurgeOldTasks", "--older-than-days", "7", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["result"]) == (0, {"purged": 0, "results": 0}), ran.stderr
    refused = start(process_environment, "invoke", "PurgeOldTasks", "--settings", "no.such.module", "--json")
    assert refused.returncode == 1
    assert "no argument settings" in json.loads(refused.stdout)["error"]


def test_a_shell_knows_every_command_that_the_pages_know(process_environment: dict[str, str]) -> None:
    listed = manage(process_environment, "invoke", "--list", "--json")
    ours = {each.name for each in list_commands() if not each.function.__module__.startswith("tests.")}
    assert {each["name"] for each in json.loads(listed.stdout)} == ours


def test_tokens_and_administrators_are_made_from_a_shell(process_environment: dict[str, str]) -> None:
    made = manage(process_environment, "create_admin", "Boss@example.org", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["email"] == "boss@example.org"
    assert "/link/" in json.loads(made.stdout)["link"]
    again = manage(
        process_environment, "create_admin", "boss@example.org", "--password-stdin", "--json", given="a good password\n"
    )
    assert json.loads(again.stdout)["link"] is None
    token = manage(process_environment, "create_token", "boss@example.org", "--name", "backup", "--json")
    assert list(json.loads(token.stdout)) == ["value"]
    nobody = manage(process_environment, "create_token", "nobody@example.org", "--name", "backup", "--json")
    assert (nobody.returncode, list(json.loads(nobody.stdout))) == (1, ["error"])


def test_an_interrupted_shell_leaves_an_interrupted_task(process_environment: dict[str, str]) -> None:
    code = (
        "import django; django.setup()\n"
        "from tests.jobs.commands import CountArguments\n"
        "from accounts.actors import Actor\n"
        "from jobs import services\n"
        "services.run_here(Actor.console(), 'TestWait', CountArguments(60))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=process_environment)
    end = time.monotonic() + 30
    while not Task.objects.filter(logs__text="began").exists():
        assert time.monotonic() < end
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    task = Task.objects.get()
    assert (task.state, task.result) == ("interrupted", {"stopped": True})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_result_on_a_terminal_is_words_and_json_never_python() -> None:
    assert as_text("name", "Büro") == "name: Büro"
    assert as_text("ended", None) == "ended:" and as_text("enabled", True) == "enabled: true"
    assert as_text("jobs", [{"id": 1, "last": None}, "x"]) == 'jobs:\n  {"id": 1, "last": null}\n  x'


def test_progress_is_one_line_in_place_on_a_terminal_and_few_lines_elsewhere() -> None:
    snapshot: dict[str, Any] = {
        "done": 5,
        "total": 10,
        "unit": "messages",
        "rate": 2.0,
        "eta_s": 3,
        "counters": {"new": 4},
    }
    terminal, plain = Terminal(), io.StringIO()
    for stream in (terminal, plain):
        line = ProgressLine(stream)
        for done in (5, 6, 7):
            line(snapshot | {"done": done})
        line.end()
    assert terminal.getvalue().count("\r") == 3
    assert plain.getvalue() == "5 of 10 messages · 2.0/s · 3 s left · new 4\n"
    assert progress_text({"done": 0, "total": None, "unit": "messages"}) == ""
