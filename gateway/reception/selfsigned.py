"""A certificate of our own making, for as long as nobody has given one: encryption without proof of who we are.

Other servers take it (RFC 7672 §1.3: opportunistic TLS); programs that people sign in with rightly warn.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAYS = 825


def make(name: str) -> bytes:
    """Key and certificate as PEM, new each time."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)


def _general(name: str) -> x509.GeneralName:
    """A host name, or an address literal as SMTP writes it."""
    try:
        return x509.IPAddress(ip_address(name.strip("[]").removeprefix("IPv6:")))
    except ValueError:
        return x509.DNSName(name if name.isascii() else name.encode("idna").decode())
