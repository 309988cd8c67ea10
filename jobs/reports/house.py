"""The sections that this app has itself: jobs and tasks, open alerts, sign-ins, the parts of the server."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import AuditEvent
from accounts.permissions import Right
from config.kit import health
from config.kit.templatetags.kit import day_text, number
from jobs import alert_selectors, alerts
from jobs.models import Alert, JobRun, Task
from jobs.reports.blocks import Block, Cell, Column, Content, Figure, Figures, Notice, Table, Tone, Words
from jobs.reports.registry import Asked, Section, register

SHOWN = 8
LONGEST = 160
State = JobRun.State
_FAILED = (State.FAILED, State.INTERRUPTED)
_TONES = {Alert.Severity.INFO: Tone.NONE, Alert.Severity.WARNING: Tone.WARN, Alert.Severity.ERROR: Tone.BAD}


def register_sections() -> None:
    register(Section("jobs", gettext_lazy("Jobs"), jobs, order=60))
    register(Section("alerts", gettext_lazy("Open alerts"), open_alerts, order=70))
    register(Section("sign-ins", gettext_lazy("Sign-ins"), sign_ins, order=100))
    register(Section("server", gettext_lazy("Server"), server, order=110))


def jobs(asked: Asked) -> Content | None:
    """How the runs of jobs ended in the period, and which tasks of people failed."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    period = asked.period
    runs = JobRun.objects.filter(ended_at__gte=period.since, ended_at__lt=period.until)
    counts = Counter(runs.values_list("state", flat=True))
    failed = sum(counts[state] for state in _FAILED)
    ended = Task.objects.filter(ended_at__gte=period.since, ended_at__lt=period.until, state=Task.State.FAILED)
    others = ended.filter(job_run=None).count()
    figures = [
        Figure(_("Completed"), number(counts[State.COMPLETED])),
        Figure(_("Failed"), number(failed), tone=Tone.BAD if failed else Tone.NONE),
        Figure(_("Left out"), number(counts[State.SKIPPED]), _("missed, or the one before still ran")),
        Figure(_("Failed tasks of people"), number(others)),
    ]
    blocks: list[Block] = [Figures(figures)]
    notices = []
    if failed:
        blocks.append(_failures(asked))
        text = ngettext("%(count)s run of a job failed.", "%(count)s runs of jobs failed.", failed)
        notices.append(Notice(text % {"count": number(failed)}, Tone.BAD, "/jobs/results/"))
    headline = [Figure(_("Failed jobs"), number(failed), tone=Tone.BAD if failed else Tone.NONE)]
    return Content(blocks, notices, headline, url="/jobs/results/")


def _failures(asked: Asked) -> Table:
    """The newest failed run of each job."""
    period = asked.period
    rows = JobRun.objects.filter(ended_at__gte=period.since, ended_at__lt=period.until, state__in=_FAILED)
    newest: dict[int, JobRun] = {}
    times = Counter[int]()
    for run in rows.select_related("job").order_by("-pk"):
        newest.setdefault(run.job_id, run)
        times[run.job_id] += 1
    columns = [
        Column(_("Job")),
        Column(_("Times"), is_number=True, is_minor=True),
        Column(_("Last"), is_short=True, is_minor=True),
        Column(_("Why")),
    ]
    shown = [
        [
            Cell(run.job.name, Tone.BAD, f"/jobs/{job_id}/"),
            Cell(number(times[job_id])),
            Cell(day_text(run.ended_at or run.created_at, period.now)),
            Cell((run.error or str(State(run.state).label))[:LONGEST]),
        ]
        for job_id, run in list(newest.items())[:SHOWN]
    ]
    return Table("", columns, shown, *_more(len(newest), "/jobs/results/"))


def open_alerts(asked: Asked) -> Content | None:
    """What waits to be acknowledged, of what the reader watches over."""
    if not asked.actor.has_somewhere(Right.MANAGE_ALERTS):
        return None
    rows = alert_selectors.list_alerts(asked.actor).filter(acknowledged_at=None, audience=Alert.Audience.ADMINISTRATORS)
    total = rows.count()
    if not total:
        return Content([Words(_("No alert is open."), Tone.GOOD)], url="/alerts/")
    columns = [Column(_("Alert")), Column(_("Times"), is_number=True, is_minor=True), Column(_("Since"), is_short=True)]
    shown = [
        [
            Cell(_said(each), _TONES[Alert.Severity(each.severity)], f"/alerts/{each.pk}/"),
            Cell(number(each.times)),
            Cell(day_text(each.posted_at, asked.period.now)),
        ]
        for each in rows[:SHOWN]
    ]
    errors = rows.filter(severity=Alert.Severity.ERROR).count()
    text = ngettext("%(count)s alert is open.", "%(count)s alerts are open.", total) % {"count": number(total)}
    notice = Notice(text, Tone.BAD if errors else Tone.WARN, "/alerts/")
    return Content([Table("", columns, shown, *_more(total, "/alerts/"))], [notice], url="/alerts/")


def _said(alert: Alert) -> str:
    """What it says, and about what where that isn't the server."""
    words = alerts.words_of(alert)[:LONGEST]
    return f"{alert.object_label}: {words}" if alert.object_label else words


def sign_ins(asked: Asked) -> Content | None:
    """How many people came in, and how many guesses were refused."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    period = asked.period
    actions = ("user.sign_in", "user.sign_in_failed")
    rows = AuditEvent.objects.filter(at__gte=period.since, at__lt=period.until, action__in=actions)
    done, refused = (rows.filter(action=action) for action in actions)
    people = done.values("actor_label").distinct().count()
    tried = list(refused.values_list("object_label").annotate(times=Count("pk")).order_by("-times", "object_label")[:5])
    figures = [
        Figure(_("Sign-ins"), number(done.count())),
        Figure(_("People"), number(people)),
        Figure(_("Refused"), number(refused.count())),
    ]
    blocks: list[Block] = [Figures(figures)]
    if tried:
        columns = [Column(_("Refused most often")), Column(_("Times"), is_number=True)]
        blocks.append(Table("", columns, [[Cell(label), Cell(number(count))] for label, count in tried]))
    return Content(blocks, url="/audit/")


def server(asked: Asked) -> Content | None:
    """The parts of the server that aren't well now."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    reports = health.run_all()
    troubled = [report for report in reports if report.state != "ok"]
    if not troubled:
        text = ngettext("The one part is well.", "All %(count)s parts are well.", len(reports))
        return Content([Words(text % {"count": number(len(reports))}, Tone.GOOD)], url="/server/health/")
    tones = {"warning": Tone.WARN, "error": Tone.BAD}
    columns = [Column(_("Part")), Column(_("State"))]
    rows = [[Cell(str(each.name), tones[each.state]), Cell(str(each.text))] for each in troubled]
    notices = [
        Notice(f"{each.name}: {each.text}", Tone.BAD, "/server/health/") for each in troubled if each.state == "error"
    ]
    return Content([Table("", columns, rows)], notices, url="/server/health/")


def _more(total: int, url: str) -> tuple[str, str]:
    """What a table of so many rows leaves out."""
    left = total - SHOWN
    if left <= 0:
        return "", ""
    return ngettext("and %(count)s more", "and %(count)s more", left) % {"count": number(left)}, url
