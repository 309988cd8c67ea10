"""What can go wrong with what we serve: one root. `field` names what the caller gave, where one thing was wrong."""

from __future__ import annotations


class DomainsError(Exception):
    """Root of this app's errors; `permanent` says whether trying again later can help."""

    permanent = True

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class Invalid(DomainsError, ValueError):
    """A value that breaks a rule; the text says which, for the person who gave it."""


class BadAddress(Invalid):
    """Not an address that we can serve; the text says why."""


class BadLines(Invalid):
    """Of many lines that somebody gave some are wrong; `lines` says which: (number, text, why)."""

    def __init__(self, text: str, lines: list[tuple[int, str, str]], *, field: str = "") -> None:
        super().__init__(text, field=field)
        self.lines = lines


class Taken(DomainsError):
    """The name or address is claimed already."""


class LimitReached(DomainsError):
    """A limit of the domain, its customer or the server allows no more."""


class InUse(DomainsError):
    """Something else still needs it; the text says what."""


class WrongState(DomainsError):
    """Not in the state it is in (deleted, disabled …)."""
