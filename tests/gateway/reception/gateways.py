"""`manage.py gateway` as a process of its own, on ports of its own, with a test's database."""

from __future__ import annotations

import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from config.kit import paths
from tests.ports import free_port

PATIENCE_S = 60.0


class Gateway:
    """The processes, and what they listen on."""

    def __init__(self, environment: dict[str, str], **more: str) -> None:
        self.port, self.submission_port = free_port(), free_port()
        ours = {
            "POSTKEEP_SMTP_PORT": str(self.port),
            "POSTKEEP_SUBMISSION_PORT": str(self.submission_port),
            "POSTKEEP_MX_NAMES": "mx.example.org",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "gateway"], cwd=paths.BASE_DIR, env={**environment, **ours, **more}
        )

    def wait(self) -> None:
        """Until all processes listen."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
                    if connection.recv(4) == b"220 ":
                        return
            except OSError:
                assert self.process.poll() is None, "it ended"
            assert time.monotonic() < end
            time.sleep(0.05)

    def client(self, port: int | None = None) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", port or self.port, local_hostname="client.example.net", timeout=20)

    def children(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


def untrusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextmanager
def running_gateway(environment: dict[str, str], **more: str) -> Iterator[Gateway]:
    gateway = Gateway(environment, **more)
    try:
        gateway.wait()
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.process.terminate()
        gateway.process.wait(20)
