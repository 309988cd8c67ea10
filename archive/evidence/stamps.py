"""Time stamps of a third party over checkpoints: asked for by HTTP, checked at once and again by every verification.

A stamp is over the checkpoint's signature, so it says: this signature existed then, whatever the server's clock said.
The authority is a web server that an administrator names, so it is reached through the gate (`config.kit.net`), and its
certificates must be known: a stamp of somebody unknown proves nothing. Not for when a stamp is asked for (services).

Source: RFC 3161 §2.4 (messages), §3.4 (HTTP).
"""

from __future__ import annotations

import datetime
import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from config.kit import net, trust

TIMEOUT_S = 20.0
MOST_BYTES = 256 << 10
PORTS = frozenset({80, 443})


class StampRefused(Exception):
    """There is no stamp, or it doesn't hold."""

    permanent = False


@dataclass(frozen=True, slots=True)
class Authority:
    """Where stamps are had, and the certificates (PEM) that vouch for them: roots, and what lies between."""

    url: str
    certificates: str

    def roots(self) -> list[x509.Certificate]:
        """Raises: StampRefused."""
        try:
            found = x509.load_pem_x509_certificates(self.certificates.encode())
        except ValueError as error:
            raise StampRefused("the authority's certificates are not in PEM form") from error
        return found


def ask(authority: Authority, signature: bytes, *, who: str = "") -> bytes:
    """A stamp over a signature, checked: the authority's answer in DER. Raises: StampRefused, NetError."""
    request = TimestampRequestBuilder().data(signature).hash_algorithm(HashAlgorithm.SHA256).cert_request(
        cert_request=True
    ).build()  # fmt: skip
    answer = _post(authority.url, request.as_bytes(), who)
    stamp = _decoded(answer)
    if request.nonce is not None and stamp.tst_info.nonce != request.nonce:
        raise StampRefused("the authority answered another question")
    check(answer, signature, authority.roots())
    return answer


def check(answer: bytes, signature: bytes, roots: Sequence[x509.Certificate]) -> datetime.datetime:
    """When it was stamped, if one of the roots vouches for it. Raises: StampRefused."""
    stamp = _decoded(answer)
    builder = VerifierBuilder()
    for certificate in roots:
        builder = (
            builder.add_root_certificate(certificate)
            if certificate.issuer == certificate.subject
            else builder.add_intermediate_certificate(certificate)
        )
    try:
        if not builder.build().verify_message(stamp, signature):
            raise StampRefused("the time stamp does not hold")
    except (VerificationError, ValueError) as error:
        raise StampRefused(f"the time stamp does not hold: {error}") from error
    return stamp.tst_info.gen_time


def time_of(answer: bytes) -> datetime.datetime:
    """When it says it was made; unchecked. Raises: StampRefused."""
    return _decoded(answer).tst_info.gen_time


def _decoded(answer: bytes) -> TimeStampResponse:
    try:
        stamp = decode_timestamp_response(answer)
        if stamp.status not in (0, 1):
            raise StampRefused(f"the authority gave no time stamp: {', '.join(stamp.status_string) or stamp.status}")
    except ValueError as error:
        raise StampRefused(f"the answer is no time stamp: {error}") from error
    return stamp


def _post(url: str, body: bytes, who: str) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StampRefused("a time stamping authority has an http or https address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    gate = net.Gate(settings.ALLOWED_RELAYS, PORTS | settings.ALLOWED_PORTS)
    with net.connect(parts.hostname, port, timeout_s=TIMEOUT_S, gate=gate, who=who) as connection:
        if parts.scheme == "https":
            connection.start_tls(trust.client_context())
        client = http.client.HTTPConnection(parts.hostname, port)
        client.sock = connection.socket
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            client.request("POST", path, body=body, headers=headers | {"Connection": "close"})
            response = client.getresponse()
            said = response.read(MOST_BYTES)
        except OSError as error:
            raise net.translate(error, parts.hostname) from error
        except http.client.HTTPException as error:
            raise net.ProtocolBroken(f"{parts.hostname} does not answer as a web server: {error}") from error
    if response.status != 200:
        raise StampRefused(f"{parts.hostname} answers {response.status} {response.reason}")
    return said
