"""Every error as one document: application/problem+json (RFC 9457), and the one place where services' errors are
translated into statuses.

An app's errors share a root, so that a new one is answered (422) without a line here; a line says it better. Not for
deciding that something is wrong.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.log import log_response
from django.utils.translation import gettext as _

from accounts import errors as accounts
from accounts.sources import errors as sources
from api.errors import (
    ApiError,
    ApprovalNeeded,
    BadRequest,
    Conflict,
    Failed,
    Fault,
    Invalid,
    LimitReached,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from archive import errors as archive
from config.kit.versions import ChangedMeanwhile
from config.middleware import current_request_id
from domains import errors as domains
from gateway import errors as gateway
from jobs import errors as jobs

log = logging.getLogger("postkeep.api")

MEDIA_TYPE = "application/problem+json"
_OF_SCHEDULES = frozenset({"time_zone", "date", "interval", "time", "day_of_week", "day_of_month", "month"})
MAX_FAULTS = 100
WATCHED = (401, 403, 429)  # somebody may be trying; other refusals are a program's daily life, and no warning
TYPE_BASE = "/api/v1/#problem-"  # resolves to the page that explains it
Names = Mapping[str, str]
_ENTRY = re.compile(r"^\w+(\[\d+\])$")
_NUMBERED = re.compile(r"(\d+)\.(\w+)")  # a service's "3.value": the fourth entry's


def respond(
    request: HttpRequest, error: Exception, names: Names | None = None, *, of_list: bool = False
) -> HttpResponse:
    """The answer to whatever was raised.

    names: what the API calls the services' fields. of_list: the body itself is a list, so entries have no field's name.
    """
    problem = translate(error, names or {})
    if of_list:
        problem.faults = [Fault(_ENTRY.sub(r"\1", fault.field), fault.detail) for fault in problem.faults]
    if problem.status == 500:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
    response = HttpResponse(json.dumps(document(request, problem)), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    level = "error" if problem.status >= 500 else "warning" if problem.status in WATCHED else "info"
    log_response("%s: %s", response.reason_phrase, request.path, response=response, request=request, level=level)
    return response


def refuse_crowd(request: HttpRequest, error: accounts.TooManyAttempts) -> HttpResponse:
    """To one of a crowd that guesses passwords; not noted in the log, which it would fill."""
    problem = TooManyRequests(_("Too many attempts; wait a moment."), error.retry_after_s)
    response = HttpResponse(json.dumps(document(request, problem)), status=problem.status, content_type=MEDIA_TYPE)
    response["Retry-After"] = str(error.retry_after_s)
    return response


def document(request: HttpRequest, problem: ApiError) -> dict[str, Any]:
    """The problem as a dictionary."""
    found: dict[str, Any] = {
        "type": TYPE_BASE + problem.kind,
        "title": str(problem.title),
        "status": problem.status,
        "detail": problem.detail or str(problem.title),
        "instance": request.path,
        "requestId": current_request_id(),
    }
    if problem.faults:
        found["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in problem.faults]
    return found


def translate(error: Exception, names: Names) -> ApiError:
    """The problem that stands for an error of a service, of Django, or of this door."""
    if isinstance(error, ApiError):
        return error
    for kind, translated in TABLE:
        if isinstance(error, kind):
            return translated(error, names)
    return Failed(_("The request failed; the server's log says why, under the request's id."))


def _not_found(error: Exception, names: Names) -> ApiError:
    return NotFound(_("There is no such object, or none that you may see."))


def _forbidden(error: Exception, names: Names) -> ApiError:
    return NotAllowed(_("Your rights don't cover this."))


def _taken(error: Exception, names: Names) -> ApiError:
    return Conflict(_words(error), faults=_faults(error, names))


def _limit(error: Exception, names: Names) -> ApiError:
    return LimitReached(_words(error), faults=_faults(error, names))


def _changed(error: Exception, names: Names) -> ApiError:
    return PreconditionFailed(_("Somebody has changed the object since you read it; read it again."))


def _name_taken(error: Exception, names: Names) -> ApiError:
    return Conflict(_words(error), faults=_faults(error, names, "name"))


def _address_taken(error: Exception, names: Names) -> ApiError:
    text = _("Something else has this address already: %(address)s") % {"address": error}
    return Conflict(text, faults=_faults(error, names, "email", text))


def _wrong_address(error: Exception, names: Names) -> ApiError:
    return Invalid(_words(error), faults=_faults(error, names, "email"))


def _wrong_password(error: Exception, names: Names) -> ApiError:
    return Invalid(_words(error), faults=_faults(error, names, "password"))


def _no_entry(error: Exception, names: Names) -> ApiError:
    text = _("Name and password don't belong together, or this person's sign-in needs more than a password.")
    return Unauthenticated(text)


def _due_password(error: Exception, names: Names) -> ApiError:
    return Unauthenticated(_words(error))


def _unknown_option(error: Exception, names: Names) -> ApiError:
    text = _("There is no option of this name.")
    return Invalid(text, faults=_faults(error, names, "name", text))


def _bad_option(error: Exception, names: Names) -> ApiError:
    return Invalid(_words(error), faults=_faults(error, names, "value"))


def _refused(error: Exception, names: Names) -> ApiError:
    return Invalid(_words(error), faults=_faults(error, names))


def _unknown_command(error: Exception, names: Names) -> ApiError:
    text = _("There is no such command, or none that you may start.")
    return Invalid(text, faults=_faults(error, names, "command", text))


def _bad_arguments(error: Exception, names: Names) -> ApiError:
    assert isinstance(error, jobs.BadArguments)
    field = f"params.{_name(error.field, {})}" if error.field else "params"
    return Invalid(_words(error), faults=[Fault(field, _words(error))])


def _bad_value(error: Exception, names: Names) -> ApiError:
    """A field of a job or an alert; those of its schedule stand in `schedule`."""
    assert isinstance(error, jobs.BadValue)
    if not error.field:
        return Invalid(_words(error))
    outer = "schedule." if error.field in _OF_SCHEDULES else ""
    field = "timeZoneId" if error.field == "time_zone" else _name(error.field, names)
    return Invalid(_words(error), faults=[Fault(outer + field, _words(error))])


def _not_ready(error: Exception, names: Names) -> ApiError:
    return Invalid(_words(error), faults=_faults(error, names, "command"))


def _ended(error: Exception, names: Names) -> ApiError:
    return Conflict(_("It isn't in a state in which this can be done."))


def _not_yours(error: Exception, names: Names) -> ApiError:
    return NotAllowed(_words(error))


def _needs_approval(error: Exception, names: Names) -> ApiError:
    assert isinstance(error, jobs.NeedsApproval)
    text = _("This takes two people. Ask for it with POST /approvals: command %(command)s, its params and a reason.")
    return ApprovalNeeded(text % {"command": error.command})


def _lines(error: Exception, names: Names) -> ApiError:
    """Each wrong entry of a list of texts."""
    assert isinstance(error, domains.BadLines)
    field = _name(error.field, names)
    wrong = [Fault(f"{field}[{number - 1}]", why) for number, _text, why in error.lines[:MAX_FAULTS]]
    return Invalid(_words(error), faults=wrong)


def _fields(error: Exception, names: Names) -> ApiError:
    """What a model's own validators found."""
    assert isinstance(error, ModelValidationError)
    if not hasattr(error, "error_dict"):
        return Invalid(" ".join(error.messages))
    faults = [Fault(_name(field, names), " ".join(texts)) for field, texts in error.message_dict.items()]
    return Invalid(_("%(count)d fields aren't right.") % {"count": len(faults)}, faults=faults)


