"""The access sweep of dialects: what each needs to tell so that every operation of its table is tried by everybody.

`tests/api/<dialect>/sweep.py` holds `SWEEP`. test_sweep.py tries each operation of the route table as nobody, with a
token that opens nothing, as a plain user, as another domain's administrator, and with a token that only reads: none of
them may change anything, and nobody sees what they name. A dialect without a sweep fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.dialects.registry import Operation
from tests.api.world import Place

Answer = Any


@dataclass(frozen=True)
class Sweep:
    """How one dialect is called and how it says no.

    send: one operation about things of a place, with a token ("" none at all).
    is_unauthenticated, is_refused: whether an answer says "who are you?", or "no" (or that there is nothing).
    open_to_all: operations whose answer to somebody without rights is fine as it is (their own things, empty lists);
    they still may change nothing.
    is_not_served: whether an answer to an administrator says that this operation isn't served here.
    """

    dialect: str
    send: Callable[[Operation, Place, str], Answer]
    is_unauthenticated: Callable[[Answer], bool]
    is_refused: Callable[[Answer], bool]
    is_not_served: Callable[[Answer], bool]
    open_to_all: frozenset[str] = frozenset()
