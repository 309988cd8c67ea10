"""What a session needs of the house it is a door of, and how the house answers. Not for sockets nor for commands."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from api.communigate.format import Value


class _Nothing:
    """No data: the reply is a code and its text alone."""


NOTHING = _Nothing()
Data = Value | _Nothing


@dataclass(frozen=True, slots=True)
class Reply:
    """code: three digits, 200 for what went well. data: what the command answers. ends: the session is over with it."""

    code: int
    text: str
    data: Data = NOTHING
    ends: bool = False

    @property
    def is_good(self) -> bool:
        return self.code < 400


OK = Reply(200, "OK")


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds. login_s: for all of the sign-in; line: of who is signed in."""

    first_line: int = 4096
    line: int = 4 * 1024 * 1024  # of each of 300 connections: more would be the machine's memory
    login_s: float = 60.0
    idle_s: float = 330.0  # a client in use reconnects by itself after 295
    line_s: float = 120.0  # from the first byte of a line to its end
    write_s: float = 60.0
    tls_s: float = 20.0
    wrong_logins: int = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """name: what the banner calls us. tls: makes the context of STLS."""

    name: str
    version: str
    tls: Callable[[], ssl.SSLContext] | None = None
    limits: Limits = field(default_factory=Limits)


class House(Protocol):
    """`login` is whatever the house wants to have again with each command; None is a refusal by `Reply`."""

    async def come(self, client: str) -> Reply | None: ...

    def gone(self, client: str) -> None: ...

    async def leave(self, login: Any) -> None:
        """Who signed in went away."""

    async def has_secrets(self) -> bool: ...

    async def sign_in(self, client: str, name: str, password: str) -> Any | Reply: ...

    async def sign_in_apop(self, client: str, name: str, challenge: str, digest: str) -> Any | Reply: ...

    async def change_password(self, login: Any, old: str, new: str) -> Reply: ...

    async def run(self, login: Any, line: str) -> Reply: ...
