"""The certificates a door shows: one for everybody, others for the names that clients ask for (SNI).

Contexts are made from PEM bytes; a private key never touches the disk (OpenSSL wants a file: an anonymous one in
memory). Not for where certificates come from (`gateway.reception`, `gateway.services.certificates`).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping


class BadCertificate(Exception):
    """Chain and key can't be used; the text says why."""


def make_context(chain_and_key: bytes) -> ssl.SSLContext:
    """For a server, from PEM. Raises: BadCertificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
    file = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(file, "wb", closefd=False) as writing:
            writing.write(chain_and_key)
        context.load_cert_chain(f"/proc/self/fd/{file}", password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise BadCertificate(str(error)) from error
    finally:
        os.close(file)
    return context


class Certificates:
    """What to show to whom. `replace` takes effect with the next handshake."""

    def __init__(self, fallback: bytes) -> None:
        self._own = self._fallback = make_context(fallback)
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._door = make_context(fallback)
        self._door.sni_callback = self._choose

    def context(self) -> ssl.SSLContext:
        """For a handshake: it chooses by the name that the client asks for."""
        return self._door

    def replace(self, by_name: Mapping[str, bytes], default: bytes | None) -> None:
        """by_name: PEM by host name in lower case, `*.example.org` for all names below. Raises: BadCertificate."""
        contexts = {name: make_context(pem) for name, pem in by_name.items()}
        self._fallback = make_context(default) if default is not None else self._own
        self._by_name = contexts

    def _choose(self, asking: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        wanted = (name or "").lower().rstrip(".")
        asking.asked_name = wanted[:255]  # type: ignore[union-attr]  # for the session, which tells the passport
        found = self._by_name.get(wanted) or self._by_name.get(f"*.{wanted.partition('.')[2]}")
        asking.context = found or self._fallback
