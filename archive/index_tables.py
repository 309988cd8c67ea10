"""The tables of the page about search indexes."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from archive.reading import UNREAD
from archive.services.reindexing import IndexLine
from config.kit.tables import BaseTable, MainColumn, NumberColumn, SizeColumn, StateColumn, TextColumn


class IndexTable(BaseTable):
    name = MainColumn(verbose_name=_("Store"))
    state = StateColumn(verbose_name=_("State"))
    messages = NumberColumn(verbose_name=_("Messages"))
    indexed = NumberColumn(verbose_name=_("Indexed"))
    lag = NumberColumn(verbose_name=_("Journal records not yet indexed"))
    size_bytes = SizeColumn(verbose_name=_("On disk"))
    unread = NumberColumn(verbose_name=_("Messages indexed in part"))

    caption = _("Search indexes")

    def row_url(self, record: Any) -> str:
        return reverse("archive:store-detail", args=[record["id"]])

    def row_name(self, record: Any) -> str:
        return str(record["name"])


class UnreadTable(BaseTable):
    reason = TextColumn(verbose_name=_("Why"))
    messages = NumberColumn(verbose_name=_("Messages"))

    caption = _("Attachments that could not be read")


def index_rows(lines: list[IndexLine]) -> list[dict[str, object]]:
    return [
        {
            "id": line.id, "name": line.name, "state": _state(line), "messages": line.messages, "indexed": line.indexed,
            "lag": line.lag, "size_bytes": line.size_bytes, "unread": line.unread_total,
        }
        for line in lines
    ]  # fmt: skip


def unread_rows(lines: list[IndexLine]) -> list[dict[str, object]]:
    """Over all indexes, most first; a message with two such files of different reasons counts twice."""
    counts: dict[str, int] = {}
    for line in lines:
        for reason, count in line.unread:
            counts[reason] = counts.get(reason, 0) + count
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return [{"reason": str(UNREAD.get(reason, reason)), "messages": count} for reason, count in ordered]


def _state(line: IndexLine) -> str:
    if line.problem:
        return "error"
    if line.needs_rebuild:
        return "waiting"
    return "warning" if line.lag or line.indexed < line.messages else "ok"
