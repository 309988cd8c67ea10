"""What can go wrong with a source of identity, in the few kinds that a page may say."""

from __future__ import annotations

from accounts.errors import AccountsError


class BadSource(AccountsError, ValueError):
    """Settings that can't be; the text says why, `field` which."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class SourceFailed(AccountsError):
    """Root: the source gave no answer that counts. The text is for the people who run it, and holds no secret."""


class SourceUnavailable(SourceFailed):
    """It can't be reached, or breaks off: nobody can say now whether somebody may come in."""

    permanent = False


class SourceMisconfigured(SourceFailed):
    """It was reached and doesn't let us ask: a wrong password of ours, a base that isn't there."""


class Denied(SourceFailed):
    """The source said no, or said something that must not be believed."""
