"""A migrated cluster kept between sessions: migrating a new one takes longer than most tests run by themselves.

It lies in the virtual environment, named after what made it: the migrations, what they import of ours, and the pinned
parts. Where there is none yet it is made by a process of its own, once for all that ask at the same time. Each session
works on a copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import django
from django.db import connection

from config import servers
from config.kit import paths

ROOT = Path(__file__).parents[1]
KEPT = Path(sys.prefix) / "clusters"
MOST_KEPT = 12
OURS = re.compile(r"^(?:from|import) ((?:accounts|api|archive|config|domains|gateway|jobs)[\w.]*)", re.MULTILINE)


def place() -> None:
    """Put a migrated cluster into this session's HOME, before its servers start."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = KEPT / _key()
        if not kept.exists():
            environment = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
            environment["POSTKEEP_TEST_SESSION"] = "another"  # so that it makes a HOME of its own
            subprocess.run([sys.executable, "-m", "tests.clusters", str(kept)], cwd=ROOT, env=environment, check=True)
            _forget_old()
        os.utime(kept)
        shutil.copytree(kept, paths.home() / "pg")
        shutil.copystat(kept, paths.home() / "pg")
    identity = servers.identity_for(paths.home(), servers.pg_program("postgres"))
    servers.prepare(paths.home() / "pg", identity)


def _key() -> str:
    """What the cluster depends on."""
    found = hashlib.sha256()
    files = sorted(ROOT.glob("*/migrations/*.py"))
    texts = [file.read_text() for file in files]
    names = {name for text in texts for name in OURS.findall(text)}
    modules = [ROOT / (name.replace(".", "/") + end) for name in sorted(names) for end in (".py", "/__init__.py")]
    others = [ROOT / "requirements.txt", ROOT / "config" / "servers.py", *modules]
    for file in [*files, *(each for each in others if each.exists())]:
        found.update(f"{file.relative_to(ROOT)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:24]


def _forget_old() -> None:
    kept = sorted((each for each in KEPT.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for folder in kept[:-MOST_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _make(target: Path) -> None:
    """Migrate a new cluster and put it there once it has been stopped in good order."""
    django.setup()
    with servers.running(lasting=False):
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(paths.home() / "pg", beside)
    beside.rename(target)
    shutil.rmtree(paths.home(), ignore_errors=True)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    _make(Path(sys.argv[1]))
