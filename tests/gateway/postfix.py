"""Debian's Postfix for tests: an instance of its own on loopback, and its smtp-sink, which keeps what it gets."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.kit import paths

POSTFIX, SINK, SOURCE = (
    shutil.which(name, path="/usr/sbin:/usr/bin") for name in ("postfix", "smtp-sink", "smtp-source")
)
needs_postfix = pytest.mark.skipif(
    POSTFIX is None or SINK is None or os.geteuid() != 0, reason="Postfix isn't installed, or nobody is root here"
)
README = paths.BASE_DIR / "deploy" / "postfix" / "README.md"
START_S = 20.0

_MAIN = """
compatibility_level = 3.6
config_directory = {home}/etc
queue_directory = {home}/spool
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = front.example.org
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = example.org
relayhost = [127.0.0.1]:{onward}
mynetworks = 127.0.0.0/8
smtp_host_lookup = native
smtp_tls_security_level = none
maillog_file = {home}/log
maillog_file_prefixes = {home}
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def lines_of_readme(name: str) -> str:
    """The lines that deploy/postfix/README.md tells to put into this file."""
    block = re.search(rf"^`{re.escape(name)}`:\n\n((?:    .*\n|\n)+)", README.read_text(), re.MULTILINE)
    assert block is not None, f"the README has no lines for {name}"
    return re.sub(r"^    ", "", block[1], flags=re.MULTILINE)


@contextmanager
def running_postfix(
    more: str = "", /, *, port: int, onward: int, filter_port: int = 0, back_port: int = 0
) -> Iterator[Path]:
    """Configured as the README says, mail for elsewhere goes to `onward`; its folder, whose file `log` it writes.

    more: lines for main.cf. Without a filter_port it filters nothing: mail goes through its queue to `onward`.
    """
    home = Path(tempfile.mkdtemp(prefix="pk-postfix-"))
    home.chmod(0o755)
    for name in ("etc", "spool", "data"):
        (home / name).mkdir()
    shutil.chown(home / "data", "postfix")
    ports = {"10025": str(filter_port), "10026": str(back_port)}
    main, master = _MAIN.format(home=home, onward=onward), _MASTER.format(port=port)
    if filter_port:
        main, master = main + lines_of_readme("main.cf"), master + lines_of_readme("master.cf")
    main += more
    for name, text in (("main.cf", main), ("master.cf", master)):
        (home / "etc" / name).write_text(re.sub(r"\b1002[56]\b", lambda found: ports[found[0]], text))
    assert POSTFIX is not None
    try:
        subprocess.run([POSTFIX, "-c", str(home / "etc"), "start"], check=True, capture_output=True, timeout=START_S)
        wait_for_port(port)
        yield home
    finally:
        subprocess.run([POSTFIX, "-c", str(home / "etc"), "stop"], check=False, capture_output=True, timeout=START_S)
        shutil.rmtree(home, ignore_errors=True)


class Sink:
    """smtp-sink, which keeps each transaction in a file."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="pk-sink-"))
        self.folder.chmod(0o777)  # it isn't root
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert SINK is not None
        self._process = subprocess.Popen(
            [SINK, "-u", "nobody", "-d", str(self.folder / "m."), f"127.0.0.1:{self.port}", "200"]
        )
        wait_for_port(self.port)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def mails(self) -> list[str]:
        """What came, with the envelope as X-… lines on top."""
        return [path.read_text("latin-1") for path in sorted(self.folder.iterdir())]


@contextmanager
def running_sink(port: int) -> Iterator[Sink]:
    sink = Sink(port)
    try:
        sink.start()
        yield sink
    finally:
        sink.kill()
        shutil.rmtree(sink.folder, ignore_errors=True)


def wait_for_port(port: int) -> None:
    until = time.monotonic() + START_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < until, f"nobody listens at {port}"
        time.sleep(0.05)
