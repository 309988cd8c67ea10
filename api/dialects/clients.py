"""From where a dialect may be called at all, asked before any work: one answer for its prefix, its own port and PWD.

Three lists, of which each must let a client in: networks that are shut out at every door (`accounts.blocking`), the
option "Networks that reach the API" (`accounts.networks`), and the dialect's own list. This machine is never shut
out by the first two. Not for guesses, which are slowed down where they are made (`api.dialects.credentials`).
"""

from __future__ import annotations

from accounts import blocking, networks
from api.dialects.settings import State

BLOCKED = "This network is blocked here."
NOT_THE_API = "The API may not be reached from this network."
NOT_ALLOWED = "This client's address may not call here."


def why_not(state: State, address: str) -> str:
    """Why a client may not call, in English; "" where it may."""
    if is_blocked(address):
        return BLOCKED
    if not (networks.holds(networks.LOOPBACK, address) or networks.may_reach(networks.API, address)):
        return NOT_THE_API
    return "" if state.lets(address) else NOT_ALLOWED


def is_blocked(address: str) -> bool:
    """Whether an address is shut out at every door."""
    return blocking.blocked_until(address) is not None
