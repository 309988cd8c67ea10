"""The ports of their own: how each is served, with which certificate, and the health of them all."""

from __future__ import annotations

import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from api.dialects.registry import Dialect, known
from config.kit import health, paths
from gateway.reception import selfsigned
from gateway.services import certificates

ANSWER_WITHIN_S = 2.0


def register() -> None:
    """The health page's component, where any port is set."""
    if settings.DIALECTS.ports:
        health.register(gettext_lazy("Ports of dialects"), check, needed=True)


def check() -> health.Report:
    """Whether each port takes connections."""
    ports = settings.DIALECTS.ports
    labels = {dialect.name: dialect.label for dialect in known()}
    facts = {labels.get(name, name): str(port) for name, port in ports.items()}
    silent = [port for port in ports.values() if not answers(port)]
    if silent:
        return health.Report("error", _("port %(port)s does not answer") % {"port": silent[0]}, facts)
    return health.Report("ok", _("take calls"), facts)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    bind = settings.DIALECTS.bind
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104  (compared, not bound)
    try:
        with socket.create_connection((host, port), timeout=ANSWER_WITHIN_S):
            return True
    except OSError:
        return False


def command(dialect: Dialect) -> tuple[list[str], dict[str, str]]:
    """The program that serves a dialect's own port, and its environment. Raises: KeyError where no port is set."""
    options = {
        "interface": "asgi",
        "host": settings.DIALECTS.bind,
        "port": str(settings.DIALECTS.ports[dialect.name]),
        "http": "1",
        "workers": "1",
        "workers-kill-timeout": "6",
        "log-level": "error",
    }
    if dialect.is_tls:
        chain, key = write_certificate(dialect)
        options |= {"ssl-certificate": str(chain), "ssl-keyfile": str(key), "ssl-protocol-min": "tls1.2"}
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    argv = [sys.executable, "-m", "granian", *flags, "--no-ws", "config.raw_paths:application"]
    return argv, {"POSTKEEP_ROOT_DIALECT": dialect.name}


def write_certificate(dialect: Dialect) -> tuple[Path, Path]:
    """The certificate kept for every name, else one of our own making, as files that only we read: chain and key.

    One of our own is made once and kept while it lasts, for clients that remember it.
    """
    folder = paths.home() / "dialects"
    folder.mkdir(mode=0o700, exist_ok=True)
    chain, key = folder / f"{dialect.name}.crt", folder / f"{dialect.name}.key"
    default = certificates.pairs_in_use()[1]
    if default is None and _lasts(chain) and key.exists():
        return chain, key
    pem = default or selfsigned.make(urlsplit(settings.PUBLIC_URL).hostname or "localhost")
    loaded = serialization.load_pem_private_key(pem, password=None)
    private = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in x509.load_pem_x509_certificates(pem))
    for path, text in ((key, private), (chain, public)):
        temporary = path.with_name(f"{path.name}.new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
        temporary.replace(path)
    return chain, key


def _lasts(path: Path) -> bool:
    """Whether one of our own is there, and for a month more."""
    try:
        kept = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    return kept.issuer == kept.subject and kept.not_valid_after_utc > timezone.now() + timedelta(days=30)
