"""What somebody typed, in a filter of a directory: only escaped, every byte that isn't a letter or a digit. Pure.

Source: RFC 4515 §3.
"""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{(address|local|domain)\}")


def escape(text: str) -> str:
    """A value in a filter."""
    return "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:02x}" for byte in text.encode()
    )


def fill(template: str, address: str) -> str:
    """A filter with what somebody signs in with in it, escaped."""
    local, _at, domain = address.rpartition("@")
    values = {"address": address, "local": local, "domain": domain}
    return _PLACEHOLDER.sub(lambda match: escape(values[match[1]]), template)
