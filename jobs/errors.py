"""What can go wrong with commands and tasks: one root."""

from __future__ import annotations


class JobsError(Exception):
    """Root of this app's errors; `permanent` says whether trying again later can help."""

    permanent = True


class UnknownCommand(JobsError):
    """No command of this name is registered."""


class BadArguments(JobsError, ValueError):
    """The arguments don't fit the command; the text says which and why, `field` names the one where it is one."""

    def __init__(self, text: str = "", *, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class BadValue(BadArguments):
    """A value of a job, an alert or a setting isn't right; `field` names it, and is none of a command's arguments."""


class NotReady(JobsError):
    """Something that the command needs isn't there; the text says what, for the person who asked."""


class NotRunnable(JobsError):
    """The task is not in a state in which this can be done to it."""


class Cancelled(JobsError):
    """Raised by a command that was asked to stop and has ended in good order; `result` is what it got done."""

    permanent = False

    def __init__(self, result: dict[str, object] | None = None) -> None:
        super().__init__("stopped as asked")
        self.result = result


class NeedsApproval(JobsError):
    """It can't be undone, and the rule of two people is in force: somebody else must approve it first."""

    def __init__(self, command: str, text: str = "") -> None:
        super().__init__(text or f"{command} was not approved")
        self.command = command


class NotYours(JobsError):
    """Nobody decides about their own request, nor who came after it; the text says which."""


class AskedAlready(JobsError):
    """The same waits for its answer already; `approval_id` says where."""

    def __init__(self, text: str, approval_id: int) -> None:
        super().__init__(text)
        self.approval_id = approval_id
