"""What a dialect is: its name, its door, its operations with how each is answered, and its way of saying no.

A dialect is one value of `Dialect` in `api/<dialect>/dialect.py`, listed in `api.dialects.served`. Everything that all
dialects share (on and off, allowed clients, limits, last calls, pages, the access sweep) takes it from there. Not for
what an operation does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.utils.functional import Promise

if TYPE_CHECKING:
    from api.dialects.call import Call

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Operation:
    """One route ("PUT", "/domains/{domain}") or command ("", "CREATEACCOUNT") of a dialect.

    about: what it does, in a few words. refused: why it is answered with a clear no; "" where it works.
    reads: a token that may only read may use it. public: needs no credentials.
    """

    method: str
    path: str
    about: str = ""
    refused: str = ""
    reads: bool = False
    public: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}".strip()


@dataclass(frozen=True, slots=True)
class Found:
    """A call recognised in a script or log. operation: None where the dialect has none like it."""

    line: int
    text: str
    operation: Operation | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a dialect's own. clean: takes what was typed, answers what is kept; raises ValueError for people.

    opens_doors: whoever sets it can come in as anybody, so a server administrator does, in person.
    """

    name: str
    label: Text
    help: Text = ""
    is_long: bool = False
    opens_doors: bool = False
    clean: Callable[[str], str] = str.strip


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something the frame refuses, to be said in the dialect's own shape.

    kind: off, client, too-large, unauthenticated, forbidden, not-found, too-many, unavailable or failed.
    """

    status: int
    kind: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One foreign interface.

    prefix: where it is on the web port ("" for a protocol that isn't HTTP). port_paths: what stands before its paths at
    the root of its own port, beside nothing. answer: answers one call; `refuse`: says no.
    find_calls: the calls in a script or a log. also: other addresses on the web port that are its own, without a
    prefix, and all below them ("api/login").
    """

    name: str
    label: str
    prefix: str
    about: Text
    credentials: Text
    operations: Callable[[], Sequence[Operation]]
    find_calls: Callable[[str], Iterable[Found]]
    answer: Callable[[Call], HttpResponse] | None = None
    refuse: Callable[[Refusal], HttpResponse] | None = None
    is_tls: bool = False
    example: str = ""  # a first call, with {url} for the address
    options: tuple[Option, ...] = ()
    body_bytes: int = 1 << 20
    also: tuple[str, ...] = ()


_known: list[Dialect] = []


def register(dialects: Iterable[Dialect]) -> None:
    """`api.dialects.served` says which there are."""
    _known[:] = dialects


def known() -> tuple[Dialect, ...]:
    """All of them, for what a dialect itself is made of (version 1 of the API) and for what every process loads.

    They bring all of the API, half as much again as a process otherwise loads (50 MiB, 1.5 s), so they come when first
    asked for: whoever works on mail never does.
    """
    if not _known:
        import_module("api.dialects.served")
    return tuple(_known)


def find(name: str) -> Dialect | None:
    """The one of that name, loaded like `known`."""
    return next((dialect for dialect in known() if dialect.name == name), None)
