"""What the gateway listens on, as the environment says: one socket for each port and process.

The sockets of a port share it (SO_REUSEPORT), and the kernel spreads connections over them. They are made by the
parent and stay open when a process ends, so that nobody is refused while it is started again.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from config.environment import Gateway
from config.kit import paths
from gateway.flow import Door
from gateway.naming import own_name
from gateway.smtp.door import Bare, Limits, Settings

BACKLOG = 512
PATIENT = 1000  # times too large: Postfix hears that it is for good, at the end of the message


class PortTaken(Exception):
    """Another program listens there; the text says where."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port: what it is for, and its sockets, one for each process."""

    door: Door
    number: int
    tls_at_once: bool
    sockets: tuple[socket.socket, ...]


def open_ports() -> list[Port]:
    """All ports, bound. Raises: PortTaken."""
    wanted: Gateway = settings.GATEWAY
    kinds = (
        (Door.MX, wanted.port, False),
        (Door.SUBMISSION, wanted.submission_port, False),
        (Door.SUBMISSION, wanted.submissions_port, True),
        (Door.FILTER, wanted.filter_port, False),
    )
    return [
        Port(door, number, at_once, _sockets(wanted.bind, number, wanted.processes))
        for door, number, at_once in kinds
        if number is not None
    ]


def _sockets(address: str, port: int, count: int) -> tuple[socket.socket, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        # A port shared with a program that isn't ours would lose mail to it: once without sharing, to find out.
        with socket.create_server((address, port), family=family, dualstack_ipv6=_is_all(address)):
            pass
        return tuple(
            socket.create_server(
                (address, port), family=family, backlog=BACKLOG, reuse_port=True, dualstack_ipv6=_is_all(address)
            )
            for _ in range(count)
        )
    except OSError as error:
        raise PortTaken(f"the gateway can't listen on {address} port {port}: {error.strerror or error}") from error


def _is_all(address: str) -> bool:
    return address == "::" and socket.has_dualstack_ipv6()


def settings_of(port: Port, tls: Callable[[], ssl.SSLContext] | None) -> Settings:
    """How sessions on this port behave."""
    wanted: Gateway = settings.GATEWAY
    folder = paths.uploads_dir()
    return Settings(
        name=f"{port.door}:{port.number}",
        door=port.door,
        banner=own_name(),
        tls=tls,
        tls_at_once=port.tls_at_once,
        offers_auth=port.door is not Door.FILTER,
        auth_without_tls=wanted.auth == "always",
        needs_auth=port.door is Door.SUBMISSION,
        # Postfix has taken it already: what is refused it would send back to whoever is said to have written
        bare=Bare.FIX if port.door is Door.FILTER else Bare(wanted.bare),
        proxies=() if port.door is Door.FILTER else wanted.proxies,
        speakers=wanted.filter_clients if port.door is Door.FILTER else wanted.speakers,
        clients=wanted.filter_clients if port.door is Door.FILTER else None,
        folder=folder if folder.is_dir() else None,
        limits=Limits(message_bytes=wanted.message_bytes, overrun=PATIENT if port.door is Door.FILTER else 2),
    )
