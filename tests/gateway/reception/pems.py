"""A certificate of the tests as text."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization

from tests.certificates import Certificate, make_certificate


def key_of(certificate: Certificate) -> str:
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.key.private_bytes(serialization.Encoding.PEM, *form).decode()


_MADE = make_certificate("mx.example.org", "mail.example.org", days=300)
PEM_CHAIN, PEM_KEY = _MADE.pem, key_of(_MADE)
