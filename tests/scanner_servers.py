"""A real clamd with one signature of the tests' own, and a real rspamd with two rules of the tests' own.

Both are Debian's; where they aren't installed, tests that need them are skipped. Quick to start: clamd knows one
signature only, rspamd three top-level domains. What rspamd learns is in a Valkey of its own, as where people run it:
its sqlite answers "database is locked" whenever two of its processes meet.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import servers
from tests.ports import free_port

VIRUS = b"POSTKEEP-TEST-SIGNATURE"
PASSWORD = "a-password-of-tests"
START_S = 20.0

_CLAMD = """\
DatabaseDirectory {home}/db
LocalSocket {home}/clamd.sock
TCPSocket {port}
TCPAddr 127.0.0.1
Foreground yes
LogFile {home}/log
StreamMaxLength 1M
"""
_RSPAMD = """\
options {{ pidfile = "{home}/pid"; dbdir = "{home}/db"; rundir = "{home}"; filters = ""; url_tld = "{home}/tlds";
  disable_hyperscan = true; control_socket = "{home}/control"; history_file = "{home}/history";
  dns {{ nameserver = ["127.0.0.1:9:1"]; timeout = 0.1s; retransmits = 1; }} }}
logging {{ type = "file"; filename = "{home}/log"; level = "warning"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
worker "controller" {{ bind_socket = "127.0.0.1:{controller}"; count = 1; password = "{password}"; secure_ip = []; }}
actions {{ reject = 15; add_header = 6; }}
redis {{ servers = "127.0.0.1:{valkey}"; }}
classifier "bayes" {{ tokenizer {{ name = "osb"; }} backend = "redis"; languages_enabled = false; min_learns = 1;
  cache {{ backend = "redis"; }}
  statfile {{ symbol = "BAYES_HAM"; spam = false; }}
  statfile {{ symbol = "BAYES_SPAM"; spam = true; }} }}
lua = "{home}/rules.lua";
"""
_RULES = """\
rspamd_config:register_symbol{ name = "TEST_OFFER", score = 4.5, callback = function(task)
  return (task:get_header("Subject") or ""):find("OFFER") ~= nil end }
rspamd_config:register_symbol{ name = "TEST_IP", score = 1.5, callback = function(task)
  local ip = task:get_from_ip()
  return ip and tostring(ip) == "192.0.2.7" end }
"""


@dataclass(frozen=True, slots=True)
class Clamd:
    port: int
    socket: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Rspamd:
    port: int
    controller_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def controller_url(self) -> str:
        return f"http://127.0.0.1:{self.controller_port}"


@contextmanager
def running_clamd(home: Path) -> Iterator[Clamd]:
    program = shutil.which("clamd") or "/usr/sbin/clamd"
    if not Path(program).exists():
        pytest.skip("clamd is not installed")
    port = free_port()
    (home / "db").mkdir()
    (home / "db" / "test.ndb").write_text(f"Postkeep.Test-1:0:*:{VIRUS.hex()}\n")
    (home / "clamd.conf").write_text(_CLAMD.format(home=home, port=port))
    with _running([program, "-c", str(home / "clamd.conf")], port):
        yield Clamd(port, str(home / "clamd.sock"))


@contextmanager
def running_rspamd(home: Path) -> Iterator[Rspamd]:
    program = shutil.which("rspamd")
    if program is None:
        pytest.skip("rspamd is not installed")
    port, controller = free_port(), free_port()
    (home / "db").mkdir()
    (home / "tlds").write_text("example\norg\ncom\n")
    (home / "rules.lua").write_text(_RULES)
    valkey = free_port()
    text = _RSPAMD.format(home=home, port=port, controller=controller, password=PASSWORD, valkey=valkey)
    (home / "rspamd.conf").write_text(text)
    keeper = [
        str(servers.valkey_program()),
        "--bind",
        "127.0.0.1",
        "--port",
        str(valkey),
        "--save",
        "",
        "--dir",
        str(home),
    ]
    with (
        _running(keeper, valkey),
        _running([program, "-f", "-i", "-c", str(home / "rspamd.conf")], port),
    ):
        _wait_for(controller)
        yield Rspamd(port, controller)


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < ends, f"nothing listens on port {port}"
            time.sleep(0.05)
        else:
            return
