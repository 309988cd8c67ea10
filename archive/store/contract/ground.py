"""What a backend brings to be tested, and how a refusal is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..backend import Backend
from ..errors import StoreError
from ..store import Store


class Ground(Protocol):
    """What a backend under test brings."""

    def backend(self) -> Backend:
        """A handle on this ground's files; each call may give another handle on the same files."""

    def open(self, work: str = "work", *, read_only: bool = False, pack_bytes: int = 1 << 20) -> Store:
        """The one store of this ground, made when it is missing, with its projections in the work folder named."""

    def lose_projections(self) -> None:
        """Catalogue and index are gone; nobody has the store open."""


def refusal(call: Callable[[], object]) -> type[StoreError] | None:
    """The engine's error a call ends in, if it does."""
    try:
        call()
    except StoreError as error:
        return type(error)
    return None
