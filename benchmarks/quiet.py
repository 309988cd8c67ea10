"""A house without its clock and workers: our two servers, prepared as `up` prepares them, for pages to be measured on.

What `up` does by the clock (usage of mailboxes, health of domains) would be measured along, and would bring the
invented usage to what the archive knows: nothing. Not for sections that measure the whole house (benchmarks.house).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.house import ADDRESS, PASSWORD, ROOT, clean_environment
from config import servers
from config.kit import paths


@contextmanager
def own_servers(home: Path) -> Iterator[Path]:
    """PostgreSQL and Valkey with our settings in a home of their own; gives the folder of their sockets.

    The process's own POSTKEEP_HOME comes back at the end.
    """
    before = os.environ.get("POSTKEEP_HOME")
    os.environ["POSTKEEP_HOME"] = str(home)
    try:
        with servers.running():
            yield paths.run_dir()
    finally:
        if before is None:
            del os.environ["POSTKEEP_HOME"]
        else:
            os.environ["POSTKEEP_HOME"] = before


class Quiet:
    """A prepared home, whose servers run; with the first administrator of benchmarks.house."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @contextmanager
    def running(self) -> Iterator[Quiet]:
        with own_servers(self.home):
            administrator = {"POSTKEEP_ADMIN_EMAIL": ADDRESS, "POSTKEEP_ADMIN_PASSWORD": PASSWORD}
            self._manage("prepare", given=json.dumps(administrator))
            yield self

    def inside(self, code: str) -> str:
        """What a piece of Python prints in the house's own shell."""
        return self._manage("shell", "-v", "0", "-c", code)

    def _manage(self, *arguments: str, given: str = "") -> str:
        argv = [sys.executable, "manage.py", *arguments]
        # as the supervisor calls it: then static files are collected with their hashes
        part = {"POSTKEEP_PART": "prepare"} if arguments[0] == "prepare" else {}
        environ = clean_environment(POSTKEEP_HOME=str(self.home), **part)
        return subprocess.run(
            argv, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True, input=given
        ).stdout
