"""What this door itself can object to, as the problem documents of RFC 9457.

Not for what services refuse: those raise errors of their own app, which `api.problems` translates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with what was sent. `field` is a path as in `platforms[0].transportPort`."""

    field: str
    detail: str


class ApiError(Exception):
    """Root of this app's errors. `kind` ends the problem's type; `headers` go onto the answer."""

    permanent = True
    status: ClassVar[int] = 400
    kind: ClassVar[str] = "bad-request"
    title: ClassVar[Text] = _("The request can't be read")

    def __init__(
        self, detail: str = "", *, faults: Sequence[Fault] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = list(faults)
        self.headers = headers or {}


class BadRequest(ApiError):
    """Not JSON, not UTF-8, or nested too deeply: nothing of it could be read."""


class Unauthenticated(ApiError):
    """No token, or one that opens nothing."""

    status = 401
    kind = "unauthenticated"
    title = _("A valid access token is needed")

    def __init__(self, detail: str, *, invalid: bool = False) -> None:
        challenge = 'Bearer realm="postkeep"' + (', error="invalid_token"' if invalid else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotAllowed(ApiError):
    """The caller is known, and may not do this."""

    status = 403
    kind = "forbidden"
    title = _("Not allowed")


class LimitReached(NotAllowed):
    """The caller might, were there room: a limit of the domain, its customer or the server is reached."""

    kind = "limit-reached"
    title = _("A limit is reached")


class NotFound(ApiError):
    """Nothing is there, or nothing that the caller may know of."""

    status = 404
    kind = "not-found"
    title = _("Not found")


class MethodNotAllowed(ApiError):
    """The address exists, and doesn't answer this method."""

    status = 405
    kind = "method-not-allowed"
    title = _("This address doesn't answer this method")


class NotAcceptable(ApiError):
    """The caller accepts no form in which we can answer."""

    status = 406
    kind = "not-acceptable"
    title = _("No acceptable form")


class Conflict(ApiError):
    """Something else stands in the way: a name that is taken, a thing in use."""

    status = 409
    kind = "conflict"
    title = _("In conflict with what is there")


class ApprovalNeeded(Conflict):
    """It can't be undone, so a second person must approve it first."""

    kind = "approval-needed"
    title = _("A second person must approve this")


class PreconditionFailed(ApiError):
    """If-Match names another version than the present one: somebody changed the object in between."""

    status = 412
    kind = "precondition-failed"
    title = _("The object has changed")


class TooLarge(ApiError):
    """The body is larger than is read here."""

    status = 413
    kind = "too-large"
    title = _("The body is too large")


class UnsupportedMediaType(ApiError):
    """The body isn't declared as JSON."""

    status = 415
    kind = "unsupported-media-type"
    title = _("The body's type isn't supported")


class Invalid(ApiError):
    """Read, and not right: `faults` name the fields."""

    status = 422
    kind = "invalid"
    title = _("The request's content isn't right")

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Invalid:
        """Says the first fault in the detail, so that the detail is of use by itself."""
        first = f"{faults[0].field}: {faults[0].detail}" if faults[0].field else faults[0].detail
        if len(faults) > 1:
            first = gettext("%(first)s (and %(more)d more)") % {"first": first, "more": len(faults) - 1}
        return cls(first, faults=faults)


class TooManyRequests(ApiError):
    """Slowed down; looked at again in `retry_after_s` seconds."""

    permanent = False
    status = 429
    kind = "too-many-requests"
    title = _("Too many requests")

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class Failed(ApiError):
    """A fault of ours; the log has it under the request's id."""

    status = 500
    kind = "failed"
    title = _("Something went wrong on our side")


class Unavailable(ApiError):
    """The database or the broker doesn't answer (yet)."""

    permanent = False
    status = 503
    kind = "unavailable"
    title = _("The service isn't available at the moment")


KINDS: tuple[type[ApiError], ...] = (
    BadRequest,
    Unauthenticated,
    NotAllowed,
    LimitReached,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    Conflict,
    ApprovalNeeded,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    TooManyRequests,
    Failed,
    Unavailable,
)
FIRST_OF_STATUS = tuple({kind.status: kind for kind in reversed(KINDS)}.values())[::-1]
