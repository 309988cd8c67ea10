"""notmuch, the program beside which we are measured: its databases under the work folder, and its commands timed.

    WORK/mails-N/notmuch/28/config       [database] path, mail_root; tags and exclusions as `notmuch setup` gives them
    WORK/mails-N/notmuch/28/mail/00      symbolic links to the copies' folders
    WORK/mails-N/notmuch/28/database     built once by `notmuch new`; built.json says how long that took

Not for our own side.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import Corpus, MailSet

PROGRAM = "notmuch"
NEWEST = 50
_CONFIG = """\
[database]
path={database}
mail_root={mail}
[user]
name=Bench
primary_email=bench@bench.invalid
[new]
tags=unread;inbox
ignore=
[search]
exclude_tags=deleted;spam
[maildir]
synchronize_flags=true
"""


def version() -> str | None:
    """What is installed, None where nothing is."""
    if shutil.which(PROGRAM) is None:
        return None
    return subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True, slots=True)
class Database:
    """One notmuch database with its folder of links to the mails."""

    folder: Path

    @classmethod
    def lay_out(cls, folder: Path, mails: MailSet) -> Database:
        """Make the folder, its links and its configuration; without the database."""
        mail = folder / "mail"
        mail.mkdir(parents=True, exist_ok=True)
        for copy in mails.copies:
            link = mail / copy.files.name
            if not link.is_symlink():
                link.symlink_to(copy.files.resolve())
        (folder / "config").write_text(_CONFIG.format(database=folder.resolve() / "database", mail=mail.resolve()))
        return cls(folder)

    def index(self) -> float:
        """`notmuch new` from nothing; seconds by the wall clock."""
        shutil.rmtree(self.folder / "database", ignore_errors=True)
        (self.folder / "database").mkdir()
        started = time.perf_counter()
        self._run("new", "--quiet")
        return time.perf_counter() - started

    def database_bytes(self) -> tuple[int, int]:
        """What its database takes: (lengths of files, blocks on disk)."""
        stats = [path.stat() for path in (self.folder / "database").rglob("*") if path.is_file()]
        return sum(each.st_size for each in stats), sum(each.st_blocks * 512 for each in stats)

    def search(self, query: str, *, output: str = "summary") -> float:
        """The newest of what matches, in seconds; its process start is in it."""
        return self._timed("search", f"--limit={NEWEST}", "--sort=newest-first", f"--output={output}", query)

    def count(self, query: str) -> tuple[float, int]:
        """How many messages match: (seconds, messages)."""
        started = time.perf_counter()
        told = self._run("count", query)
        return time.perf_counter() - started, int(told)

    def start(self) -> float:
        """One start of its process with the database opened: the count of a Message-ID nobody has, in seconds."""
        return self._timed("count", "id:nobody.has.this@bench.invalid")

    def _timed(self, *arguments: str) -> float:
        started = time.perf_counter()
        self._run(*arguments)
        return time.perf_counter() - started

    def _run(self, *arguments: str) -> bytes:
        environ = {**os.environ, "NOTMUCH_CONFIG": str(self.folder / "config"), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
        return subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.PIPE, env=environ).stdout


def built(corpus: Corpus, mails: MailSet) -> Database:
    """The database over that set; built now if there is none yet. Waits for another run that builds it."""
    database = Database.lay_out(corpus.root / "notmuch" / mails.label, mails)
    note = database.folder / "built.json"
    wanted = {"messages": mails.messages, "version": version()}
    with (database.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (note.exists() and json.loads(note.read_text()).items() >= wanted.items()):
            note.unlink(missing_ok=True)
            seconds = database.index()
            note.write_text(json.dumps({**wanted, "seconds": seconds}))
    return database
