"""Whether somebody signs in with a second factor: whoever keeps factors registers how it is known and switched off.

Those people never get a link that signs them in without it, nor a token for their password alone.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User

Check = Callable[[User], bool]
Remove = Callable[[User], object]
_keepers: dict[Check, Remove] = {}


def register(check: Check, remove: Remove) -> None:
    """The app that keeps second factors says who has one, and how they are left with none."""
    _keepers[check] = remove


def has_second_factor(user: User) -> bool:
    return any(check(user) for check in _keepers)


def remove_all(user: User) -> None:
    """Switch all of a person's factors off. Rights and the audit trail are `services.second_factors`'."""
    for check, remove in _keepers.items():
        if check(user):
            remove(user)
