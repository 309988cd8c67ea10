"""Certificates for servers that tests start: signed by themselves, or by an authority of the test's own."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def context(self, folder: Path) -> ssl.SSLContext:
        """For a server; ssl wants files."""
        key_form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file = folder / f"{self.certificate.serial_number}.pem"
        file.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, *key_form) + self.pem.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def make_authority(name: str = "Authority of the tests") -> Certificate:
    return _make(name, [], None, days=30, is_authority=True)


def make_certificate(
    *names: str, by: Certificate | None = None, days: int = 30, common_name: str | None = None
) -> Certificate:
    """For these host names and addresses, ending in so many days; without `by` signed by itself."""
    return _make(common_name or names[0], list(names), by, days=days, is_authority=False)


def _make(name: str, names: list[str], by: Certificate | None, *, days: int, is_authority: bool) -> Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
    return Certificate(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
