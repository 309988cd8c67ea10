"""A whole Postkeep for measuring: `manage.py up` with a POSTKEEP_HOME of its own, imports into it, pages asked of it.

Not for tests (tests.config.houses): here nothing is asserted and a home may be kept for the next run.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import psutil

from benchmarks.asking import Answer, Api
from benchmarks.corpus import Corpus, MailSet

ROOT = Path(__file__).resolve().parent.parent
ADDRESS, PASSWORD = "bench@bench.example", "a long row of words for measuring"
HEALTHY_S = 120.0
POLL_S = 0.05
OURS = ("POSTKEEP_", "DJANGO_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**more: str) -> dict[str, str]:
    """What a person's shell would give: nothing of the `make bench` we may run in."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | more


class Watch:
    """The most memory that a process and all below it took at once, looked at every 50 ms, in bytes."""

    def __init__(self, pid: int) -> None:
        self.peak_sum = 0
        self.peak_largest = 0
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(POLL_S):
            with suppress(psutil.Error):
                sizes = [resident(each) for each in family(self._process)]
                self.peak_sum = max(self.peak_sum, sum(sizes))
                self.peak_largest = max(self.peak_largest, *sizes)


def family(process: psutil.Process) -> list[psutil.Process]:
    """The process and all below it."""
    return [process, *process.children(recursive=True)]


def resident(process: psutil.Process) -> int:
    """Its resident bytes, 0 once it is gone."""
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def proportional(process: psutil.Process) -> int:
    """Its resident bytes with what it shares counted by its share, 0 once it is gone."""
    with suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


class House:
    """One HOME; as a context manager its supervisor runs."""

    def __init__(self, home: Path, **more: str) -> None:
        self.home, self.more = home, more
        self.port, self.smtp_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> House:
        self.home.mkdir(parents=True, exist_ok=True)
        administrator = {"POSTKEEP_ADMIN_EMAIL": ADDRESS, "POSTKEEP_ADMIN_PASSWORD": PASSWORD}
        with (self.home / "said").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=clean_environment(
                    POSTKEEP_HOME=str(self.home),
                    POSTKEEP_PORT=str(self.port),
                    POSTKEEP_SMTP_PORT=str(self.smtp_port),
                    **administrator,
                    **self.more,
                ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            self._wait_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
            self.process = None

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        assert self.process is not None
        return family(psutil.Process(self.process.pid))

    def child(self, name: str) -> list[psutil.Process]:
        """One child of the supervisor by its name (web, worker, …) and all below it."""
        children = json.loads((self.home / "up.json").read_text())["children"]
        return family(psutil.Process(next(child["pid"] for child in children if child["name"] == name)))

    def start_import(self, paths: Sequence[Path], *, user: str = ADDRESS, store: str | None = None) -> Import:
        """`manage.py import_mail` as a process of its own."""
        argv = [sys.executable, "manage.py", "import_mail", *map(str, paths), "--user", user, "--json"]
        argv += ["--store", store] if store else []
        environ = clean_environment(POSTKEEP_HOME=str(self.home), POSTKEEP_PORT=str(self.port))
        return Import(subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, start_new_session=True))

    def _wait_healthy(self) -> None:
        until = time.monotonic() + HEALTHY_S
        while answer_of(self.port, "/healthz") != 200:
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"`manage.py up` does not answer; it said:\n{(self.home / 'said').read_text()}")
            time.sleep(0.2)


class Import:
    """One running import."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._started = time.perf_counter()
        self._watch = Watch(process.pid)

    def result(self) -> dict[str, Any]:
        """What it printed, with `wall` (its whole life in seconds) and the peaks of its memory. Waits for the end.

        Raises: RuntimeError when it did not end well.
        """
        told, _ = self._process.communicate()
        wall = time.perf_counter() - self._started
        self._watch.end()
        found: dict[str, Any] = json.loads(told or b"{}")
        found.pop("items", None)
        if self._process.returncode or not found.get("seconds"):
            raise RuntimeError(f"the import ended with {self._process.returncode}: {found}")
        return found | {"wall": wall, "peak_sum": self._watch.peak_sum, "peak_largest": self._watch.peak_largest}


def answer_of(port: int, path: str) -> int:
    """The status of a page, 0 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


class Browser:
    """One signed-in session over one kept connection."""

    def __init__(self, port: int) -> None:
        self._api = Api(port, {})
        self._cookies: dict[str, str] = {}
        self._origin = f"http://127.0.0.1:{port}"

    def sign_in(self, address: str = ADDRESS, password: str = PASSWORD) -> None:
        """Raises: RuntimeError when the door stays shut."""
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/sign-in/").body)
        if token is None:
            raise RuntimeError("the sign-in page has no form")
        form = {"csrfmiddlewaretoken": token[1].decode(), "email": address, "password": password}
        status = self._ask("POST", "/sign-in/", urlencode(form)).status
        if status not in (302, 303):
            raise RuntimeError(f"signing in gave {status}")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Any page, whole; or a piece of one where the headers ask for that."""
        return self._ask("GET", path, headers=headers)

    def search(self, query: str) -> tuple[float, int]:
        """Ask for the search page, whole: (seconds, bytes). Raises: RuntimeError when it is not 200."""
        answer = self.get(f"/mail/?{urlencode({'q': query})}").expect(200)
        return answer.seconds, len(answer.body)

    def _ask(
        self, method: str, path: str, body: str | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, **(headers or {})}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        answer = self._api.ask(method, path, body.encode() if body is not None else None, headers)
        for cookie in answer.cookies:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self._cookies[name] = value
        return answer


def kept_house(corpus: Corpus, mails: MailSet) -> House:
    """The house (not running) whose one store holds that set; built now unless there is one made by this engine."""
    home = corpus.root / "homes" / mails.label
    note = home / "built.json"
    wanted = {"messages": mails.messages, "engine": engine_hash()}
    if not (note.exists() and json.loads(note.read_text()).items() >= wanted.items()):
        shutil.rmtree(home, ignore_errors=True)
        with House(home) as house:
            result = house.start_import(mails.mboxes).result()
        note.write_text(json.dumps({**wanted, "import": result}))
    return House(home)


def engine_hash() -> str:
    """Names the code that decides what a store and its index look like."""
    digest = hashlib.sha256()
    for folder in ("archive/store", "archive/mail", "archive/migrations"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
