"""The archive's tables: stores, mailboxes of a store, who read one's mail, rejected items of an import."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from archive.models import Rejection
from archive.storefacts import IndexLine, StoreLine
from config.kit.tables import BaseTable, MainColumn, NumberColumn, SizeColumn, StateColumn, TextColumn, TimeColumn


class StoreTable(BaseTable):
    name = MainColumn(verbose_name=_("Store"))
    state = StateColumn(verbose_name=_("State"))
    messages = NumberColumn(verbose_name=_("Messages"))
    raw_bytes = SizeColumn(verbose_name=_("Mail"))
    stored_bytes = SizeColumn(verbose_name=_("On disk"))
    saved = tables.Column(verbose_name=_("Saved"), attrs={"td": {"class": "num cell-fit"}})
    lag = NumberColumn(verbose_name=_("Not yet indexed"))
    verified_at = TimeColumn(verbose_name=_("Verified"))
    fill = tables.Column(verbose_name=_("Of the threshold"), attrs={"td": {"class": "num cell-fit"}})
    customer = TextColumn(verbose_name=_("For"))
    kind = TextColumn(verbose_name=_("Kind"))

    caption = _("Stores")

    def row_url(self, record: StoreLine) -> str:
        return reverse("archive:store-detail", args=[record.pk])

    def row_name(self, record: StoreLine) -> str:
        return record.name


class IndexTable(BaseTable):
    name = MainColumn(verbose_name=_("Store"))
    documents = NumberColumn(verbose_name=_("Messages"))
    size_bytes = SizeColumn(verbose_name=_("Size"))
    lag = NumberColumn(verbose_name=_("Journal records not yet indexed"))
    selected = tables.Column(verbose_name=_("Marked"))

    caption = _("Search indexes")

    def row_url(self, record: IndexLine) -> str:
        return reverse("archive:store-action", args=[record.pk, "rebuild-index"])


class MailboxTable(BaseTable):
    address = MainColumn(verbose_name=_("Mailbox"))
    folders = NumberColumn(verbose_name=_("Folders"))
    messages = NumberColumn(verbose_name=_("Messages"))

    caption = _("Mailboxes in this store")

    def row_url(self, record: Any) -> str:
        return reverse("archive:store-give", args=[self.store_id, record.number]) if record.is_nobodys else ""

    def __init__(self, *args: Any, store_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store_id = store_id


class ReaderTable(BaseTable):
    created_at = TimeColumn(verbose_name=_("When"))
    who = MainColumn(verbose_name=_("Who"), accessor="user")
    reason = TextColumn(verbose_name=_("Reason"))
    read_count = NumberColumn(verbose_name=_("Messages opened"))
    exported_messages = NumberColumn(verbose_name=_("Exported"))
    until = TimeColumn(verbose_name=_("Until"), accessor="ended_at")

    caption = _("Who read my mail")

    def row_url(self, record: Any) -> str:
        return reverse("archive:access-detail", args=[record.pk])


class CheckpointTable(BaseTable):
    made_at = TimeColumn(verbose_name=_("Signed"))
    record = NumberColumn(verbose_name=_("Journal record"))
    messages = NumberColumn(verbose_name=_("Messages named by then"))
    stamped_at = TimeColumn(verbose_name=_("Time stamp"))
    digest = tables.Column(verbose_name=_("Checkpoint"), attrs={"td": {"class": "mono"}})

    caption = _("Checkpoints")

    def row_name(self, record: Any) -> str:
        return str(record)

    def render_digest(self, value: str) -> str:
        return value[:16]


class RejectionTable(BaseTable):
    path = MainColumn(verbose_name=_("What"))
    offset = NumberColumn(verbose_name=_("At byte"))
    reason = tables.Column(verbose_name=_("Why"))

    caption = _("Rejected")

    def row_name(self, record: Rejection) -> str:
        return record.path
