"""The status report's section about profiles: how runs ended, and whether all of each source is archived and found.

Completeness is what the last check found (`archive.profiles.completeness`); its days are UTC. A day of another zone
takes its own date there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.permissions import Right
from archive.models import Completeness, Profile, ProfileRun, RunOutcome
from archive.profiles.completeness import Line, summary
from config.kit.templatetags.kit import day_text, number
from jobs import reports
from jobs.reports import (
    Asked,
    Bars,
    Block,
    Cell,
    Column,
    Content,
    Figure,
    Figures,
    Notice,
    Point,
    Section,
    Series,
    Table,
    Tone,
    Words,
)
from jobs.reports.periods import Period

URL = "/profiles/"
SHOWN_GAPS, LONGEST = 8, 160
_BAD = (RunOutcome.FAILED, RunOutcome.INTERRUPTED)


def register() -> None:
    reports.register(Section("profiles", gettext_lazy("Profiles and completeness"), profiles, order=20))


def profiles(asked: Asked) -> Content | None:
    """How runs ended, each profile's account from both ends, and the gaps by name."""
    if not asked.actor.has(Right.VIEW_REPORTS) or not Profile.objects.exists():
        return None
    period = asked.period
    runs = ProfileRun.objects.filter(ended_at__gte=period.since, ended_at__lt=period.until).exclude(trigger="test")
    outcomes = Counter(runs.values_list("outcome", flat=True))
    failed, partly = sum(outcomes[each] for each in _BAD), outcomes[RunOutcome.INCOMPLETE]
    figures = [
        Figure(_("Runs"), number(sum(outcomes.values()))),
        Figure(_("Succeeded"), number(outcomes[RunOutcome.SUCCEEDED])),
        Figure(_("With errors"), number(partly), tone=Tone.WARN if partly else Tone.NONE),
        Figure(_("Failed"), number(failed), tone=Tone.BAD if failed else Tone.NONE),
    ]
    blocks: list[Block] = [Figures(figures)]
    notices: list[Notice] = []
    if failed:
        text = ngettext("%(count)s run of a profile failed.", "%(count)s runs of profiles failed.", failed)
        notices.append(Notice(text % {"count": number(failed)}, Tone.BAD, f"{URL}results/"))
    lines = [line for line in summary(period.first, period.last, most_gaps=SHOWN_GAPS) if line.checked_at is not None]
    if not lines:
        blocks.append(Words(_("No source was compared with the archive for these days yet.")))
        return Content(blocks, notices, url=URL)
    blocks += _completeness(lines, period)
    notices += [_notice(line) for line in lines if not line.is_complete]
    return Content(blocks, notices, [_headline(lines)], URL)


def _completeness(lines: Sequence[Line], period: Period) -> list[Block]:
    found: list[Block] = []
    if period.first != period.last:
        found.append(_chart(period))
    found.append(_account(lines, period))
    if any(line.gaps for line in lines):
        found.append(_gaps(lines))
    return found


def _headline(lines: Sequence[Line]) -> Figure:
    """Of all messages of the sources, how many are in the archive and found."""
    source = sum(line.archived + line.missing for line in lines)
    wrong = sum(line.missing + line.archived - min(line.archived, line.indexed) for line in lines)
    share = 1.0 if not source else 1 - wrong / source
    percent = 100.0 if not wrong else min(99.99, 100 * share)
    tone = Tone.BAD if wrong else Tone.GOOD
    hint = _("of %(count)s messages") % {"count": number(source)}
    return Figure(_("Complete"), f"{number_format(percent, decimal_pos=0 if percent == 100 else 2)} %", hint, tone)


def _notice(line: Line) -> Notice:
    url = f"{URL}{line.profile.pk}/completeness/"
    if line.missing:
        text = ngettext(
            "“%(name)s” lacks %(count)s message of its source.",
            "“%(name)s” lacks %(count)s messages of its source.",
            line.missing,
        )
        return Notice(text % {"name": line.profile.name, "count": number(line.missing)}, Tone.BAD, url)
    behind = line.archived - line.indexed
    text = ngettext(
        "%(count)s archived message of “%(name)s” isn't found by the search yet.",
        "%(count)s archived messages of “%(name)s” aren't found by the search yet.",
        behind,
    )
    return Notice(text % {"name": line.profile.name, "count": number(behind)}, Tone.WARN, url)


def _chart(period: Period) -> Bars:
    """Messages of the sources by their day: archived, and missing on top."""
    rows = Completeness.objects.filter(day__range=(period.first, period.last), profile__is_temporary=False).exclude(
        profile__kind__startswith="export"
    )
    sums = rows.values_list("day").annotate(Sum("archived"), Sum("missing")).order_by("day")
    by_day = {day: (archived, missing) for day, archived, missing in sums}
    points = []
    for slot in period.slots():
        archived, missing = by_day.get(slot.since.astimezone(period.zone).date(), (0, 0))
        shown = number(archived) if not missing else f"{number(archived)} (-{number(missing)})"
        points.append(Point(slot.label, [archived, missing], shown))
    missing = sum(point.amounts[1] for point in points)
    text = ngettext("%(count)s message is missing.", "%(count)s messages are missing.", missing)
    summary_text = text % {"count": number(missing)} if missing else _("Nothing is missing.")
    series = [Series(_("Archived")), Series(_("Missing"), Tone.BAD)]
    return Bars("completeness", _("Messages of the sources, by day"), summary_text, series, points)


def _account(lines: Sequence[Line], period: Period) -> Table:
    columns = [
        Column(_("Profile")),
        Column(_("In the source"), is_number=True),
        Column(_("Archived"), is_number=True),
        Column(_("Found"), is_number=True, is_minor=True),
        Column(_("Missing"), is_number=True),
        Column(_("Compared"), is_short=True, is_minor=True),
    ]
    rows = [
        [
            Cell(line.profile.name, _tone(line), f"{URL}{line.profile.pk}/completeness/"),
            Cell(number(line.source)),
            Cell(number(line.archived)),
            Cell(number(line.indexed)),
            Cell(number(line.missing), Tone.BAD if line.missing else Tone.NONE),
            Cell("" if line.checked_at is None else day_text(line.checked_at, period.now)),
        ]
        for line in lines
    ]
    return Table(_("From both ends"), columns, rows)


def _tone(line: Line) -> Tone:
    return Tone.BAD if line.missing else Tone.GOOD if line.is_complete else Tone.WARN


def _gaps(lines: Sequence[Line]) -> Table:
    """The first gaps, by name."""
    gaps = [(line, gap) for line in lines for gap in line.gaps][:SHOWN_GAPS]
    rows = [
        [
            Cell(f"{gap.folder.path}: {gap.message_id or gap.key}"[:LONGEST], Tone.BAD),
            Cell(gap.reason[:LONGEST]),
        ]
        for _line, gap in gaps
    ]
    total = sum(line.missing + line.archived - min(line.archived, line.indexed) for line in lines)
    left = total - len(rows)
    more = ngettext("and %(count)s more", "and %(count)s more", left) % {"count": number(left)} if left > 0 else ""
    return Table(_("Gaps"), [Column(_("Message")), Column(_("Why"))], rows, more, URL if more else "")
