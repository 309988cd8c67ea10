"""What the services refuse, as a code and a line of text. Not for deciding that something is wrong.

Codes: 500 unknown command, 501 an error, 502 not served here, 510 rights, 512 domain, 513 account, 515 password,
520/523/524/532 exists already (account, group, forwarder, mailbox), 553 forwarder, 555 in use.
"""

from __future__ import annotations

import logging

from django.http import Http404

from accounts import errors as accounts
from api import problems
from api.communigate.grammar import BadSyntax
from api.communigate.pwd.door import Reply
from api.errors import ApiError
from archive import errors as archive
from domains import errors as domains

log = logging.getLogger("postkeep.pwd")

ERROR, NOT_SERVED, RIGHTS, NO_DOMAIN, NO_ACCOUNT, PASSWORD = 501, 502, 510, 512, 513, 515
ACCOUNT_EXISTS, GROUP_EXISTS, FORWARDER_EXISTS, MAILBOX_EXISTS, NO_FORWARDER, IN_USE = 520, 523, 524, 532, 553, 555


class Refused(Exception):
    """A command's own no."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class TakenAlready(Refused):
    """Something of the name is there."""


def reply_of(error: Exception, *, taken: int = ERROR) -> Reply:
    """taken: the code where what should be made is there already."""
    if isinstance(error, Refused):
        return Reply(error.code, str(error))
    if isinstance(error, BadSyntax):
        return Reply(ERROR, str(error))
    if isinstance(error, (domains.Taken, accounts.AddressTaken)):
        return Reply(taken, str(error) if isinstance(error, domains.Taken) else f"{error} exists already")
    if isinstance(error, domains.InUse):
        return Reply(IN_USE, str(error))
    if isinstance(error, (Http404, archive.ArchiveClosed)):
        return Reply(ERROR, "there is no such object")
    if isinstance(error, accounts.PasswordDue):
        return Reply(PASSWORD, str(error))
    if isinstance(error, accounts.WrongPassword):
        return Reply(PASSWORD, "incorrect password or account name")
    problem = problems.translate(error, {})
    if problem.status >= 500:
        log.error("a command failed", exc_info=error)
    if problem.status == 403 and problem.kind == "forbidden":
        return Reply(RIGHTS, "insufficient access rights")
    if problem.status >= 500:
        return Reply(ERROR, "this is not possible just now; the server's log says why")
    return Reply(ERROR, _words(problem))


def _words(problem: ApiError) -> str:
    return problem.detail or str(problem.title)
