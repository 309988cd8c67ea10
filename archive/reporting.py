"""The archive's sections of the status report: what was archived, by store and by source, and how the stores stand.

Not for what a report looks like (`jobs.reports`).
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from accounts.permissions import Right
from archive import engines, selectors, storefacts
from archive.errors import StoreUnavailable
from archive.health import FREE_ERROR_BYTES, FREE_WARNING_BYTES, LAG_WARNING
from archive.models import AutoCreation, ProfileRun, Store, StoreState
from archive.services import autocreate
from archive.store.errors import StoreError
from archive.storefacts import StoreLine
from config.kit import disks
from config.kit.templatetags.kit import number, size_text
from jobs import reports
from jobs.models import Task
from jobs.reports import Asked, Bars, Block, Cell, Column, Content, Figure, Notice, Point, Section, Series, Table, Tone
from jobs.reports.periods import Period, Slot

STORES_URL = "/stores/"
NEAR = 0.85  # of the size at which the next store is made


def register() -> None:
    disks.register(gettext_lazy("Stores"), _folders_of_stores)
    reports.register(Section("archived", gettext_lazy("Archived"), archived, order=10))
    reports.register(Section("stores", gettext_lazy("Stores"), stores, order=40))


def _folders_of_stores() -> list[Path]:
    return [folder for store in selectors.open_stores() if (folder := storefacts.folder_of(store)) is not None]


@dataclass(frozen=True, slots=True)
class Amount:
    """So many messages of so many bytes."""

    messages: int = 0
    size_bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.messages + other.messages, self.size_bytes + other.size_bytes)


def archived(asked: Asked) -> Content | None:
    """Messages and bytes archived in the period: over time, by store, by source."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    period, slots = asked.period, asked.period.slots()
    by_store = {store.name: arrivals(store, period, slots) for store in selectors.open_stores()}
    by_slot = [sum(amounts, Amount()) for amounts in zip(*by_store.values(), strict=True)] or [Amount()] * len(slots)
    total = sum(by_slot, Amount())
    before = _total(period.one_before())
    hint = _compared(total.messages, before.messages, period)
    headline = [
        Figure(_("Archived"), number(total.messages), hint),
        Figure(_("Size"), size_text(total.size_bytes), _compared(total.size_bytes, before.size_bytes, period)),
    ]
    blocks: list[Block] = [_chart(slots, by_slot, total)]
    if total.messages:
        blocks.append(_by_store(by_store))
        sources = _sources(period)
        if sources:
            blocks.append(_by_source(sources))
    return Content(blocks, (), headline, STORES_URL)


def arrivals(store: Store, period: Period, slots: Sequence[Slot]) -> list[Amount]:
    """What a store archived in each slot; nothing where it doesn't answer (its own section says so)."""
    found = [Amount()] * len(slots)
    starts = [slot.since for slot in slots]
    for moment, (messages, size) in _arrived(store, period).items():
        at = bisect_right(starts, moment) - 1
        found[at] += Amount(messages, size)
    return found


def _arrived(store: Store, period: Period) -> dict[dt.datetime, tuple[int, int]]:
    try:
        return engines.open_store(store).arrived(period.since, period.until)
    except (StoreUnavailable, StoreError, OSError):
        return {}


def _total(period: Period) -> Amount:
    found = (counts for store in selectors.open_stores() for counts in _arrived(store, period).values())
    return sum((Amount(*counts) for counts in found), Amount())


def _compared(now: int, before: int, period: Period) -> str:
    """How much more or less than in the period before, where both are whole."""
    if not before or not period.is_over:
        return ""
    percent = round(100 * (now - before) / before)
    if percent == 0:
        return _("as before")
    if percent > 999:
        return _("many times as much as before")
    text = _("%(percent)s %% more than before") if percent > 0 else _("%(percent)s %% less than before")
    return text % {"percent": number(abs(percent))}


def _chart(slots: Sequence[Slot], by_slot: Sequence[Amount], total: Amount) -> Bars:
    highest = max(range(len(slots)), key=lambda at: by_slot[at].messages)
    if not total.messages:
        summary = _("Nothing was archived in this period.")
    else:
        text = ngettext(
            "%(total)s message of %(size)s. Busiest: %(label)s with %(most)s.",
            "%(total)s messages of %(size)s. Busiest: %(label)s with %(most)s.",
            total.messages,
        )
        summary = text % {
            "total": number(total.messages),
            "size": size_text(total.size_bytes),
            "label": slots[highest].name,
            "most": number(by_slot[highest].messages),
        }
    points = [
        Point(slot.label, [amount.messages], number(amount.messages))
        for slot, amount in zip(slots, by_slot, strict=True)
    ]
    return Bars("archived", "", summary, [Series(_("Messages"))], points)


def _by_store(by_store: dict[str, list[Amount]]) -> Table:
    sums = {name: sum(amounts, Amount()) for name, amounts in by_store.items()}
    return _amounts(_("By store"), _("Store"), sums.items())


