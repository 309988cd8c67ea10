"""What the environment says about the servers and the address, read once for settings, supervisor and tests.

Not for settings of features; those are rows in the database. No Django here: the supervisor starts without it.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.kit import paths

DATABASE = "postkeep"
VALKEY_SOCKET = "valkey.sock"
Network = IPv4Network | IPv6Network
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]


class EnvironmentRefused(Exception):
    """A variable of the environment can't be understood; the text says which and why."""


def port() -> int:
    """POSTKEEP_PORT, 8000 without it."""
    text = os.environ.get("POSTKEEP_PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise EnvironmentRefused(f"POSTKEEP_PORT is not a port number: {text}")
    return int(text)


def bind() -> str:
    """POSTKEEP_BIND: the address the web server listens on, loopback without it."""
    return os.environ.get("POSTKEEP_BIND") or "127.0.0.1"


def public_url() -> str:
    """The address people use, without a final slash: POSTKEEP_URL, or the loopback address and port."""
    url = (os.environ.get("POSTKEEP_URL") or f"http://{local_host()}:{port()}").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnvironmentRefused(f"POSTKEEP_URL is not an http or https address: {url}")
    return url


def local_host() -> str:
    """The host under which this machine itself reaches the web server."""
    address = bind()
    if address in ("0.0.0.0", "::"):  # noqa: S104  (compared, not bound)
        return "127.0.0.1"
    return f"[{address}]" if ":" in address else address


def allowed_hosts() -> list[str]:
    """Loopback, the bind address where it is one address, and the host of POSTKEEP_URL."""
    host = urlsplit(public_url()).hostname or ""
    named = f"[{host}]" if ":" in host else host
    return list(dict.fromkeys([*LOOPBACK, local_host(), named]))


def is_https() -> bool:
    """Whether people reach us over TLS (a proxy in front ends it)."""
    return urlsplit(public_url()).scheme == "https"


def trusted_proxies() -> list[str]:
    """POSTKEEP_TRUSTED_PROXIES: addresses or networks, separated by commas, whose X-Forwarded-* we believe."""
    return [item.strip() for item in os.environ.get("POSTKEEP_TRUSTED_PROXIES", "").split(",") if item.strip()]


def allowed_relays() -> tuple[Network, ...]:
    """POSTKEEP_ALLOWED_RELAYS: networks beside the public ones that connections people aim may reach."""
    return tuple(_network("POSTKEEP_ALLOWED_RELAYS", item) for item in _items("POSTKEEP_ALLOWED_RELAYS"))


def allowed_ports() -> frozenset[int]:
    """POSTKEEP_ALLOWED_PORTS: ports beside those of SMTP that such connections may use."""
    return frozenset(_port("POSTKEEP_ALLOWED_PORTS", item) for item in _items("POSTKEEP_ALLOWED_PORTS"))


def dns_servers() -> tuple[tuple[str, int], ...]:
    """POSTKEEP_DNS_SERVERS: address[:port] of the resolvers that look at domains; empty means the system's."""
    return tuple(_server("POSTKEEP_DNS_SERVERS", item) for item in _items("POSTKEEP_DNS_SERVERS"))


def mx_names() -> tuple[str, ...]:
    """POSTKEEP_MX_NAMES: names or addresses of our gateways, which the MX records of served domains should name."""
    return tuple(item.lower().rstrip(".") for item in _items("POSTKEEP_MX_NAMES"))


def api_requests_per_minute() -> int:
    """POSTKEEP_API_RATE: how many requests one access token may make in a minute, 1,200 without it."""
    text = os.environ.get("POSTKEEP_API_RATE") or "1200"
    if not text.isdecimal() or int(text) < 1:
        raise EnvironmentRefused(f"POSTKEEP_API_RATE is not a number of requests per minute: {text}")
    return int(text)


def smtp() -> dict[str, Any]:
    """POSTKEEP_MAIL_HOST, _PORT, _TLS (starttls, tls or none), _USER, _PASSWORD, _FROM: how our own mails leave.

    Without a host none leave. The password may stand in a file named by POSTKEEP_MAIL_PASSWORD_FILE.
    """
    tls = os.environ.get("POSTKEEP_MAIL_TLS") or "starttls"
    if tls not in ("starttls", "tls", "none"):
        raise EnvironmentRefused(f"POSTKEEP_MAIL_TLS is starttls, tls or none, not {tls}")
    password, file = os.environ.get("POSTKEEP_MAIL_PASSWORD", ""), os.environ.get("POSTKEEP_MAIL_PASSWORD_FILE", "")
    if file:
        try:
            password = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise EnvironmentRefused(f"POSTKEEP_MAIL_PASSWORD_FILE can't be read: {error}") from error
    standard = {"starttls": "587", "tls": "465", "none": "25"}[tls]
    host = os.environ.get("POSTKEEP_MAIL_HOST", "").strip()
    return {
        "host": host,
        "port": _port("POSTKEEP_MAIL_PORT", os.environ.get("POSTKEEP_MAIL_PORT") or standard),
        "tls": tls,
        "user": os.environ.get("POSTKEEP_MAIL_USER", ""),
        "password": password,
        "from": os.environ.get("POSTKEEP_MAIL_FROM") or f"postkeep@{urlsplit(public_url()).hostname}",
    }


def has_own_database() -> bool:
    """Whether PostgreSQL is ours to start."""
    return not os.environ.get("DATABASE_URL")


def has_own_broker() -> bool:
    """Whether Valkey is ours to start."""
    return not os.environ.get("REDIS_URL")


def database() -> dict[str, Any]:
    """The Django settings of the database: DATABASE_URL, or our own server's socket."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return {"ENGINE": _ENGINE, "NAME": DATABASE, "USER": "postkeep", "HOST": str(paths.run_dir()), "OPTIONS": {}}
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise EnvironmentRefused("DATABASE_URL must begin with postgresql://")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", unquote(parts.hostname or ""))
    return {
        "ENGINE": _ENGINE,
        "NAME": unquote(parts.path.lstrip("/")) or DATABASE,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def redis_url() -> str:
    """The broker's URL as redis-py reads it (redis://, rediss:// or unix://)."""
    return os.environ.get("REDIS_URL") or f"unix://{paths.run_dir() / VALKEY_SOCKET}"


def broker_url() -> str:
    """The same as Celery reads it."""
    url = redis_url()
    return f"redis+socket://{url.removeprefix('unix://')}" if url.startswith("unix://") else url


def _items(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def _network(name: str, text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise EnvironmentRefused(f"{name} holds what is no address or network: {text}") from error


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise EnvironmentRefused(f"{name} holds what is no port number: {text}")
    return int(text)


def _server(name: str, text: str) -> tuple[str, int]:
    """192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or [2001:db8::1]:5353."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        return str(ip_address(host)), _port(name, port or "53")
    except ValueError as error:
        raise EnvironmentRefused(f"{name} wants addresses of servers, with or without a port: {text}") from error


_ENGINE = "django.db.backends.postgresql"
