"""The certificate of the pages: chosen, checked, put in order, shown by the real web server, and renewed."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import AuditEvent, User
from config.kit import trust, web_tls
from config.supervisor.child import Child, Spec
from config.supervisor.house import web_tls_flags
from domains.errors import Invalid
from gateway.models import Certificate
from gateway.services import certificates, web_door
from gateway.services.certificates import delete_certificate, read_pair, save_certificate
from jobs import trust as authorities
from jobs.errors import BadValue
from jobs.models import TrustedAuthority
from tests.certificates import make_authority, make_certificate
from tests.gateway.reception.pems import PEM_CHAIN, PEM_KEY, key_of
from tests.ports import free_port
from tests.stage import Cast

SYSTEM = Actor.system()
PASSWORD = "p12 password"  # of a file of the tests
GIVEN = {"name": "Web", "chain": PEM_CHAIN, "private_key": PEM_KEY, "is_web": True}


@pytest.fixture
def https(settings: Any) -> Iterator[None]:
    settings.IS_HTTPS = True
    yield
    web_tls.take_away()


def test_the_chosen_one_is_written_for_the_web_server_and_readable_by_nobody_else(
    https: None, db: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        row = save_certificate(SYSTEM, None, GIVEN)
    assert web_tls.is_on() and web_tls.chain_file().read_text().strip() == PEM_CHAIN.strip()
    for file in (web_tls.key_file(), web_tls.chain_file()):
        assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o077 == 0
    stamp = web_tls.stamp()
    certificates.look_after_all()
    assert web_tls.stamp() == stamp  # nothing changed: the web server isn't started again
    with django_capture_on_commit_callbacks(execute=True):
        delete_certificate(SYSTEM, row)
    assert not web_tls.is_on()


def test_without_https_in_the_address_nobody_is_locked_out(db: None, settings: Any) -> None:
    settings.IS_HTTPS = False
    with pytest.raises(Invalid):
        save_certificate(SYSTEM, None, GIVEN)
    assert not Certificate.objects.exists()


def test_always_means_one_of_our_own_until_there_is_a_better_one(https: None, db: None, settings: Any) -> None:
    settings.WEB_TLS, settings.PUBLIC_URL = "always", "https://console.example.org"
    certificates.renew_web()
    own = x509.load_pem_x509_certificate(web_tls.chain_file().read_bytes())
    assert own.issuer == own.subject and "console.example.org" in own.subject.rfc4514_string()
    stamp = web_tls.stamp()
    certificates.renew_web()
    assert web_tls.stamp() == stamp


def test_a_chain_is_put_in_order_and_what_does_not_belong_is_refused() -> None:
    authority = make_authority()
    leaf = make_certificate("mx.example.org", by=authority)
    pair = read_pair(authority.pem + leaf.pem + authority.pem, key_of(leaf))
    assert [each.subject for each in x509.load_pem_x509_certificates(pair.chain.encode())] == [
        leaf.certificate.subject,
        authority.certificate.subject,
    ]
    for chain, field in (
        (leaf.pem + make_authority("Stranger").pem, "chain"),
        (authority.pem, "private_key"),
        ("".join(make_authority(f"Number {number}").pem for number in range(11)), "chain"),
        (leaf.pem * 200, "chain"),
    ):
        with pytest.raises(Invalid) as caught:
            read_pair(chain, key_of(leaf))
        assert caught.value.field == field


def test_a_pkcs12_file_is_taken_and_its_password_is_not_kept(administrator: User, client_for: Any) -> None:
    authority = make_authority()
    leaf = make_certificate("mx.example.org", by=authority)
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    data = pkcs12.serialize_key_and_certificates(b"x", leaf.key, leaf.certificate, [authority.certificate], encryption)
    with pytest.raises(Invalid):
        save_certificate(SYSTEM, None, {"name": "A", "pkcs12": data, "password": "wrong"})
    with pytest.raises(Invalid):
        save_certificate(SYSTEM, None, {"name": "A", "pkcs12": b"\x30" * 90_000, "password": ""})
    form = {"name": "B", "pkcs12": SimpleUploadedFile("b.p12", data), "password": PASSWORD}
    assert client_for(administrator).post(reverse("gateway:certificate-create"), form).status_code == 303
    row = Certificate.objects.get()
    assert row.hosts == ["mx.example.org"] and row.chain.count("BEGIN CERTIFICATE") == 2
    assert row.private_key.reveal().startswith("-----BEGIN PRIVATE KEY-----")
    trail = str(list(AuditEvent.objects.values_list("details", "changes")))
    assert PASSWORD not in trail and "PRIVATE KEY" not in trail


def test_the_pages_certificate_takes_the_right_on_the_server(https: None, cast: Cast) -> None:
    row = save_certificate(SYSTEM, None, GIVEN | {"is_web": False})
    narrow = Actor.for_user(cast.administrator).restricted(["manage_gateway"])  # type: ignore[list-item]
    with pytest.raises(Forbidden):
        save_certificate(narrow, row, {"is_web": True})


def test_a_key_that_others_can_read_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("x")
    for mode, is_exposed in ((0o644, True), (0o640, False), (0o600, False)):
        file.chmod(mode)
        assert certificates.exposed_key(Certificate(chain_path="x", key_path=str(file))) is is_exposed


def test_the_web_server_shows_it(https: None, tmp_path: Path) -> None:
    (tmp_path / "said.py").write_text("def app(environ, start):\n    start('200 OK', [])\n    return [b'well']\n")
    key, chain = web_door._split(f"{PEM_KEY}\n{PEM_CHAIN}".encode())
    assert web_tls.put(chain, key)
    port = free_port()
    flags = ["--interface", "wsgi", "--port", str(port), "--http", "1", "--log-level", "error", *web_tls_flags()]
    command = [sys.executable, "-m", "granian", *flags, "--no-ws", "said:app"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        try:
            context = ssl.create_default_context(cadata=PEM_CHAIN)
            assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
            shown = _shown(port)
            assert shown == x509.load_pem_x509_certificate(PEM_CHAIN.encode()).fingerprint(hashes.SHA256())
        finally:
            process.terminate()


def _shown(port: int) -> bytes:
    """The fingerprint of what is shown, once the server listens."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    until = time.monotonic() + 60
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                context.wrap_socket(plain) as speaking,
            ):
                der = speaking.getpeercert(True)
                assert der is not None
                return x509.load_der_x509_certificate(der).fingerprint(hashes.SHA256())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_a_child_whose_settings_changed_is_started_again_at_once_and_only_then() -> None:
    now = [1]
    child = Child(Spec("sleeper", lambda: subprocess.Popen(["sleep", "60"]), stamp=lambda: now[0]))
    child.start()
    assert not child.renew()
    now[0] = 2
    assert child.renew() and not child.renew()
    assert child.process is not None
    child.process.wait()
    assert child.note_end() == 0.0 and child.failures == 0
    child.start()
    assert not child.renew()
    child.kill()


def test_own_authorities_are_checked_listed_and_believed(administrator: User, client_for: Any) -> None:
    authority, leaf = make_authority("Our own"), make_certificate("mx.example.org")
    client, page = client_for(administrator), reverse("jobs:authorities")
    for wrong in (
        "nonsense",
        leaf.pem,
        authority.pem * 2,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ):
        assert client.post(page, {"pem": wrong}).status_code == 422
    assert client.post(page, {"pem": authority.pem}).status_code == 303
    with pytest.raises(BadValue):
        authorities.add_authority(SYSTEM, name="Again", pem=authority.pem)
    row = TrustedAuthority.objects.get()
    assert "Our own" in row.name and row.name in client.get(page).content.decode()
    trust.forget()
    subjects = [dict(x[0] for x in ca["subject"]) for ca in trust.client_context().get_ca_certs()]  # type: ignore[misc]
    assert {"commonName": "Our own"} in subjects
    client.post(reverse("jobs:authority-remove", args=[row.pk]))
    assert not TrustedAuthority.objects.exists() and trust.added() == ""
