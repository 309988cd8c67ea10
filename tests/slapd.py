"""A real OpenLDAP for tests, on loopback, with a configuration and a database of its own in a folder.

`running_slapd()` starts one, without TLS and with it (`authority` signed its certificate), with StartTLS on the plain
port. People are added over LDAP (`add_person`) or, many at once, by slapadd before the start (`ldif`). Not for anything
but tests and measurements.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ldap3
import pytest

from tests.certificates import Certificate, make_authority, make_certificate
from tests.ports import free_ports

SLAPD = "/usr/sbin/slapd"
BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=root,{BASE}", "the-root-of-it"
needs_slapd = pytest.mark.skipif(not Path(SLAPD).exists(), reason="no slapd here (apt-get install slapd)")

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'proxyAddresses' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.3 NAME 'mailQuota' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.4 NAME 'primaryGroupID' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.99999.5 NAME 'primaryGroupToken' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.11 NAME 'numberedGroup' SUP top AUXILIARY MAY ( primaryGroupToken ) )
objectclass ( 1.3.6.1.4.1.99999.10 NAME 'mailUser' SUP top AUXILIARY
  MAY ( proxyAddresses $ userAccountControl $ mailQuota $ primaryGroupID ) )
pidfile {root}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {root}/server.pem
TLSCertificateKeyFile {root}/server.key
sizelimit unlimited
database mdb
suffix "{base}"
rootdn "{rootdn}"
rootpw {password}
directory {root}/db
maxsize 2147483648
{sync}
index objectClass,mail,proxyAddresses eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


@dataclass(slots=True)
class Slapd:
    """A running server. port: plain, with StartTLS; tls_port: TLS from the start."""

    root: Path
    port: int
    tls_port: int
    authority: Certificate
    process: subprocess.Popen[bytes] | None = None
    _open: list[Any] = field(default_factory=list)

    @property
    def connection(self) -> Any:
        """As the one who may change everything."""
        if not self._open:
            server = ldap3.Server("127.0.0.1", port=self.port, get_info=ldap3.NONE)
            self._open.append(ldap3.Connection(server, ROOT, ROOT_PASSWORD, auto_bind=True, raise_exceptions=True))
        return self._open[0]

    def add_person(self, name: str, address: str, password: str = "", **attributes: object) -> str:
        """Somebody below PEOPLE; the name of their entry."""
        dn = f"cn={name},{PEOPLE}"
        found: dict[str, object] = {"sn": name.split()[-1], "givenName": name.split()[0], "mail": address}
        if password:
            found["userPassword"] = password
        self.connection.add(dn, ["inetOrgPerson", "mailUser"], {**found, **attributes})
        return dn

    def add_group(self, name: str, *members: str) -> str:
        dn = f"cn={name},{GROUPS}"
        self.connection.add(dn, ["groupOfNames"], {"member": list(members)})
        return dn

    def add_posix_group(self, name: str, *uids: str) -> str:
        dn = f"cn={name},{GROUPS}"
        self.connection.add(dn, ["posixGroup"], {"gidNumber": 1000, "memberUid": list(uids)})
        return dn

    def add_numbered_group(self, name: str, token: int) -> str:
        """As Active Directory has them: whose primary one it is isn't among its members."""
        dn = f"cn={name},{GROUPS}"
        self.connection.add(dn, ["groupOfNames", "numberedGroup"], {"member": ROOT, "primaryGroupToken": token})
        return dn

    def change(self, dn: str, **attributes: object) -> None:
        """Set attributes; None takes one away."""
        changes = {
            key: [(ldap3.MODIFY_REPLACE, [] if value is None else value if isinstance(value, list) else [value])]
            for key, value in attributes.items()
        }
        self.connection.modify(dn, changes)

    def remove(self, dn: str) -> None:
        self.connection.delete(dn)

    def move(self, dn: str, below: str) -> str:
        """The same entry under another; its name there."""
        first = dn.partition(",")[0]
        self.connection.modify_dn(dn, first, new_superior=below)
        return f"{first},{below}"

    def settings(self, **more: object) -> dict[str, Any]:
        """As a source is told to reach it."""
        return {
            "host": "localhost", "port": self.tls_port, "security": "tls", "ca_pem": self.authority.pem,
            "bind_dn": ROOT, "base_dn": PEOPLE, **more,
        }  # fmt: skip

    def stop(self) -> None:
        """As if its machine were switched off."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running_slapd(*, ldif: Path | None = None, fast: bool = True) -> Iterator[Slapd]:
    """Started and answering; ended with the block, and its folder gone. ldif: entries beside the two units."""
    root = Path(tempfile.mkdtemp(prefix="postkeep-slapd-", dir="/tmp"))
    port, tls_port = free_ports(2)
    server = Slapd(root, port, tls_port, make_authority())
    try:
        _lay_out(server, ldif, fast)
        urls = f"ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/"
        server.process = subprocess.Popen(
            [SLAPD, "-f", str(root / "slapd.conf"), "-h", urls, "-d", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(root / "stderr").open("wb"),
            start_new_session=True,
        )
        _wait(server)
        yield server
    finally:
        for each in server._open:
            with contextlib.suppress(Exception):
                each.unbind()
        if server.process is not None and server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        shutil.rmtree(root, ignore_errors=True)


def _lay_out(server: Slapd, ldif: Path | None, fast: bool) -> None:
    root = server.root
    (root / "db").mkdir()
    certificate = make_certificate("localhost", "127.0.0.1", by=server.authority)
    certificate.context(root)
    (combined,) = root.glob("*.pem")
    combined.rename(root / "server.key")
    (root / "server.pem").write_text(certificate.pem)
    said = {"root": root, "base": BASE, "rootdn": ROOT, "password": ROOT_PASSWORD}
    text = _CONFIGURATION.format(**said, sync="dbnosync" if fast else "")
    (root / "slapd.conf").write_text(text)
    units = root / "units.ldif"
    units.write_text(
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
        + "".join(
            f"dn: {dn}\nobjectClass: organizationalUnit\nou: {dn[3:].split(',')[0]}\n\n" for dn in (PEOPLE, GROUPS)
        )
    )
    for file in filter(None, (units, ldif)):
        command = ["/usr/sbin/slapadd", "-q", "-f", str(root / "slapd.conf"), "-l", str(file)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ})


def _wait(server: Slapd) -> None:
    until = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.tls_port), 1):
            return
        if time.monotonic() > until or (server.process is not None and server.process.poll() is not None):
            raise RuntimeError(f"slapd did not start: {(server.root / 'stderr').read_text(errors='replace')}")
        time.sleep(0.02)
