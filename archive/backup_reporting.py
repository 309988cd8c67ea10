"""The status report's section about backups: how many were written, what they sent, and how each destination stands."""

from __future__ import annotations

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.permissions import Right
from archive.backup_tables import STATES
from archive.models import BackupDestination, BackupSet
from archive.services.backup import running
from config.kit.templatetags.kit import ago, number, size_text
from jobs import reports
from jobs.reports import Asked, Cell, Column, Content, Notice, Section, Table, Tone

URL = "/backups/"


def register() -> None:
    reports.register(Section("backups", gettext_lazy("Backups"), backups, order=45))


def backups(asked: Asked) -> Content | None:
    """Each destination with its last backup, and what was written in the period; nothing where there is none."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    found = list(BackupDestination.objects.all())
    if not found:
        return None
    columns = [
        Column(_("Destination")),
        Column(_("State"), is_short=True),
        Column(_("Last backup"), is_short=True),
        Column(_("Written"), is_number=True),
        Column(_("Sent"), is_number=True, is_minor=True),
    ]
    rows, notices = list[list[Cell]](), list[Notice]()
    for destination in found:
        row, notice = _row(destination, asked)
        rows.append(row)
        notices += notice
    return Content([Table("", columns, rows)], notices, url=URL)


def _row(destination: BackupDestination, asked: Asked) -> tuple[list[Cell], list[Notice]]:
    url = f"{URL}{destination.pk}/"
    last = destination.sets.filter(is_readable=True).first()
    state = "late" if running.is_late(destination) else "never" if last is None else last.state
    word, tone = STATES[state]
    sets = BackupSet.objects.filter(
        destination=destination, made_at__gte=asked.period.since, made_at__lt=asked.period.until
    )
    sent = sets.aggregate(sum=Sum("written_bytes"))["sum"] or 0
    cells = [
        Cell(destination.name, Tone(tone if tone != "none" else ""), url),
        Cell(str(word)),
        Cell("" if last is None else str(ago(last.made_at))),
        Cell(number(sets.count())),
        Cell(size_text(sent)),
    ]
    said = {"name": destination.name, "days": number(destination.warn_days)}
    troubles = {
        "late": (_("“%(name)s” has had no backup for more than %(days)s days."), Tone.BAD),
        "damaged": (_("The last backup to “%(name)s” is damaged."), Tone.BAD),
        "incomplete": (_("The last backup to “%(name)s” lacks something of the archive."), Tone.WARN),
    }
    if state not in troubles:
        return cells, []
    text, how = troubles[state]
    return cells, [Notice(text % said, how, url)]
