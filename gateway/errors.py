"""What can go wrong in the gateway as people see it; not for answers of SMTP (`flow.Answer`)."""

from __future__ import annotations


class GatewayError(Exception):
    """The root. `permanent` = trying again changes nothing; `field` is what the caller gave, if one thing is wrong."""

    permanent = True

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class CopyGone(GatewayError):
    """The bytes of a kept message are no more: expired, deleted, or erased from the archive."""


class NotReleasable(GatewayError):
    """This message can't be released by this person, or not now; the text says why."""


class RequestNeeded(NotReleasable):
    """Somebody else must agree to the release."""


class BadRelease(GatewayError, ValueError):
    """A release lacks something (a reason), or has what it mustn't."""
