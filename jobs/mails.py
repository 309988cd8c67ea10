"""The commands that mail a person a link: to begin with, to choose a new password, to sign in once.

The link is made when the task runs and stands in the mail alone, never in the task. Not for links that are shown to who
made them: those are pages'. Source of the names and arguments: POST /tasks of the Cleanmail API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mails
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.links import LIFETIMES
from accounts.models import OneTimeLink, User
from accounts.selectors import users_visible_to
from accounts.services import invite, issue_reset_link
from accounts.services.passwords import require_issuing as require_password_link
from accounts.services.sign_in_links import HOURS_MAX, issue_sign_in_link
from accounts.services.sign_in_links import require_issuing as require_sign_in_link
from config.kit import mailing
from jobs.commands import command
from jobs.errors import BadArguments, JobsError, NotReady
from jobs.models import Task
from jobs.running import TaskRun
from jobs.services import submit

Kind = OneTimeLink.Kind
WELCOME, RESET, SIGN_IN = "SendWelcomeMail", "SendPasswordResetMail", "SendTokenMail"
RESET_HOURS_MAX = 24


@dataclass(frozen=True, slots=True)
class MailArguments:
    """To whom: a person's address."""

    recipient: str


@dataclass(frozen=True, slots=True)
class ResetMailArguments:
    """To whom, and for how many hours the link works."""

    recipient: str
    validity: int = RESET_HOURS_MAX


@dataclass(frozen=True, slots=True)
class TokenMailArguments:
    """To whom, and for how many hours the link works."""

    recipient: str
    validity: int = HOURS_MAX


def welcome(actor: Actor, person: User) -> Task:
    """Mail somebody about their new account, as a task. Raises: Forbidden, NotReady."""
    return submit(actor, WELCOME, MailArguments(person.email))


def post(actor: Actor, person: User, kind: Kind) -> Task:
    """Have a link made and mailed to somebody. Raises: Forbidden, NotReady, and what `submit` raises."""
    if kind == Kind.SIGN_IN:
        return submit(actor, SIGN_IN, TokenMailArguments(person.email))
    if kind == Kind.RESET:
        return submit(actor, RESET, ResetMailArguments(person.email))
    return welcome(actor, person)


def require_mailing() -> None:
    """Raises: NotReady."""
    if not mailing.is_configured():
        raise NotReady(_("No mail server is configured by which people could be written to."))


def _check_password_mail(actor: Actor, arguments: MailArguments | ResetMailArguments) -> None:
    """Raises: BadArguments, Forbidden, NotReady."""
    person = _recipient(actor, arguments.recipient)
    if not person.is_active:
        raise BadArguments(_("This person may not sign in; allow that first."), field="recipient")
    require_password_link(actor, person)
    if isinstance(arguments, ResetMailArguments):
        _check_hours(arguments.validity, RESET_HOURS_MAX)
    require_mailing()


def _check_token_mail(actor: Actor, arguments: TokenMailArguments) -> None:
    """Raises: BadArguments, Forbidden, NotReady."""
    require_sign_in_link(actor, _recipient(actor, arguments.recipient))
    _check_hours(arguments.validity, HOURS_MAX)
    require_mailing()


@command(
    WELCOME,
    needs=None,
    arguments=MailArguments,
    label=gettext_lazy("Mail about a new account"),
    check=_check_password_mail,
)
def send_welcome_mail(actor: Actor, run: TaskRun, arguments: MailArguments) -> dict[str, object]:
    """Mail somebody that they have an account, with a link to choose a password."""
    person = _recipient(actor, arguments.recipient)
    return _send(person, Kind.INVITATION, LIFETIMES[Kind.INVITATION], lambda: invite(actor, person))


@command(
    RESET,
    needs=None,
    arguments=ResetMailArguments,
    label=gettext_lazy("Mail with a link for a new password"),
    check=_check_password_mail,
)
def send_password_reset_mail(actor: Actor, run: TaskRun, arguments: ResetMailArguments) -> dict[str, object]:
    """Mail somebody a link with which they choose a new password."""
    person = _recipient(actor, arguments.recipient)
    lifetime = timedelta(hours=arguments.validity)
    return _send(person, Kind.RESET, lifetime, lambda: issue_reset_link(actor, person, lifetime=lifetime))


@command(
    SIGN_IN,
    needs=None,
    arguments=TokenMailArguments,
    label=gettext_lazy("Mail with a link that signs in once"),
    check=_check_token_mail,
)
def send_token_mail(actor: Actor, run: TaskRun, arguments: TokenMailArguments) -> dict[str, object]:
    """Mail somebody a link with which they sign in once."""
    person = _recipient(actor, arguments.recipient)
    hours = arguments.validity
    return _send(
        person, Kind.SIGN_IN, timedelta(hours=hours), lambda: issue_sign_in_link(actor, person, hours=hours).url
    )


def _send(person: User, kind: OneTimeLink.Kind, lifetime: timedelta, issue: Callable[[], str]) -> dict[str, object]:
    require_mailing()
    until = timezone.now() + lifetime
    if not mails.send_link(person, kind, issue(), until=until):
        raise JobsError(_("The mail server didn't take the mail; the server's log says why."))
    return {"recipient": person.email, "until": until.isoformat()}


def _recipient(actor: Actor, text: str) -> User:
    """Raises: BadArguments, also for somebody whom the actor may not see."""
    try:
        found = users_visible_to(actor).filter(email=str(parse_address(text))).first()
    except BadAddress as error:
        raise BadArguments(str(error), field="recipient") from error
    if found is None:
        raise BadArguments(_("There is nobody with this address, or nobody that you may see."), field="recipient")
    return found


def _check_hours(hours: int, most: int) -> None:
    if not 1 <= hours <= most:
        raise BadArguments(_("From %(least)d to %(most)d hours.") % {"least": 1, "most": most}, field="validity")
