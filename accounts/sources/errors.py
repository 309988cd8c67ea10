"""What can go wrong with a source of identity, in the few kinds that a page may say."""

from __future__ import annotations

from accounts.errors import AccountsError
from config.kit import net


class BadSource(AccountsError, ValueError):
    """Settings that can't be; the text says why, `field` which."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class SourceFailed(AccountsError):
    """Root: the source gave no answer that counts. The text holds no secret and nothing of the network here, so that
    whoever may configure a source can't look around in it; `detail`, for who runs the server and the log, may.
    """

    def __init__(self, text: str = "", *, detail: str = "") -> None:
        super().__init__(text)
        self.detail = detail or text

    def words(self, *, in_full: bool) -> str:
        """For whom a page shows it. in_full: for somebody who runs the server."""
        return self.detail if in_full else str(self)


class SourceUnavailable(SourceFailed):
    """It can't be reached, or breaks off: nobody can say now whether somebody may come in."""

    permanent = False

    @classmethod
    def of(cls, error: net.NetError) -> SourceUnavailable:
        """What went wrong on the way. Of a certificate that isn't trusted the reason is said to everybody."""
        text = str(error.category.words)
        if isinstance(error, net.TlsFailed) and error.untrusted:
            text = f"{text} ({error})"
        return cls(text, detail=str(error))


class SourceMisconfigured(SourceFailed):
    """It was reached and doesn't let us ask: a wrong password of ours, a base that isn't there."""


class Denied(SourceFailed):
    """The source said no, or said something that must not be believed."""


class NotFresh(Denied):
    """A provider didn't say that somebody signed in there just now, as it was asked to."""


class OtherAccount(Denied):
    """A provider speaks of somebody else than who was to prove who they are."""
