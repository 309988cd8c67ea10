"""Over the port of its own: a script with nothing but urllib drives a long function to its end."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

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
from tests.api.mailstore.client import KEYS, basic
from tests.archive.django.factories import make_store
from tests.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 40.0


class Script:
    """What a script does: the first try is bare, the challenge is answered, and every call goes on until its end."""

    def __init__(self, port: int, password: str) -> None:
        self.base = f"https://127.0.0.1:{port}/api/"
        self.password = password
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def post(self, path: str, form: dict[str, str] | None = None, *, authorization: str = "") -> Any:
        request = urllib.request.Request(self.base + path, urlencode(form or {}).encode(), method="POST")
        if authorization:
            request.add_header("Authorization", authorization)
        with urllib.request.urlopen(request, context=self.context, timeout=20) as answer:
            return json.loads(answer.read().decode("utf-8-sig"))

    def call(self, path: str, form: dict[str, str] | None = None) -> Any:
        try:
            return self.post(path, form)
        except urllib.error.HTTPError as error:
            if error.code != 401 or not error.headers["WWW-Authenticate"].startswith("Basic "):
                raise
        return self.post(path, form, authorization=basic("root@server.example", self.password))

    def follow(self, begun: Any) -> list[Any]:
        """Every envelope until the last."""
        seen = [begun]
        while seen[-1]["statusCode"] == "running":
            last = str(seen[-1]["statusVersion"])
            form = {"token": begun["token"], "millisecondsTimeout": "1000", "lastKnownStatusVersion": last}
            seen.append(self.call("/get-status", form))
            assert set(seen[-1]) == KEYS
        return seen


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
    script = Script(served, token)
    names = {each["name"] for each in script.post("get-metadata")}
    assert {"VerifyStore", "GetServerInfo"} <= names
    assert script.call("invoke/GetServerInfo")["result"]["machineName"]

    begun = script.call("invoke/VerifyStore", {"id": str(store.pk), "includeIndexes": "true"})
    assert begun["statusCode"] == "running" and begun["token"] and begun["result"] is None
    worker = threading.Thread(target=run_in_thread, args=[Task.objects.get().pk])
    worker.start()
    seen = script.follow(begun)
    worker.join()
    assert seen[-1]["statusCode"] == "succeeded" and seen[-1]["error"] is None and seen[-1]["result"]
    versions = [each["statusVersion"] for each in seen]
    assert versions == sorted(versions) and versions[-1] > versions[0]

    with pytest.raises(urllib.error.HTTPError, match="401"):
        Script(served, "wrong").call("invoke/GetServerInfo")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        script.call("get-status", {"token": "expired"})


def run_in_thread(task: int) -> None:
    try:
        run_waiting(task)
    finally:
        connection.close()
