"""How full the disks are, and when they will be: a look a day is kept, and a straight line goes on from them.

The line is the least squares fit over the last 90 days. It says what happens if things go on as they did, no more.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.permissions import Right
from config.kit import clock, disks
from config.kit.disks import Disk
from config.kit.templatetags.kit import number, size_text
from jobs.models import DiskSample
from jobs.reports.blocks import Block, Content, Forecast, Meter, Meters, Notice, Tone, Words
from jobs.reports.registry import Asked, Section, register

LOOKED_BACK = 90  # days
LEAST_DAYS = 3
SOON, LATER = 14, 60  # days until full: an error, a warning
FULL, GETTING_FULL = 0.95, 0.85
MOST_SHOWN = 90  # days a forecast is drawn for
EVERY_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Trend:
    """How much more a day, and in how many days it is full (None: it isn't, as things go)."""

    bytes_a_day: float
    days_left: float | None


def register_section() -> None:
    """The section, and the clock's look at the disks."""
    clock.register_chore(EVERY_S, "note how full the disks are", note)
    register(Section("disk", gettext_lazy("Disk"), load, order=50))


def note() -> int:
    """Keep how full each disk is today; how many there are."""
    today, node = timezone.now().astimezone(UTC).date(), socket.gethostname()
    found = disks.look()
    for disk in found:
        values = {"used_bytes": disk.used_bytes, "total_bytes": disk.total_bytes, "at": timezone.now()}
        DiskSample.objects.update_or_create(node=node, place=disk.place, day=today, defaults=values)
    DiskSample.objects.filter(day__lt=today - timedelta(days=4 * LOOKED_BACK)).delete()
    return len(found)


def trend_of(samples: Sequence[tuple[date, int]], total_bytes: int) -> Trend | None:
    """The line through (day, bytes used); None where there are too few days to say anything."""
    if len(samples) < LEAST_DAYS:
        return None
    first = samples[0][0]
    days = [(day - first).days for day, _used in samples]
    used = [amount for _day, amount in samples]
    middle_day, middle_used = sum(days) / len(days), sum(used) / len(used)
    spread = sum((day - middle_day) ** 2 for day in days)
    slope = sum((day - middle_day) * (amount - middle_used) for day, amount in zip(days, used, strict=True)) / spread
    left = None if slope <= 0 else max(0.0, (total_bytes - used[-1]) / slope)
    return Trend(slope, left)


def load(asked: Asked) -> Content | None:
    """The disks of this machine, for who sees the server's report."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    blocks: list[Block] = []
    notices: list[Notice] = []
    meters = []
    found = disks.look()
    for disk in found:
        samples = _samples(disk)
        trend = trend_of(samples, disk.total_bytes)
        tone = tone_of(disk, trend)
        meters.append(_meter(disk, tone))
        blocks.append(_forecast(disk, samples, trend, disk.place if len(found) > 1 else ""))
        if tone in (Tone.WARN, Tone.BAD):
            notices.append(Notice(_warning(disk, trend), tone, url="/server/health/"))
    return Content([Meters("", meters), *blocks], notices)


def tone_of(disk: Disk, trend: Trend | None) -> Tone:
    """How it stands: by how full it is, and how soon it will be."""
    share = disk.used_bytes / max(1, disk.total_bytes)
    left = trend.days_left if trend is not None else None
    if share >= FULL or (left is not None and left < SOON):
        return Tone.BAD
    if share >= GETTING_FULL or (left is not None and left < LATER):
        return Tone.WARN
    return Tone.NONE


def _samples(disk: Disk) -> list[tuple[date, int]]:
    since = timezone.now().date() - timedelta(days=LOOKED_BACK)
    rows = DiskSample.objects.filter(node=socket.gethostname(), place=disk.place, day__gte=since)
    found = dict(rows.order_by("day").values_list("day", "used_bytes"))
    found[timezone.now().astimezone(UTC).date()] = disk.used_bytes
    return sorted(found.items())


def _meter(disk: Disk, tone: Tone) -> Meter:
    holds = ", ".join(str(each) for each in disk.holds)
    text = _("%(free)s free of %(total)s") % {"free": size_text(disk.free_bytes), "total": size_text(disk.total_bytes)}
    return Meter(f"{disk.place} ({holds})", disk.used_bytes / max(1, disk.total_bytes), text, tone)


def _forecast(disk: Disk, samples: list[tuple[date, int]], trend: Trend | None, title: str) -> Block:
    if trend is None:
        text = _("%(place)s: a forecast takes %(days)d days of looking; there are %(known)d so far.")
        return Words(text % {"place": disk.place, "days": LEAST_DAYS, "known": len(samples)})
    last_day, last = samples[-1]
    ahead = MOST_SHOWN if trend.days_left is None else min(MOST_SHOWN, max(14, round(trend.days_left) + 7))
    expected = [
        (last_day + timedelta(days=days), max(0, round(last + trend.bytes_a_day * days)))
        for days in range(1, ahead + 1)
    ]
    return Forecast(
        name=f"disk-{disks_name(disk.place)}",
        title=title,
        summary=_summary(trend),
        measured=samples,
        expected=expected,
        ceiling=disk.total_bytes,
    )


def disks_name(place: str) -> str:
    """A place as part of a picture's name."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in place).strip("-") or "root"


def _summary(trend: Trend) -> str:
    if trend.days_left is None:
        return _("It doesn't grow; as things go it won't be full.")
    grows = _("It grows by about %(size)s a day.") % {"size": size_text(round(trend.bytes_a_day))}
    days = round(trend.days_left)
    if days > 5 * 365:
        return f"{grows} {_('As things go it lasts for more than five years.')}"
    text = ngettext("As things go it is full in %(days)s day.", "As things go it is full in %(days)s days.", days)
    return f"{grows} {text % {'days': number(days)}}"


def _warning(disk: Disk, trend: Trend | None) -> str:
    share = round(100 * disk.used_bytes / max(1, disk.total_bytes))
    if trend is not None and trend.days_left is not None and trend.days_left < LATER:
        days = round(trend.days_left)
        text = ngettext(
            "The disk at %(place)s is full in about %(days)s day.",
            "The disk at %(place)s is full in about %(days)s days.",
            days,
        )
        return text % {"place": disk.place, "days": number(days)}
    return _("The disk at %(place)s is %(share)d %% full.") % {"place": disk.place, "share": share}
