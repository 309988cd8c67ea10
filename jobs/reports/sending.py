"""Mailing a status report, now or as a job: each recipient gets it in their language, with what the sender may see.

Source of the name and the arguments: SendStatusReport of the MailStore administration API.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.addresses import parse_address
from accounts.errors import BadAddress
from accounts.models import User
from accounts.permissions import Right
from accounts.selectors import users_visible_to
from config.kit import branding, mailing
from config.kit.branding import PLAIN, Brand
from config.kit.mailing import Letter
from jobs import mail_server
from jobs.commands import About, command
from jobs.errors import BadArguments, JobsError, NotReady
from jobs.reports.building import Report, build
from jobs.reports.periods import LABELS, Period, Timespan, period_of
from jobs.reports.registry import Asked
from jobs.reports.rendering import Context, as_letter
from jobs.running import TaskRun
from jobs.schedule_words import wrong_words
from jobs.schedules import LOCAL, BadSchedule

COMMAND = "SendStatusReport"
MOST_RECIPIENTS = 100


class NotAllSent(JobsError):
    """Some recipients got no report; `result` says who did."""

    permanent = False

    def __init__(self, text: str, result: dict[str, object]) -> None:
        super().__init__(text)
        self.result = result


@dataclass(frozen=True, slots=True)
class SendStatusReportArguments:
    """About which period, as counted in which time zone, to whom (addresses set apart by commas)."""

    timespan: Annotated[str, About(gettext_lazy("Period"), choices=LABELS)]
    time_zone_id: Annotated[
        str, About(gettext_lazy("Time zone"), gettext_lazy("A name of GetTimeZones; $Local is the server's own."))
    ] = LOCAL
    recipients: Annotated[
        str,
        About(
            gettext_lazy("Recipients"),
            gettext_lazy("Addresses, set apart by commas; without any the recipients of notices."),
            long=True,
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets a report, and how."""

    address: str
    name: str
    language: str
    brand: Brand


def check(actor: Actor, arguments: SendStatusReportArguments) -> None:
    """What is known before it runs. Raises: Forbidden, BadArguments."""
    actor.require_somewhere(Right.VIEW_REPORTS)
    read_period(arguments.timespan, arguments.time_zone_id)
    if arguments.recipients.strip():
        read_recipients(actor, arguments.recipients)


@command(
    COMMAND,
    needs=Right.VIEW_REPORTS,
    arguments=SendStatusReportArguments,
    label=gettext_lazy("Status report"),
    check=check,
)
def send_status_report(actor: Actor, run: TaskRun, arguments: SendStatusReportArguments) -> dict[str, object]:
    """Mail a report of what happened and how things stand."""
    period = read_period(arguments.timespan, arguments.time_zone_id)
    recipients = read_recipients(actor, arguments.recipients)
    if not mailing.is_configured():
        raise NotReady(_("No mail server is configured by which people could be written to."))
    sent: list[str] = []
    failed: list[dict[str, str]] = []
    for letter, some in _letters(actor, period, recipients):
        for each in some:
            if run.stopping():
                raise run.cancelled({"sent": sent, "failed": failed})
            try:
                mailing.post(each.address, letter, name=each.name, sender=each.brand.name)
                sent.append(each.address)
            except mailing.NotSent as error:
                failed.append({"recipient": each.address, "reason": str(error)})
                run.log(f"{each.address}: {error}", "warning")
            run.progress(done=len(sent) + len(failed), total=len(recipients), unit="mails")
    audit.record(actor, "report.send", None, timespan=str(period.timespan), recipients=sent, failed=len(failed))
    result: dict[str, object] = {
        "timespan": str(period.timespan),
        "since": period.since.isoformat(),
        "before": period.before.isoformat(),
        "sent": sent,
        "failed": failed,
    }
    if failed:
        said = {"count": len(failed), "total": len(recipients), "reason": failed[0]["reason"]}
        text = _("%(count)d of %(total)d mails were not taken; the first: %(reason)s") % said
        raise NotAllSent(text, result)
    return result


def read_period(timespan: str, zone_name: str) -> Period:
    """Raises: BadArguments."""
    try:
        return period_of(Timespan(timespan.strip().lower()), zone_name, timezone.now())
    except BadSchedule as error:
        raise BadArguments(wrong_words(error), field="time_zone_id") from error
    except ValueError as error:
        known = ", ".join(each.value for each in Timespan)
        raise BadArguments(_("The period is one of: %(known)s.") % {"known": known}, field="timespan") from error


def read_recipients(actor: Actor, text: str) -> list[Recipient]:
    """Who gets it; the recipients of notices where nobody is named.

    Who doesn't see the whole server's reports sends them to people they see, and to themselves.
    Raises: BadArguments, NotReady.
    """
    named = [each for part in text.replace(";", ",").split(",") for each in part.split()]
    addresses = list(dict.fromkeys(_address(each) for each in named)) or mail_server.notice_recipients()
    if not addresses:
        raise NotReady(_("Nobody is named who gets the report, and the mail server's settings name nobody either."))
    if len(addresses) > MOST_RECIPIENTS:
        raise BadArguments(_("At most %(number)d recipients.") % {"number": MOST_RECIPIENTS}, field="recipients")
    known = {person.email: person for person in User.objects.filter(email__in=addresses)}
    if named and not actor.has(Right.VIEW_REPORTS):
        seen = set(users_visible_to(actor).filter(email__in=addresses).values_list("email", flat=True))
        seen.add(actor.user.email if actor.user is not None else "")
        if foreign := [each for each in addresses if each not in seen]:
            text = _("You send reports to people you see, and to yourself; not to %(address)s.")
            raise BadArguments(text % {"address": foreign[0]}, field="recipients")
    return [_recipient(address, known.get(address)) for address in addresses]


def report_for(actor: Actor, period: Period) -> Report:
    """The report in the present language, its times as the period's zone has them. Raises: Forbidden."""
    with timezone.override(period.zone):
        return build(Asked(actor, period))


def _letters(actor: Actor, period: Period, recipients: Iterable[Recipient]) -> Iterable[tuple[Letter, list[Recipient]]]:
    """A letter for each language and brand, with who gets it."""
    ordered = sorted(recipients, key=lambda each: (each.language, str(each.brand)))
    report: Report | None = None
    language = ""
    for (spoken, brand), some in groupby(ordered, key=lambda each: (each.language, each.brand)):
        with translation.override(spoken), timezone.override(period.zone):
            if report is None or spoken != language:
                report, language = build(Asked(actor, period)), spoken
            why = _("%(who)s sends you this report.") % {"who": actor.label}
            yield as_letter(report, Context(why, brand)), list(some)


def _address(text: str) -> str:
    try:
        return str(parse_address(text))
    except BadAddress as error:
        raise BadArguments(f"{text[:100]}: {error}", field="recipients") from error


def _recipient(address: str, person: User | None) -> Recipient:
    if person is None:
        return Recipient(address, "", settings.LANGUAGE_CODE, PLAIN)
    language = person.language or settings.LANGUAGE_CODE
    return Recipient(address, person.name, language, branding.of_person(person, language))
