"""Where a dialect can be reached, as its page and documents tell people."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from api.dialects.registry import Dialect
from config.environment import dialect_port_variable


def of(dialect: Dialect) -> list[str]:
    """Its addresses: below the web port's, and at its own port where that is set."""
    found = [f"{settings.PUBLIC_URL}/{dialect.prefix}"] if dialect.prefix else []
    port = settings.DIALECTS.ports.get(dialect.name)
    if port is not None:
        host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
        scheme = "https" if dialect.is_tls else "http" if dialect.prefix else "pwd"
        found.append(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
    return found


def port_variable(dialect: Dialect) -> str:
    return dialect_port_variable(dialect.name)
