"""A whole house for tests: `manage.py up` as a process of its own, in a HOME of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psutil

from config.kit import paths
from config.servers import temporary_home
from tests.ports import free_port

PATIENCE_S = 40.0


def wait_until(ask: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not ask():
        assert time.monotonic() < end, f"not within {patience_s} s"
        time.sleep(0.1)


class House:
    """One HOME and port, and the supervisor that runs on them now, if any."""

    def __init__(self) -> None:
        self.home = temporary_home("pk-house-")
        self.port, self.smtp_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.family: dict[int, psutil.Process] = {}

    def start(self, **environment: str) -> dict[str, Any]:
        """Start it and return what it tells on stdout once it answers."""
        self.process = self.spawn(**environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it ended with {self.process.wait()}:\n{self.said()}"
        told: dict[str, Any] = json.loads(line)
        return told

    def spawn(self, **environment: str) -> subprocess.Popen[bytes]:
        """`manage.py up --json`; what it says besides goes to HOME/said."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("POSTKEEP_", "DJANGO_"))}
        ours |= {"POSTKEEP_HOME": str(self.home), "POSTKEEP_PORT": str(self.port)}
        ours |= {"POSTKEEP_SMTP_PORT": str(self.smtp_port), **environment}
        with (self.home / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "manage.py", "up", "--json"],
                cwd=paths.BASE_DIR,
                env=ours,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
            )

    def said(self) -> str:
        return (self.home / "said").read_text()

    def healthz(self) -> tuple[int, str]:
        """Status and body; (0, "") while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def wait_healthy(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while self.healthz()[0] != 200:
            assert time.monotonic() < end, f"not healthy within {PATIENCE_S} s:\n{self.said()}"
            time.sleep(0.1)

    def child(self, name: str) -> dict[str, Any]:
        """What the supervisor's file says about this child."""
        children: list[dict[str, Any]] = json.loads((self.home / "up.json").read_text())["children"]
        return next(child for child in children if child["name"] == name)

    def all_processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        assert self.process is not None
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end; returns the seconds until it did."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        return time.monotonic() - began

    def clear(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.home, ignore_errors=True)
