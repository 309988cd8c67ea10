"""Ports for servers that tests start: free now, and nobody's until the server listens there.

Below the kernel's own range: every connection, and every socket that asks for any port, takes one from that, thousands
in a run of the suite; a server that needs half a minute to come up would find its port taken now and then.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOWEST = 10_000
_chance = random.SystemRandom()  # tests seed the usual one
_given: set[int] = set()


def free_port() -> int:
    """A port of 127.0.0.1 that this process gives once."""
    for _ in range(1_000):
        port = _chance.randrange(LOWEST, _kernels_own())
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError("no port is free")


def free_ports(count: int) -> list[int]:
    return [free_port() for _ in range(count)]


def _kernels_own() -> int:
    """Where the range begins from which the kernel takes ports by itself."""
    try:
        return max(LOWEST + 1_000, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]))
    except OSError:
        return 32_768


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
