"""A time stamping authority of the tests' own: `openssl ts` behind a small web server on loopback (RFC 3161 §3.4)."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamp]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
dir = {place}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/stamp.pem
signer_key = $dir/stamp.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """Where it is, and what vouches for it. `asked`: how often; `broken`: it answers with an error."""

    place: Path
    name: str = "Stamps of the tests"
    port: int = 0
    asked: int = 0
    broken: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    @property
    def root(self) -> str:
        return (self.place / "root.pem").read_text()

    def make(self) -> None:
        """Keys and certificates: a root, and one that stamps."""
        (self.place / "tsa.cnf").write_text(CONFIG.format(name=self.name, place=self.place))
        (self.place / "serial").write_text("01\n")
        new = ["req", "-config", "tsa.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self.run(*new, "-x509", "-days", "3650", "-extensions", "root", "-keyout", "root.key", "-out", "root.pem")
        self.run(*new, "-subj", "/CN=Stamping unit", "-keyout", "stamp.key", "-out", "stamp.csr")
        self.run(
            "x509", "-req", "-in", "stamp.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "3650",
            "-extfile", "tsa.cnf", "-extensions", "stamp", "-set_serial", "77", "-out", "stamp.pem",
        )  # fmt: skip

    def stamp(self, query: bytes) -> bytes:
        with self.lock:
            self.asked += 1
            (self.place / "query.tsq").write_bytes(query)
            self.run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "answer.tsr")
            return (self.place / "answer.tsr").read_bytes()

    def run(self, *words: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *words], cwd=self.place, check=True, capture_output=True)


@contextlib.contextmanager
def running_authority(place: Path) -> Iterator[Authority]:
    """Made and answering; ended afterwards."""
    authority = Authority(place)
    authority.make()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if authority.broken:
                self.send_error(503)
                return
            answer = authority.stamp(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
