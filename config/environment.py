"""What the environment says about the servers and the address, read once for settings, supervisor and tests.

Not for settings of features; those are rows in the database. No Django here: the supervisor starts without it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
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


def web_tls() -> str:
    """POSTKEEP_WEB_TLS: "certificate" (TLS where one is chosen for the pages), "always" (else with one of our own)."""
    return _choice("POSTKEEP_WEB_TLS", "certificate", "always")


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


def scanner_sockets() -> tuple[str, ...]:
    """POSTKEEP_SCANNER_SOCKETS: sockets by which scanners may be asked, beside those of Debian."""
    usual = ("/run/clamav/clamd.ctl", "/var/run/clamav/clamd.ctl")
    return (*usual, *_items("POSTKEEP_SCANNER_SOCKETS"))


def breach_list() -> str:
    """POSTKEEP_BREACH_LIST: a file of known passwords, hashes or words, that nobody may choose; "" for none."""
    return os.environ.get("POSTKEEP_BREACH_LIST", "")


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


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where and how mail comes in. A port of None isn't listened on; no processes: no gateway on this machine.

    bare: "refuse" or "fix". auth: "tls" or "always". proxies begin connections with
    a PROXY header; speakers may say for whom they speak (XCLIENT, XFORWARD); filter_clients may use the filter's port,
    and what they bring goes back to filter_next ("127.0.0.1:10026").
    """

    bind: str
    port: int | None
    submission_port: int | None
    submissions_port: int | None
    filter_port: int | None
    processes: int
    message_bytes: int
    bare: str
    auth: str
    proxies: tuple[Network, ...]
    speakers: tuple[Network, ...]
    filter_clients: tuple[Network, ...]
    filter_next: str


def gateway() -> Gateway:
    """The POSTKEEP_SMTP_* variables and their like. Raises: EnvironmentRefused."""
    return Gateway(
        bind=os.environ.get("POSTKEEP_SMTP_BIND") or "127.0.0.1",
        port=_optional_port("POSTKEEP_SMTP_PORT", "2525"),
        submission_port=_optional_port("POSTKEEP_SUBMISSION_PORT"),
        submissions_port=_optional_port("POSTKEEP_SUBMISSIONS_PORT"),
        filter_port=_optional_port("POSTKEEP_FILTER_PORT"),
        processes=_number("POSTKEEP_GATEWAY_PROCESSES", 2, least=0, most=64),
        message_bytes=_number("POSTKEEP_SMTP_SIZE", 50, least=1, most=2048) << 20,
        bare=_choice("POSTKEEP_SMTP_BARE", "refuse", "fix"),
        auth=_choice("POSTKEEP_SMTP_AUTH", "tls", "always"),
        proxies=tuple(_network("POSTKEEP_SMTP_PROXIES", item) for item in _items("POSTKEEP_SMTP_PROXIES")),
        speakers=tuple(_network("POSTKEEP_SMTP_XCLIENT", item) for item in _items("POSTKEEP_SMTP_XCLIENT")),
        filter_clients=tuple(
            _network("POSTKEEP_FILTER_CLIENTS", item)
            for item in _items("POSTKEEP_FILTER_CLIENTS") or ["127.0.0.0/8", "::1"]
        ),
        filter_next=os.environ.get("POSTKEEP_FILTER_NEXT", "").strip(),
    )


DIALECT_NAMES = ("mailstore", "communigate", "james", "cleanmail", "iredadmin")
DIALECT_PORTS = {"communigate": "POSTKEEP_PWD_PORT"}  # the others are named like their dialect


@dataclass(frozen=True, slots=True)
class Dialects:
    """The interfaces of other systems that are on whatever the pages say, who may use them where the pages name nobody,
    and the ports of their own (at `bind`)."""

    names: frozenset[str]
    clients: tuple[Network, ...]
    bind: str
    ports: dict[str, int]


def dialects() -> Dialects:
    """POSTKEEP_DIALECTS, POSTKEEP_DIALECT_CLIENTS, POSTKEEP_DIALECT_BIND and the ports. Raises: EnvironmentRefused."""
    names = frozenset(item.lower() for item in _items("POSTKEEP_DIALECTS"))
    if unknown := names.difference(DIALECT_NAMES):
        raise EnvironmentRefused(f"POSTKEEP_DIALECTS: there is no dialect {sorted(unknown)[0]}")
    clients = _items("POSTKEEP_DIALECT_CLIENTS") or ["127.0.0.0/8", "::1"]
    wanted = {name: _optional_port(dialect_port_variable(name)) for name in DIALECT_NAMES}
    return Dialects(
        names=names,
        clients=tuple(_network("POSTKEEP_DIALECT_CLIENTS", item) for item in clients),
        bind=os.environ.get("POSTKEEP_DIALECT_BIND") or bind(),
        ports={name: port for name, port in wanted.items() if port is not None},
    )


def dialect_port_variable(name: str) -> str:
    """The variable that names a dialect's own port."""
    return DIALECT_PORTS.get(name, f"POSTKEEP_{name.upper()}_PORT")


def _optional_port(name: str, without: str = "") -> int | None:
    """The port; none where the variable is "none", or missing without a usual one."""
    text = os.environ.get(name) or without
    return None if text in ("", "none") else _port(name, text)


def _number(name: str, without: int, *, least: int, most: int) -> int:
    text = os.environ.get(name) or str(without)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise EnvironmentRefused(f"{name} is a number from {least} to {most}, not {text}")
    return int(text)


def _choice(name: str, *choices: str) -> str:
    """One of the words; the first without the variable."""
    text = os.environ.get(name) or choices[0]
    if text not in choices:
        raise EnvironmentRefused(f"{name} is {' or '.join(choices)}, not {text}")
    return text


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
