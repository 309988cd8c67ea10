"""How lists of profiles, of their results, of folders in a report, and of gaps look."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Right
from archive.models import Completeness, Gap, Profile, ProfileKind, ProfileRun, RunOutcome, Trigger
from config.kit.list_fields import Choice, Custom, Main, Number, Size, State, Text, Time, YesNo
from config.kit.listing import Listing, View
from config.kit.tables import BaseTable, Empty, MainColumn, NumberColumn, SizeColumn, TextColumn
from config.kit.templatetags.kit import duration, state_html

TONES = {
    "running": "busy", "succeeded": "good", "incomplete": "warn", "failed": "bad", "cancelled": "none",
    "paused": "none", "interrupted": "warn", "never": "none",
}  # fmt: skip


def outcome_html(outcome: str) -> SafeString:
    """The word and the dot of an outcome."""
    label = RunOutcome(outcome).label if outcome in RunOutcome.values else _("Never ran")
    return state_html(outcome, str(label), TONES.get(outcome, "none"))


def _last(profile: Any) -> SafeString:
    return outcome_html(profile.last_outcome or "never")


PROFILES: Listing[Profile] = Listing(
    "archive.profiles",
    (
        Main("name", _("Profile"), url="archive:profile-detail", words=True, sort=True),
        Choice("kind", _("Kind"), choices=ProfileKind.choices, filter=True),
        Text("mailbox", _("Into the archive of"), path="mailbox__address", words=True, folded=True, mono=True),
        YesNo("automatic", _("Automatic"), path="automatic", filter=True),
        Custom("last", _("Last run"), show=_last, export=lambda row: row.last_outcome, search=False),
        Time("ran", _("Ran"), path="last_started", search=False),
    ),
    sort="name",
    caption=_("Profiles"),
    views=(View(_("Automatic"), "automatic=yes"),),
    first_step=Empty(
        _("No profiles yet"),
        _("A profile archives mail from a server or from files again and again, or exports it."),
        "arrow-path",
        action="archive:profile-kinds",
        action_label=_("Make a profile"),
        right=Right.IMPORT_MAIL,
    ),
    nothing=_("No profile like this"),
)


def _took(run: ProfileRun) -> str | None:
    return None if run.ended_at is None else duration(run.ended_at - run.started_at)


def _name(run: ProfileRun) -> SafeString:
    return format_html('{}&nbsp;<span class="muted num">#{}</span>', run.profile_name, run.pk)


RESULTS: Listing[ProfileRun] = Listing(
    "archive.results",
    (
        Main("profile", _("Profile"), path="profile_name", show=_name, url="archive:result-detail", words=True),
        State("result", _("Result"), path="outcome", choices=RunOutcome.choices,
              show=lambda run: outcome_html(run.outcome), filter=True),
        Time("started", _("Started"), path="started_at"),
        Custom("took", _("Took"), show=_took, css="num cell-fit cell-soft", search=False),
        Number("archived", _("Archived")),
        Number("known", _("Known"), shown=False),
        Number("failed", _("Failed")),
        Number("deleted", _("Deleted"), shown=False),
        Size("bytes", _("Bytes"), shown=False),
        Choice("trigger", _("Started by"), choices=Trigger.choices, filter=True, shown=False),
        Choice("kind", _("Kind"), choices=ProfileKind.choices, filter=True, shown=False),
        Text("by", _("Asked by"), path="asked_by", long=True, shown=False),
    ),
    caption=_("Results of profiles"),
    views=(View(_("With errors"), "result=failed&result=incomplete"),),
    first_step=Empty(_("No results yet"), _("Each run of a profile leaves its report here."), "queue-list"),
    nothing=_("No result like this"),
)  # fmt: skip


class FolderTable(BaseTable):
    path = MainColumn(verbose_name=_("Folder"))
    mailbox = TextColumn(verbose_name=_("Mailbox"))
    target = TextColumn(verbose_name=_("Goes to"))
    found = NumberColumn(verbose_name=_("Found"))
    archived = NumberColumn(verbose_name=_("New"))
    known = NumberColumn(verbose_name=_("Known"))
    left_out = NumberColumn(verbose_name=_("Left out"))
    failed = NumberColumn(verbose_name=_("Failed"))
    deleted = NumberColumn(verbose_name=_("Deleted"))
    bytes = SizeColumn(verbose_name=_("Bytes"))
    note = TextColumn(verbose_name=_("Note"))

    caption = _("Folders")


class DayTable(BaseTable):
    day = MainColumn(verbose_name=_("Day"))
    mailbox = TextColumn(verbose_name=_("Mailbox"))
    source = NumberColumn(verbose_name=_("At the source"))
    gone = NumberColumn(verbose_name=_("Gone from there"))
    left_out = NumberColumn(verbose_name=_("Left out"))
    archived = NumberColumn(verbose_name=_("Archived"))
    removed = NumberColumn(verbose_name=_("Removed since"))
    indexed = NumberColumn(verbose_name=_("Indexed"))
    missing = NumberColumn(verbose_name=_("Missing"))
    state = tables.Column(verbose_name=_("Complete"), empty_values=())

    caption = _("Per mailbox and day")

    def render_state(self, record: Completeness) -> SafeString:
        whole = record.is_complete
        return state_html("ok", str(_("Complete") if whole else _("Gaps")), "good" if whole else "bad")


class GapTable(BaseTable):
    key = MainColumn(verbose_name=_("Message"))
    message_id = TextColumn(verbose_name=_("Message-ID"))
    path = TextColumn(verbose_name=_("Folder"), accessor="folder__path")
    day = TextColumn(verbose_name=_("Day"))
    reason = TextColumn(verbose_name=_("Why"))

    caption = _("Gaps")

    def row_name(self, record: Gap) -> str:
        return record.key


class TriedTable(BaseTable):
    path = MainColumn(verbose_name=_("Folder"))
    target = TextColumn(verbose_name=_("Goes to"))
    messages = NumberColumn(verbose_name=_("Messages"))

    caption = _("Folders")
