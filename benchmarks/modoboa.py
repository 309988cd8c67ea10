"""Modoboa, the program beside which the directory is measured: installed, filled, served and asked over HTTP.

    CACHE/modoboa-2.12.0/env        its own virtual environment (pip)
    CACHE/modoboa-2.12.0/home-N     PostgreSQL and Valkey of our wheels with our settings, its project, N accounts in it

CACHE is the work folder of the run if one was named, else $XDG_CACHE_HOME/postkeep-bench, else /tmp/postkeep-bench.
It is served as we are: granian, two workers. Two things are switched off that would be measured instead of it: the
limit of requests per minute and the PDF it prints for each new account. Accounts are not made one by one: one is
imported through its API, then the rows that this left in each of its tables are repeated in SQL for all others, with
one password hash for all. Not for our own side.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import modoboa_rows
from benchmarks.asking import Api
from benchmarks.house import answer_of, clean_environment, family, free_port
from benchmarks.invented import Directory
from benchmarks.quiet import own_servers
from config import servers

VERSION = "2.12.0"
WORKERS = 2
DATABASE, PROJECT = "modoboa", "instance"
ADMINISTRATOR = "admin"
READY_S, STOP_S, DEPLOY_S = 60.0, 10.0, 600.0
_SETTINGS = """\
from instance.settings import *

ALLOWED_HOSTS = ["127.0.0.1"]
REST_FRAMEWORK = REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"])}
"""


class Missing(Exception):
    """Modoboa can't be had here; the text says why and what would help."""


def cache(work: Path | None) -> Path:
    """Where it is kept for the next run."""
    base = work or Path(os.environ.get("XDG_CACHE_HOME") or "/tmp") / "postkeep-bench"  # noqa: S108
    folder = base / f"modoboa-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def installed(folder: Path) -> Path:
    """The `bin` of its virtual environment; made now unless it is there. Raises: Missing."""
    done = folder / "env" / "installed"
    if not done.exists():
        shutil.rmtree(folder / "env", ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder / "env")])
        wanted = [f"modoboa[postgresql]=={VERSION}", f"granian=={version('granian')}"]
        try:
            _run([str(folder / "env/bin/pip"), "install", "--quiet", "--disable-pip-version-check", *wanted])
        except Missing as error:
            hint = "; it needs Debian's librrd-dev" if "rrd.h" in str(error) else ""
            raise Missing(f"pip could not install modoboa {VERSION}{hint}") from error
        done.touch()
    return folder / "env" / "bin"


class Modoboa:
    """One Modoboa with so many accounts; as a context manager it and its servers run."""

    def __init__(self, folder: Path, directory: Directory) -> None:
        self._bin = installed(folder)
        self._home = folder / f"home-{directory.mailboxes}"
        self._directory = directory
        self.port = free_port()
        self.token = ""
        self._sockets = Path()

    @contextmanager
    def running(self) -> Iterator[Modoboa]:
        """Filled on its first start."""
        with own_servers(self._home) as self._sockets:
            if not (self._home / "filled.json").exists():
                self._fill()
            self.token = self._token()
            with self._served():
                yield self

    def api(self) -> Api:
        """A connection of its own, signed in as the administrator of everything."""
        return Api(self.port, {"Authorization": f"Token {self.token}"})

    def facts(self) -> dict[str, Any]:
        """How many accounts, and what filling took."""
        found: dict[str, Any] = json.loads((self._home / "filled.json").read_text())
        return found

    def database(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(host=str(self._sockets), user=servers.ACCOUNT, dbname=DATABASE, autocommit=True)

    def _fill(self) -> None:
        """From nothing: database, project, one account by its own import, the others like it."""
        started = time.monotonic()
        for argv in (["dropdb", "--if-exists"], ["createdb"]):
            _run(
                [str(servers.pg_program(argv[0])), *argv[1:], "-h", str(self._sockets), "-U", servers.ACCOUNT, DATABASE]
            )
        shutil.rmtree(self._home / PROJECT, ignore_errors=True)
        host = str(self._sockets).replace("/", "%2F")
        deploy = [str(self._bin / "modoboa-admin.py"), "deploy", PROJECT, "--domain", "localhost"]
        deploy += ["--dburl", f"default:postgres://{servers.ACCOUNT}@{host}/{DATABASE}"]
        deploy += ["--redisurl", f"unix://{self._sockets}/valkey.sock?db=0"]
        _run([str(self._bin / "python"), *deploy], cwd=self._home)
        (self._project / PROJECT / "measured.py").write_text(_SETTINGS)
        self.token = self._token()
        with self._served(), self.database() as connection:
            modoboa_rows.import_first(self.api(), connection)
        with self.database() as connection:
            modoboa_rows.repeat(connection, self._directory)
            accounts = modoboa_rows.count(connection)
        seconds = time.monotonic() - started
        (self._home / "filled.json").write_text(json.dumps({"accounts": accounts, "seconds": seconds}))

    @property
    def _project(self) -> Path:
        return self._home / PROJECT

    def _environment(self) -> dict[str, str]:
        return clean_environment(DJANGO_SETTINGS_MODULE=f"{PROJECT}.measured")

    def _token(self) -> str:
        """The administrator's API token, by its own command."""
        argv = [str(self._bin / "python"), "manage.py", "drf_create_token", ADMINISTRATOR]
        told = _run(argv, cwd=self._project, env=self._environment())
        return told.split("token ", 1)[1].split()[0]

    @contextmanager
    def _served(self) -> Iterator[None]:
        argv = [str(self._bin / "granian"), "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        argv += ["--workers", str(WORKERS), "--no-ws", f"{PROJECT}.wsgi:application"]
        with (self._home / "web.log").open("ab") as log:
            process = subprocess.Popen(argv, cwd=self._project, env=self._environment(), stdout=log, stderr=log)
        try:
            until = time.monotonic() + READY_S
            while answer_of(self.port, "/api/v2/accounts/") != 401:
                if process.poll() is not None or time.monotonic() > until:
                    raise Missing(f"modoboa does not answer; see {self._home / 'web.log'}")
                time.sleep(0.2)
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and its workers, which may wait for clients that don't come back."""
    workers = family(psutil.Process(process.pid)) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        for each in workers:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()


def _run(argv: Sequence[str], **more: Any) -> str:
    """What it printed. Raises: Missing with the end of what it said when it failed."""
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=DEPLOY_S, **more
    )
    if done.returncode:
        raise Missing(f"{Path(argv[0]).name} failed: {(done.stdout + done.stderr)[-2000:]}")
    return str(done.stdout)
