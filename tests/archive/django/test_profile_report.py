"""The status report tells of each profile whether all of its source is in the archive and found."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.urls import resolve
from django.utils import timezone

from accounts.actors import Actor
from archive.models import Completeness, Gap, Profile, ProfileRun, SourceFolder
from jobs.reports import Content, Tone, blocks
from jobs.reports.periods import Period, Timespan, period_of
from jobs.reports.sending import report_for
from tests.stage import Cast

pytestmark = pytest.mark.django_db
TODAY = timezone.now().astimezone(UTC).date()


def week() -> Period:
    return period_of(Timespan.THIS_WEEK, "UTC", timezone.now())


def section(actor: Actor | None = None) -> Content | None:
    made = report_for(actor or Actor.system(), week())
    return next((each.content for each in made.sections if each.name == "profiles"), None)


def make_profile(name: str = "Office", kind: str = "imap", **fields: object) -> Profile:
    return Profile.objects.create(name=name, kind=kind, **fields)


def compared(profile: Profile, **counts: int) -> None:
    Completeness.objects.create(profile=profile, day=TODAY, **counts)


def run(profile: Profile, outcome: str, *, archived: int = 0, size: int = 0, trigger: str = "automatic") -> None:
    ended = timezone.now() - timedelta(seconds=1)
    ProfileRun.objects.create(
        profile=profile, profile_name=profile.name, kind=profile.kind, outcome=outcome, started_at=ended,
        ended_at=ended, archived=archived, bytes=size, trigger=trigger,
    )  # fmt: skip


def tables(content: Content) -> dict[str, list[list[str]]]:
    found = [block for block in content.blocks if isinstance(block, blocks.Table)]
    return {table.title: [[cell.text for cell in row] for row in table.rows] for table in found}


def test_where_there_is_no_profile_the_section_is_left_out(cast: Cast) -> None:
    assert section() is None
    make_profile()
    assert section(Actor.for_user(cast.domain_administrator)) is None
    found = section()
    assert found is not None and found.headline == ()


def test_all_that_is_archived_and_found_is_complete() -> None:
    compared(make_profile(), source=120, archived=120, indexed=120)
    found = section()
    assert found is not None and found.notices == []
    (figure,) = found.headline
    assert (figure.value, figure.tone, figure.hint) == ("100 %", Tone.GOOD, "of 120 messages")
    assert tables(found)["From both ends"][0][:5] == ["Office", "120", "120", "120", "0"]


def test_gaps_are_named_want_attention_and_are_never_rounded_away() -> None:
    profile = make_profile()
    compared(profile, source=1_000_000, archived=999_999, indexed=999_999, missing=1)
    folder = SourceFolder.objects.create(profile=profile, path="INBOX")
    Gap.objects.create(folder=folder, key="77", message_id="<7@example.net>", day=TODAY, reason="too large")
    found = section()
    assert found is not None and found.headline[0].value == "99.99 %" and found.headline[0].tone == Tone.BAD
    assert tables(found)["Gaps"] == [["INBOX: <7@example.net>", "too large"]]
    (notice,) = found.notices
    assert notice.text == "“Office” lacks 1 message of its source." and resolve(notice.url)
    (chart,) = [block for block in found.blocks if isinstance(block, blocks.Bars)]
    assert [point.amounts for point in chart.points if any(point.amounts)] == [[999_999, 1]]


def test_mail_that_the_search_does_not_find_yet_is_said() -> None:
    compared(make_profile(), source=10, archived=10, indexed=7)
    found = section()
    assert found is not None and found.headline[0].value == "70.00 %"
    assert [(each.text, each.tone) for each in found.notices] == [
        ("3 archived messages of “Office” aren't found by the search yet.", Tone.WARN)
    ]


def test_runs_are_counted_by_how_they_ended_and_what_they_brought_stands_by_source() -> None:
    office, export = make_profile(), make_profile("To the cellar", kind="exportImap")
    run(office, "succeeded", archived=40, size=4_096)
    run(office, "incomplete", archived=2, size=100)
    run(office, "failed")
    run(office, "failed", trigger="test")
    run(export, "succeeded", archived=9)
    found = section()
    assert found is not None
    (row,) = [block for block in found.blocks if isinstance(block, blocks.Figures)]
    assert [figure.value for figure in row.figures] == ["4", "2", "1", "1"]
    assert [notice.text for notice in found.notices] == ["1 run of a profile failed."]
