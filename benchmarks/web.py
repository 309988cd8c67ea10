"""Our pages from two web workers, beside a running house: `manage.py up` itself has one. Not for the house."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from benchmarks.house import ROOT, answer_of, clean_environment, free_port
from config.supervisor.house import WEB_THREADS

WORKERS = 2
READY_S = 60.0


class Web:
    """Granian as the supervisor starts it, with two workers, on the servers of the house in `home`."""

    def __init__(self, home: Path, *, workers: int = WORKERS) -> None:
        self.port = free_port()
        self._home, self._workers = home, workers
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Web:
        argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--http", "1"]
        argv += ["--port", str(self.port), "--workers", str(self._workers), "--blocking-threads", str(WEB_THREADS)]
        argv += ["--log-level", "error", "--no-ws", "config.wsgi:application"]
        environ = clean_environment(
            POSTKEEP_HOME=str(self._home),
            POSTKEEP_PART="web",
            POSTKEEP_PORT=str(self.port),
            POSTKEEP_API_RATE="100000000",
            DJANGO_SETTINGS_MODULE="config.settings",
            MALLOC_ARENA_MAX="2",
        )
        with (self._home / "web-bench.log").open("ab") as log:
            self._process = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=log, stderr=log)
        until = time.monotonic() + READY_S
        while answer_of(self.port, "/healthz") not in (200, 503):  # 503: the house has no workers
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"the web server does not answer; see {self._home / 'web-bench.log'}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)
            self._process = None
