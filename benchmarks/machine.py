"""What was measured on: processor, memory, kernel, file system, versions. Not for names of people or hosts."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks import notmuch
from benchmarks.house import ROOT


def facts(work: Path) -> dict[str, str]:
    """Names and values for people."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": _commit(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.0f} GiB",
        "load before": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "system": f"{_distribution()}, Linux {platform.release()}, {platform.machine()}",
        "work folder on": _file_system(work),
        "Python": f"{platform.python_version()}, tantivy {version('tantivy')}, SQLite {sqlite3.sqlite_version}",
        "notmuch": notmuch.version() or "not installed",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _file_system(folder: Path) -> str:
    """The kind of the file system it lies on."""
    here = folder.resolve()
    found = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    return str(found[max((mount for mount in found if here.is_relative_to(mount)), key=len)])


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