def _wait(error: Exception, names: Names) -> ApiError:
    assert isinstance(error, accounts.TooManyAttempts)
    return TooManyRequests(_("Too many attempts; wait a moment."), error.retry_after_s)


def _too_large(error: Exception, names: Names) -> ApiError:
    return TooLarge(_("A body may have at most 10 MiB."))


def _broken_off(error: Exception, names: Names) -> ApiError:
    return BadRequest(_("The body ended early."))


def _starting(error: Exception, names: Names) -> ApiError:
    return Unavailable(_("The database doesn't answer; try again in some seconds."), headers={"Retry-After": "3"})


def _away(error: Exception, names: Names) -> ApiError:
    return Unavailable(_words(error), headers={"Retry-After": "30"})


def _source_away(error: Exception, names: Names) -> ApiError:
    text = _("The place where passwords of this domain are checked doesn't answer; try again in a while.")
    return Unavailable(text, headers={"Retry-After": "10"})


# The first line that fits counts: what is special stands before its root.
TABLE: list[tuple[type[Exception], Callable[[Exception, Names], ApiError]]] = [
    (Http404, _not_found),
    (sources.SourceUnavailable, _source_away),
    (accounts.UnknownUser, _not_found),
    (accounts.Forbidden, _forbidden),
    (PermissionDenied, _forbidden),
    (accounts.AddressTaken, _address_taken),
    (accounts.BadAddress, _wrong_address),
    (accounts.BadPassword, _wrong_password),
    (accounts.PasswordDue, _due_password),
    (accounts.WrongPassword, _no_entry),
    (accounts.TooManyAttempts, _wait),
    (accounts.LastAdministrator, _taken),
    (accounts.UnknownOption, _unknown_option),
    (accounts.BadOption, _bad_option),
    (accounts.GrantExists, _taken),
    (accounts.NameTaken, _name_taken),
    (accounts.RoleInUse, _taken),
    (accounts.AccountsError, _refused),
    (domains.BadLines, _lines),
    (domains.BadAddress, _wrong_address),
    (domains.Taken, _taken),
    (domains.LimitReached, _limit),
    (domains.InUse, _taken),
    (domains.WrongState, _taken),
    (domains.DomainsError, _refused),
    (jobs.UnknownCommand, _unknown_command),
    (jobs.BadValue, _bad_value),
    (jobs.BadArguments, _bad_arguments),
    (jobs.NotReady, _not_ready),
    (jobs.NotRunnable, _ended),
    (jobs.NeedsApproval, _needs_approval),
    (jobs.NotYours, _not_yours),
    (jobs.AskedAlready, _taken),
    (jobs.JobsError, _refused),
    (archive.StoreProtected, _taken),
    (archive.StoreUnavailable, _away),
    (archive.StoreUnknown, _not_found),
    (archive.MessageUnknown, _not_found),
    (archive.HoldUnknown, _not_found),
    (archive.ArchiveClosed, _not_found),
    (archive.Kept, _taken),
    (archive.FolderUnknown, _not_found),
    (archive.FolderProtected, _taken),
    (archive.FolderBusy, _taken),
    (archive.ProcessingStopped, _taken),
    (archive.ArchiveError, _refused),
    (gateway.CopyGone, _not_found),
    (gateway.NotReleasable, _taken),
    (gateway.GatewayError, _refused),
    (ChangedMeanwhile, _changed),
    (ModelValidationError, _fields),
    (RequestDataTooBig, _too_large),
    (UnreadablePostError, _broken_off),
    (OperationalError, _starting),
    (InterfaceError, _starting),
    (ConnectionError, _starting),
]


def _words(error: Exception) -> str:
    return str(error) or str(Invalid.title)


def _faults(error: Exception, names: Names, default: str = "", text: str = "") -> list[Fault]:
    """The field an error names in its attribute `field`, or the one its kind is always about."""
    field = str(getattr(error, "field", "") or default)
    return [Fault(_name(field, names), text or _words(error))] if field else []


def _name(field: str, names: Names) -> str:
    """A service's name of a field as the API writes it."""
    if field in names:
        return names[field]
    if numbered := _NUMBERED.fullmatch(field):
        return f"[{numbered[1]}].{_name(numbered[2], names)}"
    if "[" in field:  # said by this door already
        return field
    outer, dot, inner = field.partition(".")  # what is inside a settings object is written as it was sent
    first, *rest = names.get(outer, outer).split("_")
    return first + "".join(part.capitalize() for part in rest) + dot + inner
