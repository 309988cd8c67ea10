"""Over the port of its own: a script with nothing but urllib drives a long function to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from api.dialects import ports
from api.mailstore.dialect import DIALECT
from config import environment
from config.kit import paths
from jobs.models import Task
from jobs.services import run_waiting
from tests import factories
from tests.api.callers import caller_for
from tests.archive.django.factories import make_store
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 40.0
SCRIPT = Path(__file__).with_name("script.py")


def script(port: int, password: str, *arguments: str) -> subprocess.Popen[str]:
    """The script, in a process of its own that knows nothing of us."""
    return subprocess.Popen(
        [sys.executable, "-I", str(SCRIPT), f"https://127.0.0.1:{port}", "root@server.example", *arguments],
        env={"MAILSTORE_PASSWORD": password},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def served(process_environment: dict[str, str], settings: Any) -> Iterator[int]:
    """The port's own process, as the supervisor starts it."""
    port = free_port()
    settings.DIALECTS = environment.Dialects(
        frozenset({"mailstore"}), settings.DIALECTS.clients, "127.0.0.1", {"mailstore": port}
    )
    argv, more = ports.command(DIALECT)
    more |= {"POSTKEEP_DIALECTS": "mailstore", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen(argv, cwd=paths.BASE_DIR, env={**process_environment, **more})
    try:
        end = time.monotonic() + PATIENCE_S
        while not ports.answers(port):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def test_a_script_drives_a_long_function_to_its_end_over_tls(served: int) -> None:
    token = caller_for(factories.make_administrator("root@server.example")).token
    store = make_store()
    running = script(served, token, "VerifyStore", f"id={store.pk}", "includeIndexes=true")
    worker = threading.Thread(target=run_when_there)
    worker.start()
    said, news = running.communicate(timeout=PATIENCE_S)
    worker.join()
    assert running.returncode == 0, news
    assert json.loads(said)["ok"] is True, said
    assert json.loads(said)["stores"][0]["operation"] == "verify"
    assert " % " in news  # it was told that it goes on, and asked again

    others = {
        "a wrong password": (script(served, "wrong", "GetServerInfo"), 2, "401"),
        "a function that fails": (script(served, token, "CompactStore", "id=x"), 1, "id must be a whole number"),
        "what the metadata don't know": (script(served, token, "MergeEverything"), 1, "no function"),
    }
    for what, (process, code, words) in others.items():
        _said, news = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code and words in news, (what, news)


def run_when_there() -> None:
    """What a worker does, once the script has asked for it."""
    end = time.monotonic() + PATIENCE_S
    try:
        while (task := Task.objects.first()) is None and time.monotonic() < end:
            time.sleep(0.1)
        assert task is not None
        time.sleep(0.5)  # the script has seen it wait
        run_waiting(task.pk)
    finally:
        connection.close()
