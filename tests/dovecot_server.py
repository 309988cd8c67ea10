"""A real Dovecot for tests, on loopback, with a configuration of its own: IMAP and POP3, TLS, a master user.

`running_dovecot()` starts one in a folder in /tmp; root's tests run it as `nobody`. People and their mail are files:
`add_user`, `deliver` (writes into the Maildir, as a delivery agent does, so any bytes are possible). XOAUTH2 asks an
introspection endpoint, a small HTTP server of the test's own (RFC 7662). Not for anything but tests.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from archive.sources.export_names import to_utf7
from tests.certificates import Certificate, make_authority, make_certificate
from tests.ports import free_ports

DOVECOT = "/usr/sbin/dovecot"
PASSWORD = "a-secret-of-the-post"
MASTER, MASTER_PASSWORD = "keeper", "the key to all of them"
NOBODY = 65534

needs_dovecot = pytest.mark.skipif(
    not (Path(DOVECOT).exists() and Path("/usr/lib/dovecot/pop3").exists()), reason="no Dovecot here (make dovecot)"
)

_CONFIGURATION = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{root}/mail/%u
mail_plugins = listescape
mailbox_list_index = yes
protocols = imap pop3
auth_mechanisms = plain login xoauth2 oauthbearer
auth_master_user_separator = *
auth_verbose = yes
auth_cache_size = 0
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{root}/server.pem
ssl_key = <{root}/server.key
mail_max_userip_connections = 100
login_trusted_networks = 127.0.0.0/8
pop3_uidl_format = %08Xu%08Xv
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox Trash {{
    special_use = \\Trash
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
}}
passdb {{
  driver = passwd-file
  args = {root}/masters
  master = yes
  mechanisms = plain login
}}
passdb {{
  driver = passwd-file
  args = {root}/users
  mechanisms = plain login
}}
passdb {{
  driver = static
  args = password={password}
  mechanisms = plain login
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {root}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%u allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {pop3s}
  }}
}}
service imap {{
  process_limit = 100
}}
{extra}
"""


@dataclass(slots=True)
class Dovecot:
    """A running server. `authority`: whose certificates a client must trust to talk TLS with it."""

    root: Path
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    authority: Certificate
    tokens: TokenServer
    separator: str
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add_user(self, address: str, password: str = PASSWORD) -> str:
        """Somebody who may sign in; deliveries make their Maildir. Everybody's is PASSWORD; another takes a second."""
        if password != PASSWORD:
            with (self.root / "users").open("a") as file:
                file.write(f"{address}:{{PLAIN}}{password}::::::\n")
            time.sleep(1.1)  # that often Dovecot looks at its file
        return address

    def maildir(self, address: str, folder: str = "INBOX") -> Path:
        """Where a folder's files are; `folder` is written with this server's separator."""
        root = self.root / "mail" / address
        if folder.upper() == "INBOX":
            return root
        return root / ("." + ".".join(self._on_disk(part) for part in folder.split(self.separator)))

    def _on_disk(self, name: str) -> str:
        """As Maildir++ with the plugin listescape writes a name."""
        coded = to_utf7(name.replace(".", "\x00")).replace("&AAA-", "\x00")
        return coded.replace("\\", "\\5c").replace("\x00", "\\2e").replace("/", "\\2f")

    def deliver(
        self, address: str, raw: bytes, *, folder: str = "INBOX", flags: str = "", received_at: int | None = None
    ) -> Path:
        """One message; flags as Maildir has them (S seen, F flagged, R answered, T deleted, D draft)."""
        directory = self.maildir(address, folder)
        self._make_maildir(address, directory)
        number = next(self.numbers)
        name = f"{1_000_000_000 + number}.M{number:06d}P1.tests,S={len(raw)}:2,{''.join(sorted(flags))}"
        path = directory / "tmp" / name
        path.write_bytes(raw)
        if received_at is not None:
            os.utime(path, (received_at, received_at))
        self._give_away(path)
        final = directory / "cur" / name
        path.rename(final)
        return final

    def make_folder(self, address: str, folder: str) -> None:
        self._make_maildir(address, self.maildir(address, folder))

    def remove_folder(self, address: str, folder: str) -> None:
        shutil.rmtree(self.maildir(address, folder))

    def forget_uids(self, address: str, folder: str = "INBOX") -> None:
        """The folder gets other UIDs and another UIDVALIDITY, as after a restore."""
        directory = self.maildir(address, folder)
        time.sleep(1.1)  # a validity is a second
        for pattern in ("dovecot-uidlist*", "dovecot.index*", "dovecot-uidvalidity*"):
            for path in directory.glob(pattern):
                path.unlink()
        root = self.maildir(address)
        for path in [*root.glob("dovecot-uidvalidity*"), *root.glob("dovecot.list.index*")]:
            path.unlink()

    def files(self, address: str, folder: str = "INBOX") -> list[bytes]:
        """What lies in a folder."""
        directory = self.maildir(address, folder)
        return [path.read_bytes() for part in ("cur", "new") for path in sorted((directory / part).glob("*"))]

    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def _make_maildir(self, address: str, directory: Path) -> None:
        root = self.root / "mail" / address
        for path in (root, directory, *(directory / part for part in ("cur", "new", "tmp"))):
            if not path.exists():
                path.mkdir(parents=True)
                self._give_away(path)
        if directory != root and not (directory / "maildirfolder").exists():
            (directory / "maildirfolder").touch()
            self._give_away(directory / "maildirfolder")

    def _give_away(self, path: Path) -> None:
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)


