"""What a server's certificate says about itself, for people. Not for trusting it: TLS does that (`config.kit.net`).

Source: RFC 5280; RFC 6125 for which names count (the alternative names).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

SOON = timedelta(days=14)
MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A server's certificate; times are ISO 8601 in UTC."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    days_left: int
    key: str
    sha256: str
    is_self_issued: bool

    @property
    def expires_soon(self) -> bool:
        return 0 <= self.days_left < SOON.days


def read_certificate(der: bytes, *, now: datetime | None = None) -> CertificateFacts | None:
    """What it says; None when it can't be read (TLS libraries take more than is well-formed)."""
    try:
        return _read(x509.load_der_x509_certificate(der), now or datetime.now(UTC))
    except ValueError:
        return None


def _read(certificate: x509.Certificate, now: datetime) -> CertificateFacts:
    until = certificate.not_valid_after_utc
    return CertificateFacts(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc.isoformat(),
        not_after=until.isoformat(),
        days_left=(until - now) // timedelta(days=1),
        key=_key(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        is_self_issued=certificate.subject == certificate.issuer,
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value)[:300] if common else name.rfc4514_string()[:300]


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    texts = [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
    return tuple(texts[:MOST_NAMES])


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except Exception:  # cryptography raises several kinds for keys that it doesn't know
        return "unknown"
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, EllipticCurvePublicKey) else type(key).__name__
