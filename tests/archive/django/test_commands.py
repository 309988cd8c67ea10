"""The shell doors as people and programs start them: one JSON document, exit codes, and what a kill leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archive import engines
from archive.models import Store
from config.kit import paths, secrets
from config.preparing import new_recovery_key
from jobs.models import Task
from tests.archive.django.factories import make_mails, make_mbox, make_raw, write
from tests.forked import Forked, fork, manage

pytestmark = pytest.mark.django_db(transaction=True)
Environment = dict[str, str]
MANAGE = [sys.executable, str(paths.BASE_DIR / "manage.py")]


def start(environment: Environment, *words: str) -> subprocess.CompletedProcess[str]:
    """As a person starts it; `manage` forks instead."""
    return subprocess.run([*MANAGE, *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def json_of(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_import_search_export_and_verify_by_the_shell(process_environment: Environment, tmp_path: Path) -> None:
    mails = make_mails(8)
    write(tmp_path / "in" / "mail.mbox", make_mbox(mails))
    broken = write(tmp_path / "in" / "broken.jpg", b"\xff\xd8\xff\xe0junk")
    done = start(process_environment, "import_mail", str(tmp_path / "in"), "--user", "Bob@Example.org", "--json")
    result = json_of(done)
    assert list(result) == [
        "task", "source", "archived", "duplicates", "rejected", "indexed", "bytes", "seconds", "items",
    ]  # fmt: skip
    assert (result["source"], result["archived"], result["duplicates"], result["rejected"]) == (9, 8, 0, 1)
    assert result["items"] == [{"path": str(broken), "offset": None, "reason": result["items"][0]["reason"]}]
    assert done.returncode == 1
    broken.unlink()
    again = manage(process_environment, "import_mail", str(tmp_path / "in"), "--user", "bob@example.org", "--json")
    assert (again.returncode, json_of(again)["duplicates"], json_of(again)["items"]) == (0, 8, [])

    found = json_of(
        manage(process_environment, "search", "budget", "--user", "bob@example.org", "--limit", "3", "--json")
    )
    assert list(found) == ["total", "milliseconds", "messages"]
    assert (found["total"], len(found["messages"])) == (8, 3)
    assert found["messages"][0] == {
        "id": f"{Store.objects.get().pk}:8",
        "date": "2005-01-08T10:00:00+00:00",
        "from": "Ann Example <ann@example.net>",
        "to": "Bob Example <bob@example.org>",
        "subject": "Report 7",
        "size_bytes": len(mails[7].rstrip(b"\n")) + 1,
        "folder": "mail",
    }
    assert json_of(manage(process_environment, "search", "-week", "--json"))["total"] == 0

    out = tmp_path / "out"
    exported = manage(
        process_environment, "export_mail", "--user", "bob@example.org", "--format", "eml", str(out), "--json"
    )
    assert (exported.returncode, json_of(exported)["messages"], json_of(exported)["altered"]) == (0, 8, [])
    taken = {hashlib.sha256(file.read_bytes()).hexdigest() for file in out.rglob("*.eml")}
    assert taken == {hashlib.sha256(raw.rstrip(b"\n") + b"\n").hexdigest() for raw in mails}
    verified = manage(process_environment, "verify", "--json")
    assert (verified.returncode, json_of(verified)["ok"]) == (0, True)
    for door in ("reindex", "recover"):
        made = manage(process_environment, door, "--store", "Main", "--json")
        assert (made.returncode, json_of(made)["ok"]) == (0, True), made.stderr
    assert json_of(manage(process_environment, "search", "budget", "--json"))["total"] == 8


def test_what_cant_be_done_is_said_with_exit_code_1(process_environment: Environment, tmp_path: Path) -> None:
    mail = str(write(tmp_path / "1.eml", make_raw()))
    manage(process_environment, "import_mail", mail, "--user", "bob@example.org", "--json")
    refused = [
        ("import_mail", str(tmp_path / "missing"), "--user", "bob@example.org"),
        ("import_mail", mail, "--user", "no address"),
        ("search", "x", "--user", "nobody@example.org"),
        ("search", "a (b"),
        ("export_mail", str(tmp_path), "--user", "bob@example.org", "--format", "eml"),
        ("export_mail", str(tmp_path / "new"), "--user", "nobody@example.org", "--format", "eml"),
        ("export_mail", str(tmp_path / "new"), "--user", "bob@example.org", "--format", "eml", "--query", "("),
        ("verify", "--store", "Nowhere"),
        ("recover_keys",),
    ]
    for words in refused:
        done = manage(process_environment, *words, "--json")
        assert done.returncode == 1, words
        assert set(json_of(done)) >= {"error"}, words
        assert "Traceback" not in done.stderr, words
    assert not (tmp_path / "new").exists()
    bad = manage(process_environment, "search", "kernel (oops")
    assert "  kernel (oops\n         ^\n" in bad.stderr
    assert json_of(manage(process_environment, "search", "kernel (oops", "--json"))["position"] == 7


@pytest.mark.parametrize(
    "words",
    [
        ["import_mail"],
        ["search", "--limt", "3", "budget"],
        ["create_token", "bob@example.org", "--name", "n"],
        ["create_admin", "nobody"],
    ],
)
def test_words_that_are_refused_are_one_json_document_too(process_environment: Environment, words: list[str]) -> None:
    done = manage(process_environment, *words, "--json")
    assert list(json_of(done)) == ["error"]
    assert done.returncode in (1, 2)
    assert json_of(done)["error"] in done.stderr


def test_a_pipe_named_by_a_person_is_rejected_and_waits_for_nobody(
    process_environment: Environment, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = manage(process_environment, "import_mail", str(tmp_path / "pipe"), "--user", "bob@example.org", "--json")
    assert [item["reason"] for item in json_of(done)["items"]] == ["no message here: a named pipe"]
    assert done.returncode == 1


def test_names_that_are_no_text_are_read_and_written(process_environment: Environment, tmp_path: Path) -> None:
    raw = make_raw()
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.eml"))
    source.write_bytes(raw)
    done = manage(process_environment, "import_mail", str(source), "--user", "bob@example.org", "--json")
    assert (done.returncode, json_of(done)["archived"]) == (0, 1)
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out \xff%41"))
    words = ("export_mail", str(out), "--user", "bob@example.org", "--format", "eml", "--json")
    assert manage(process_environment, *words).returncode == 0
    assert [each.read_bytes() for each in out.rglob("*.eml")] == [raw]


def test_a_store_name_that_is_none_is_refused_before_a_task_is_made(
    process_environment: Environment, tmp_path: Path
) -> None:
    mail = write(tmp_path / "a.eml", make_raw())
    words = ("import_mail", str(mail), "--user", "bob@example.org", "--store", "", "--json")
    assert "1 to 100" in json_of(manage(process_environment, *words))["error"]
    assert not Task.objects.exists()


def test_a_database_that_is_not_there_is_said_in_a_sentence(process_environment: Environment) -> None:
    away = {**process_environment, "DATABASE_URL": "postgresql://postkeep@/none?host=/nonexistent"}
    done = start(away, "search", "x", "--json")
    assert done.returncode == 1
    assert "is `manage.py up` running here?" in json_of(done)["error"]
    assert "Traceback" not in done.stderr


def test_keys_are_recovered_with_the_recovery_key_alone(process_environment: Environment, tmp_path: Path) -> None:
    (paths.keys_dir() / "recovery.pub").unlink(missing_ok=True)
    recovery = secrets.make_recovery_key()
    mail = str(write(tmp_path / "1.eml", make_raw("Precious")))
    assert manage(process_environment, "import_mail", mail, "--user", "bob@example.org").returncode == 0
    (paths.keys_dir() / "master").unlink()
    (paths.keys_dir() / "recovery.pub").unlink()
    assert new_recovery_key() is None, "another key would open nothing that is there"
    lost = manage(process_environment, "search", "precious", "--json")
    assert lost.returncode == 1 and "can't be opened" in json_of(lost)["error"]
    wrong = manage(
        process_environment, "recover_keys", "--json", given=("A" if recovery[0] != "A" else "B") + recovery[1:]
    )
    assert wrong.returncode == 1 and "mistyped" in json_of(wrong)["error"]
    public = write(paths.keys_dir() / "recovery.pub", b"00" * 32)
    file = write(tmp_path / "key.txt", recovery.lower().replace("-", " ").encode() + b"\n")
    done = manage(process_environment, "recover_keys", "--key-file", str(file), "--json")
    assert (done.returncode, json_of(done)["stores"]) == (0, ["Main"]), done.stderr
    assert json_of(manage(process_environment, "search", "precious", "--json"))["total"] == 1
    assert (paths.keys_dir() / "master").stat().st_mode & 0o777 == 0o600
    assert public.read_text() == secrets.public_of(secrets.parse_recovery_key(recovery)).hex()


BULK = 8_000  # some seconds of work: time to stop or kill it in the middle


def big_mbox(path: Path) -> Path:
    mails = [make_raw(f"Bulk {n}", f"word{n} " * 400 + "\n", number=n) for n in range(BULK)]
    return write(path, make_mbox(mails))


def start_import(environment: Environment, source: Path) -> Forked:
    words = ("import_mail", str(source), "--user", "bob@example.org", "--json")
    process = fork(environment, "manage", *words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        task = Task.objects.first()
        if task is not None and (task.progress.get("counters") or {}).get("archived"):
            return process
        assert process.poll() is None, "the import was over before it could be stopped"
        time.sleep(0.02)
    raise AssertionError("the import did not begin")


def test_a_killed_import_is_continued_and_doubles_nothing(process_environment: Environment, tmp_path: Path) -> None:
    source = big_mbox(tmp_path / "big.mbox")
    process = start_import(process_environment, source)
    process.kill()
    process.wait()
    Task.objects.update(heartbeat_at="2020-01-01T00:00:00Z")
    result = json_of(manage(process_environment, "import_mail", str(source), "--user", "bob@example.org", "--json"))
    assert result["archived"] + result["duplicates"] == BULK
    assert result["duplicates"] > 0
    assert Task.objects.order_by("pk")[0].state == Task.State.INTERRUPTED
    assert json_of(manage(process_environment, "search", "", "--json", "--limit", "1"))["total"] == BULK
    assert engines.open_store(Store.objects.get()).facts().messages == BULK


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_an_import_in_good_order(
    process_environment: Environment, tmp_path: Path, number: signal.Signals
) -> None:
    source = big_mbox(tmp_path / "big.mbox")
    process = start_import(process_environment, source)
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=60)
    result = json.loads(out)
    assert process.returncode == 1
    assert result["state"] == "interrupted"
    assert 0 < result["archived"] < BULK and result["source"] is None
    assert engines.open_store(Store.objects.get()).facts().messages == result["archived"]