class TokenServer:
    """Answers whether an access token is good (RFC 7662), and gives tokens out (RFC 6749 §4.4 and §6)."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}  # access token -> whose
        self.refresh: dict[str, str] = {}  # refresh token -> whose
        self.clients: dict[str, str] = {}  # client id -> secret
        self.asked: list[dict[str, str]] = []
        self.expires_s = 3600
        self._numbers = itertools.count(1)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
                whose = outer.known.get(query.get("token", ""))
                self._answer(200, {"active": True, "email": whose, "username": whose} if whose else {"active": False})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                given = {key: values[0] for key, values in parse_qs(body).items()}
                outer.asked.append(given)
                status, answer = outer.give(given)
                self._answer(status, answer)

            def _answer(self, status: int, answer: dict[str, Any]) -> None:
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def give(self, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.clients.get(given.get("client_id", "")) != given.get("client_secret"):
            return 401, {"error": "invalid_client", "error_description": "who are you?"}
        match given.get("grant_type"):
            case "client_credentials":
                whose = "*"
            case "refresh_token" if given.get("refresh_token") in self.refresh:
                whose = self.refresh[given["refresh_token"]]
            case _:
                return 400, {"error": "invalid_grant", "error_description": "that is over"}
        token = f"access-{next(self._numbers)}"
        self.known[token] = whose
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.expires_s}

    def start_tls(self, folder: Path, certificate: Certificate) -> None:
        """Speak HTTPS from now on."""
        self._server.socket = certificate.context(folder).wrap_socket(self._server.socket, server_side=True)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextlib.contextmanager
def running_dovecot(*, separator: str = "/", prefix: str = "", extra: str = "") -> Iterator[Dovecot]:
    """Started and answering; ended with the block, and its folder gone."""
    root = Path(tempfile.mkdtemp(prefix="postkeep-dovecot-", dir="/tmp"))
    tokens = TokenServer()
    server = _lay_out(root, tokens, separator, prefix, extra)
    try:
        server.process = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(root / "dovecot.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(root / "stderr").open("wb"),
            start_new_session=True,
            user=NOBODY if os.getuid() == 0 else None,
            group=NOBODY if os.getuid() == 0 else None,
            extra_groups=[] if os.getuid() == 0 else None,
        )
        _wait_until_ready(server)
        yield server
    finally:
        tokens.close()
        if server.process is not None:
            _end(server.process)
        shutil.rmtree(root, ignore_errors=True)


def _lay_out(root: Path, tokens: TokenServer, separator: str, prefix: str, extra: str) -> Dovecot:
    uid, gid = (NOBODY, NOBODY) if os.getuid() == 0 else (os.getuid(), os.getgid())
    authority = make_authority()
    certificate = make_certificate("127.0.0.1", "localhost", by=authority)
    certificate.context(root)  # writes key and certificate to one file
    (combined,) = root.glob("*.pem")
    combined.rename(root / "server.key")
    (root / "server.pem").write_text(certificate.pem)
    imap, imaps, pop3, pop3s = free_ports(4)
    server = Dovecot(root, imap, imaps, pop3, pop3s, authority, tokens, separator)
    (root / "users").touch()
    (root / "masters").write_text(f"{MASTER}:{{PLAIN}}{MASTER_PASSWORD}::::::\n")
    (root / "oauth2.conf").write_text(
        f"introspection_url = http://127.0.0.1:{tokens.port}/introspect?token=\n"
        "introspection_mode = get\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n"
    )
    names = {"password": PASSWORD, "user": _name("passwd", uid), "group": _name("group", gid), "uid": uid, "gid": gid}
    ports = {"imap": imap, "imaps": imaps, "pop3": pop3, "pop3s": pop3s}
    text = _CONFIGURATION.format(root=root, separator=separator, prefix=prefix, extra=extra, **names, **ports)
    (root / "dovecot.conf").write_text(text)
    for name in ("run", "state", "mail"):
        (root / name).mkdir()
    for path in [root, *root.rglob("*")]:
        os.chown(path, uid, gid)
    return server


def _name(database: str, number: int) -> str:
    line = subprocess.run(["getent", database, str(number)], capture_output=True, text=True, check=True).stdout
    return line.split(":")[0]


def _wait_until_ready(server: Dovecot) -> None:
    until = time.monotonic() + 20
    for port in (server.imap, server.pop3):
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as client:
                client.settimeout(5)
                if client.recv(100)[:1] in (b"*", b"+"):
                    break
            if time.monotonic() > until or (server.process is not None and server.process.poll() is not None):
                said = (server.root / "stderr").read_text(errors="replace")
                raise RuntimeError(
                    f"Dovecot did not start: {said}\n{server.log() if (server.root / 'log').exists() else ''}"
                )
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