def _by_source(sources: dict[str, Amount]) -> Table:
    return _amounts(
        _("By profile and import"),
        pgettext("of mail", "Source"),
        sorted(sources.items(), key=lambda each: -each[1].messages),
    )


def _amounts(title: str, label: str, rows: Iterable[tuple[str, Amount]]) -> Table:
    columns = [Column(label), Column(_("Messages"), is_number=True), Column(_("Size"), is_number=True)]
    found = [(name, amount) for name, amount in rows if amount.messages]
    cells = [[Cell(name), Cell(number(amount.messages)), Cell(size_text(amount.size_bytes))] for name, amount in found]
    return Table(title, columns, cells)


def _sources(period: Period) -> dict[str, Amount]:
    """What each profile brought, and the imports of people together. Runs count where they ended."""
    runs = ProfileRun.objects.filter(ended_at__gte=period.since, ended_at__lt=period.until)
    sums = runs.exclude(kind__startswith="export").values_list("profile_name").annotate(Sum("archived"), Sum("bytes"))
    found = {name: Amount(messages, size) for name, messages, size in sums.order_by("profile_name") if messages}
    ended = Task.objects.filter(type="ImportMail", ended_at__gte=period.since, ended_at__lt=period.until)
    total = Amount()
    for result in ended.values_list("result", flat=True):
        if result is None:
            continue
        total += Amount(int(result.get("archived") or 0), int(result.get("bytes") or 0))
    return found | ({_("Imports of people"): total} if total.messages else {})


# --- how the stores stand --------------------------------------------------------------------------------------------


def stores(asked: Asked) -> Content | None:
    """Each store: how much it holds, how far its index is behind, and whether there is room."""
    if not asked.actor.has(Right.VIEW_REPORTS):
        return None
    found = [(store, storefacts.store_line(store)) for store in Store.objects.attached().order_by("name")]
    notices = [notice for store, line in found for notice in _troubles(store, line)]
    columns = [
        Column(_("Store")),
        Column(_("State"), is_short=True),
        Column(_("Messages"), is_number=True),
        Column(_("Mail"), is_number=True, is_minor=True),
        Column(_("Stored"), is_number=True),
        Column(_("Not indexed"), is_number=True),
    ]
    limit = AutoCreation.load().size_threshold_bytes
    if limit is not None:
        columns.append(Column(_("Of the threshold"), is_number=True))
    rows = [_row(store, line)[: len(columns)] for store, line in found]
    if not rows:
        return Content([reports.Words(_("There is no store yet; the first import makes one."))], url=STORES_URL)
    near = [store.name for store, line in found if _fill(store, line) >= NEAR]
    said = {"names": ", ".join(near), "size": size_text(limit or 0)}
    text = _("Near the threshold: %(names)s. At %(size)s the next store is made.") % said
    after: list[Block] = [reports.Words(text, Tone.WARN)] if near else []
    return Content([Table("", columns, rows), *after], notices, url=STORES_URL)


def _fill(store: Store, line: StoreLine) -> float:
    """How much of the size at which the next one is made; 0 where none is made."""
    return autocreate.fill_of(store, line.stored_bytes) or 0.0


def _row(store: Store, line: StoreLine) -> list[Cell]:
    troubles = [notice.tone for notice in _troubles(store, line)]
    tone = Tone.BAD if Tone.BAD in troubles else Tone.WARN if troubles else Tone.NONE
    words = str(StoreState(store.state).label) if not line.problem else _("Doesn't open")
    return [
        Cell(store.name, tone, f"{STORES_URL}{store.pk}/"),
        Cell(words),
        Cell(number(line.messages)),
        Cell("" if line.raw_bytes is None else size_text(line.raw_bytes)),
        Cell("" if line.stored_bytes is None else size_text(line.stored_bytes)),
        Cell(number(line.lag)),
        Cell(line.fill, Tone.WARN if _fill(store, line) >= NEAR else Tone.NONE),
    ]


def _troubles(store: Store, line: StoreLine) -> list[Notice]:
    url, said = f"{STORES_URL}{store.pk}/", {"name": store.name}
    if line.problem:
        return [
            Notice(_("The store “%(name)s” can't be opened: %(why)s") % {**said, "why": line.problem}, Tone.BAD, url)
        ]
    found = []
    if (line.lag or 0) > LAG_WARNING:
        text = _("The index of “%(name)s” is behind: search doesn't find its newest mail yet.")
        found.append(Notice(text % said, Tone.WARN, url))
    free = storefacts.free_of(store) if store.is_open else None
    if free is not None and free < FREE_WARNING_BYTES:
        text = _("Little room is left for “%(name)s”: %(free)s.")
        tone = Tone.BAD if free < FREE_ERROR_BYTES else Tone.WARN
        found.append(Notice(text % {**said, "free": size_text(free)}, tone, url))
    return found
