"""Which certificate the pages show, where the web server speaks TLS itself (`config.kit.web_tls`).

One of the certificates is chosen for them; without one the pages speak plain HTTP, for a proxy in front to encrypt,
unless POSTKEEP_WEB_TLS is "always": then one that Postkeep has made and signed itself stands in. The supervisor starts
the web server again, within seconds, when that changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.utils.translation import gettext as _

from config.kit import web_tls
from config.kit.sealed import SealedError
from domains.errors import Invalid
from gateway.models import Certificate
from gateway.reception import selfsigned

logger = logging.getLogger("postkeep.gateway")
ALWAYS = "always"


def require_possible() -> None:
    """With TLS the address people use must say https, or nobody would get in any more. Raises: Invalid."""
    if not settings.IS_HTTPS:
        raise Invalid(_("Set POSTKEEP_URL to an https:// address first: people come by it."), field="is_web")


def put_in_force(pem: bytes | None) -> bool:
    """Let the pages show this key and chain from now on, or none; whether anything changed. Keeps what is there when
    it can't be written down.
    """
    try:
        if pem is None:
            if settings.WEB_TLS != ALWAYS:
                return web_tls.take_away()
            if web_tls.is_on() and _is_own(web_tls.chain_file().read_text()):
                return False
            pem = selfsigned.make(urlsplit(settings.PUBLIC_URL).hostname or "localhost")
        key, chain = _split(pem)
        return web_tls.put(chain, key)
    except OSError:
        logger.exception("the certificate of the pages can't be written")
        return False


def chosen() -> Certificate | None:
    return Certificate.objects.filter(is_web=True).first()


def renew(pem_of: Callable[[Certificate], bytes]) -> None:
    """Look again at what is chosen. pem_of: reads a certificate's key and chain."""
    row = chosen()
    if row is None or not settings.IS_HTTPS:
        put_in_force(None)
        return
    try:
        put_in_force(pem_of(row))
    except (Invalid, SealedError) as error:
        logger.warning("the certificate of the pages stays as it was: %s", error)


def _split(pem: bytes) -> tuple[str, str]:
    """Key (PKCS#8) and chain of a PEM that holds both."""
    text = pem.decode("ascii")
    key = serialization.load_pem_private_key(pem, password=None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    begin = text.index("-----BEGIN CERTIFICATE-----")
    return key.private_bytes(*form).decode("ascii"), text[begin:]


def _is_own(chain: str) -> bool:
    """One that we made for ourselves: signed by itself, for this very host."""
    found = x509.load_pem_x509_certificate(chain.encode())
    return found.issuer == found.subject
