"""What the apps above know of people and don't: what ties them here beside their rights, whose their address is."""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User
from accounts.scopes import ScopeRef

Tie = Callable[[User], bool]
ScopeOfAddress = Callable[[str], ScopeRef | None]
MainAddressOf = Callable[[str], str | None]
_ties: list[Tie] = []
_scope_of_address: list[ScopeOfAddress] = []
_main_address_of: list[MainAddressOf] = []


def register(tie: Tie) -> None:
    """An app tells whether a person has something of its own here."""
    if tie not in _ties:
        _ties.append(tie)


def of(user: User) -> bool:
    """Whether anything ties them here."""
    return any(tie(user) for tie in _ties)


def register_scope_of_address(find: ScopeOfAddress) -> None:
    """The app that knows domains says in which one an address lies, None for one elsewhere."""
    _scope_of_address[:] = [find]


def scope_of_address(email: str) -> ScopeRef | None:
    """Where an address lies that is ours: only who manages people there may give it to somebody to sign in with."""
    return _scope_of_address[0](email) if _scope_of_address else None


def register_main_address_of(find: MainAddressOf) -> None:
    """The app that knows aliases says whose other address somebody may sign in with: the address of their account.

    It must cost the same whether there is somebody or not.
    """
    _main_address_of[:] = [find]


def main_address_of(email: str) -> str | None:
    """The address of the person who may sign in with this other one of theirs; None for nobody."""
    return _main_address_of[0](email) if _main_address_of else None
