"""What our servers call themselves: in EHLO, in Received lines, in notices."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings


def own_name() -> str:
    """The first name of POSTKEEP_MX_NAMES, or the host of POSTKEEP_URL; an address as a literal ("[192.0.2.1]")."""
    names = [name for name in settings.MX_NAMES if _address(name) is None]
    host = names[0] if names else urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    address = _address(host)
    if address is None:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def own_domain() -> str:
    """What stands after the @ of addresses of our own: the name, which an address can't be."""
    name = own_name()
    return "localhost.localdomain" if name.startswith("[") or "." not in name else name


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
