"""The house's database as one file, and back: PostgreSQL's own pg_dump and pg_restore, from its wheel.

A dump is of one moment (pg_dump reads in one REPEATABLE READ transaction) and has the tables' shapes with it. Loading
is one transaction: what was there goes and what was dumped comes, or nothing changes. Sessions are left out: nobody is
signed in after a restore. Not for sealing the file (`sealing`).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive.store.errors import Stopped
from archive.store.operations.report import Stop, never
from config.servers import pg_program

from .errors import BackupError

LEFT_OUT = ("accounts_session",)
# Schemas of stores: their content is in a backup as that of every other store is (`services.store_places`).
NOT_OURS = "store_*"
LOCK_WAIT = "60s"


class DatabaseFailed(BackupError):
    """PostgreSQL's program refused; the text is its own."""

    permanent = False


@dataclass(frozen=True, slots=True)
class Server:
    """Which database, as whom."""

    name: str
    host: str = ""
    port: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Server:
        """From Django's settings of a database."""
        said = {key: str(settings.get(key.upper()) or "") for key in ("name", "host", "port", "user", "password")}
        known = {"sslmode", "sslrootcert", "sslcert", "sslkey"}
        options = {key: str(value) for key, value in (settings.get("OPTIONS") or {}).items() if key in known}
        return cls(**said, options=options)

    def environment(self) -> dict[str, str]:
        """What libpq reads; nothing secret is in a command line."""
        said = {"PGDATABASE": self.name, "PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user}
        said |= {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "10"}
        said |= {f"PG{key.upper()}": value for key, value in self.options.items()}
        return os.environ | {key: value for key, value in said.items() if value}


def dump(server: Server, target: Path, *, stop: Stop = never) -> None:
    """Write the database to a new file, 0600. Raises: DatabaseFailed, Stopped."""
    command = ["--format=custom", "--no-owner", "--no-privileges", f"--lock-wait-timeout={LOCK_WAIT}"]
    command.append(f"--exclude-schema={NOT_OURS}")
    command += [f"--exclude-table-data={name}" for name in LEFT_OUT]
    target.touch(mode=0o600, exist_ok=False)
    _run(server, "pg_dump", [*command, "--file", str(target)], stop)


def load(server: Server, source: Path, *, stop: Stop = never) -> None:
    """Put what a dump holds in place of all that is there. Nobody else may be connected. Raises: DatabaseFailed."""
    script = source.with_suffix(".sql")
    script.unlink(missing_ok=True)
    script.touch(mode=0o600)
    try:
        _run(server, "pg_restore", ["--no-owner", "--no-privileges", "--file", str(script), str(source)], stop)
        clear = "DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;"
        quiet = ["--no-psqlrc", "--quiet", "--output", os.devnull, "--single-transaction", "--set", "ON_ERROR_STOP=1"]
        _run(server, "psql", [*quiet, "--command", clear, "--file", str(script)], never)
    finally:
        script.unlink(missing_ok=True)


def end_other_sessions(server: Server) -> None:
    """End whatever is still connected to the database. Raises: DatabaseFailed."""
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    _run(server, "psql", ["--no-psqlrc", "--quiet", "--output", os.devnull, "--command", query], never)


def _run(server: Server, name: str, arguments: Sequence[str], stop: Stop) -> None:
    process = subprocess.Popen(
        [str(pg_program(name)), *arguments],
        env=server.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _out, said = process.communicate(timeout=0.5)
                break
            if stop():
                raise Stopped("stopped while the database was read")
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()
        raise
    if process.returncode:
        lines = [line for line in said.strip().splitlines() if line.strip()]
        raise DatabaseFailed(f"{name}: {' '.join(lines[:3])[:500] or f'ended with {process.returncode}'}")
