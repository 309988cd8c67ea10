"""What higher apps repeat of a person's row is changed in the same transaction: they register here to be told.

An app that keeps a copy of a name (for a list that an index sorts) registers a function; whoever changes a person's
name, language or address calls `told` inside their transaction. Not a bus for anything else.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User

Follower = Callable[[User], None]
_followers: list[Follower] = []


def register(follow: Follower) -> None:
    """Be told of every person whose name or address changed, once each, before the change is committed."""
    if follow not in _followers:
        _followers.append(follow)


def told(user: User) -> None:
    """Tell everybody. Call it inside the transaction that changed the row."""
    for follow in _followers:
        follow(user)
