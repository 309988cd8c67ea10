"""The status report in the browser: the very document that is mailed, a switch of its period, and sending it now."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Right
from accounts.requests import ActorRequest
from config.kit import branding
from config.kit.pages import redirect_page, render_page, toast
from jobs import services
from jobs.errors import BadArguments, NotReady
from jobs.reports import sending
from jobs.reports.forms import SendReportForm
from jobs.reports.periods import Period, Timespan
from jobs.reports.rendering import Context, as_page, as_text

# The document has its own styles inside, as mails must; nothing else may be loaded or run.
FRAME_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A period to switch to."""

    label: str
    timespan: str
    is_current: bool


@require_safe
def report(request: ActorRequest) -> HttpResponse:
    request.actor.require_somewhere(Right.VIEW_REPORTS)
    period = _period(request)
    own = request.actor.user.email if request.actor.user is not None else ""
    context = {
        "period": period,
        "choices": [Choice(str(each.label), each.value, each == period.timespan) for each in Timespan],
        "form": SendReportForm(initial={"recipients": own}),
        "frame_url": f"{reverse('jobs:report-frame')}?{_query(period)}",
        "text_url": f"{reverse('jobs:report-text')}?{_query(period)}",
        "plan_url": _plan_url(request),
    }
    return render_page(request, "jobs/report.html", context)


@never_cache
@require_safe
def report_frame(request: ActorRequest) -> HttpResponse:
    """The document of the frame."""
    made = sending.report_for(request.actor, _period(request))
    response = HttpResponse(as_page(made, _context(request)), content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = FRAME_POLICY
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@never_cache
@require_safe
def report_text(request: ActorRequest) -> HttpResponse:
    """The same as plain text."""
    made = sending.report_for(request.actor, _period(request))
    return HttpResponse(as_text(made, _context(request)), content_type="text/plain; charset=utf-8")


@require_POST
def report_send(request: ActorRequest) -> HttpResponse:
    """Mail it now, as a task."""
    request.actor.require_somewhere(Right.VIEW_REPORTS)
    timespan = request.POST.get("timespan", "")
    arguments = sending.SendStatusReportArguments(timespan, _zone_name(), request.POST.get("recipients", ""))
    try:
        task = services.submit(request.actor, sending.COMMAND, arguments)
    except (BadArguments, NotReady) as error:
        toast(request, str(error), "error")
        back = urlencode({"timespan": timespan})
        return redirect_page(request, f"{reverse('jobs:report')}?{back}")
    return redirect_page(request, "jobs:task-detail", task.pk)


def _period(request: ActorRequest) -> Period:
    """What the query asks for; yesterday where it asks for nothing that there is."""
    asked = request.GET.get("timespan", "")
    known = asked if asked in [each.value for each in Timespan] else Timespan.YESTERDAY.value
    return sending.read_period(known, _zone_name())


def _zone_name() -> str:
    """The zone that the person reads times in."""
    return timezone.get_current_timezone_name()


def _query(period: Period) -> str:
    return urlencode({"timespan": period.timespan.value})


def _context(request: ActorRequest) -> Context:
    person = request.actor.user
    brand = branding.PLAIN if person is None else branding.of_person(person)
    return Context(_("This is what would be mailed to you now."), brand)


def _plan_url(request: ActorRequest) -> str:
    """Where a job is made of it, for who may plan jobs."""
    if not request.actor.has(Right.MANAGE_JOBS):
        return ""
    try:
        return reverse("jobs:job-create", args=[sending.COMMAND])
    except NoReverseMatch:
        return ""
