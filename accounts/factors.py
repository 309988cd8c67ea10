"""Whether somebody signs in with a second factor: whoever keeps factors registers how it is known.

Those people never get a link that signs them in without it.
"""

from __future__ import annotations

from collections.abc import Callable

from accounts.models import User

Check = Callable[[User], bool]
_checks: list[Check] = []


def register(check: Check) -> None:
    """The app that keeps second factors says who has one."""
    if check not in _checks:
        _checks.append(check)


def has_second_factor(user: User) -> bool:
    return any(check(user) for check in _checks)
