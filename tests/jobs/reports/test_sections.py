"""What the sections of the status report say, and to whom."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import resolve
from django.utils import timezone

from accounts import audit
from accounts.actors import Actor
from accounts.errors import Forbidden
from accounts.models import Grant
from archive import engines
from archive.models import AutoCreation, Store
from archive.store import journal
from config.kit import disks as kit_disks
from domains.models import HealthCheck, Mailbox
from jobs import alerts, reports
from jobs.models import DiskSample, Job, JobRun
from jobs.reports import Content, Notice, Section, Tone, blocks, disks, registry
from jobs.reports.building import Report
from jobs.reports.periods import Period, Timespan, period_of
from jobs.reports.sending import read_period, report_for
from tests import factories
from tests.archive.django.factories import archive, make_mails
from tests.domains.factories import make_delegate
from tests.stage import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]
SYSTEM = Actor.system()
NOTHING = {"domain": "x", "performed_at": "2026-01-01T00:00:00+00:00", "duration_ms": 1, "checks": []}


@pytest.fixture
def stores() -> Iterator[None]:
    yield
    engines.close_all()


def report(actor: Actor = SYSTEM, timespan: str = "today") -> Report:
    return report_for(actor, read_period(timespan, "UTC"))


def section(name: str, actor: Actor = SYSTEM, timespan: str = "today") -> Content:
    (found,) = [each for each in report(actor, timespan).sections if each.name == name]
    assert found.content is not None
    return found.content


def figures(content: Content) -> dict[str, str]:
    rows = [block for block in content.blocks if isinstance(block, blocks.Figures)]
    return {figure.label: figure.value for row in rows for figure in row.figures}


def cells(content: Content, at: int = 0) -> list[list[str]]:
    tables = [block for block in content.blocks if isinstance(block, blocks.Table)]
    return [[cell.text for cell in row] for row in tables[at].rows]


def test_every_app_registered_its_sections() -> None:
    names = [each.name for each in registry.sections()]
    assert {"archived", "stores", "disk", "jobs", "alerts", "domain-health", "mailboxes", "sign-ins", "server"} <= set(
        names
    )
    assert all(str(each.title) for each in registry.sections())
    with pytest.raises(ValueError, match="archived"):
        reports.register(Section("archived", "Another", lambda asked: None))


def test_an_empty_system_has_a_report_and_every_address_in_it_leads_somewhere(cast: Cast) -> None:
    made = report(Actor.for_user(cast.administrator))
    assert [each.name for each in made.sections if each.content is None] == []
    for each in made.sections:
        assert each.content is not None
        urls = [each.content.url, *(notice.url for notice in each.content.notices)]
        for block in each.content.blocks:
            if isinstance(block, blocks.Table):
                urls += [block.more_url, *(cell.url for row in block.rows for cell in row)]
        for url in filter(None, urls):
            assert resolve(url), (each.name, url)


def test_a_delegate_sees_their_domain_and_nothing_of_the_server(cast: Cast) -> None:
    HealthCheck.objects.create(domain=cast.domain, severity="error", entries=NOTHING)
    HealthCheck.objects.create(domain=cast.elsewhere, severity="error", entries=NOTHING)
    actor = Actor.for_user(cast.domain_administrator)
    names = [each.name for each in report(actor).sections]
    assert set(names) == {"alerts", "domain-health", "mailboxes"}
    assert figures(section("domain-health", actor))["Failing"] == "1"
    assert figures(section("mailboxes", actor))["Mailboxes"] == "1"
    assert figures(section("domain-health"))["Failing"] == "2"


def test_a_person_who_administers_nothing_has_no_report(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        report(Actor.for_user(cast.user))
    made = make_delegate(cast.domain, rights=["view_domains"], email="little@delegates.example")
    with pytest.raises(Forbidden):
        report(Actor.for_user(made))


def test_a_section_that_fails_takes_away_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: registry.Asked) -> Content:
        Job.objects.raw("SELECT nonsense")[0]
        raise AssertionError("not reached")

    monkeypatch.setitem(registry._sections, "jobs", Section("jobs", "Jobs", broken, 60))
    made = report()
    assert [each.name for each in made.sections if each.content is None] == ["jobs"]
    assert any(each.name == "alerts" and each.content for each in made.sections)


# --- archived ------------------------------------------------------------------------------------------------------


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """The journal's clock says this."""
    monkeypatch.setattr(journal, "clock", moment.timestamp)


def archived_by(period: Period) -> Content:
    (found,) = [each.content for each in report_for(SYSTEM, period).sections if each.name == "archived"]
    assert found is not None
    return found


def test_messages_are_counted_in_the_slot_and_the_zone_in_which_they_were_archived(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    mails = make_mails(12)
    for moment, some in (
        (today - timedelta(hours=1, minutes=1), mails[:3]),  # yesterday in UTC, today in Kathmandu (+05:45)
        (today - timedelta(hours=20), mails[3:8]),
    ):
        with monkeypatch.context() as patched:
            at(patched, moment)
            archive(cast.user, some)
    noon = today + timedelta(hours=12)
    yesterday = archived_by(period_of(Timespan.YESTERDAY, "UTC", noon))
    assert [figure.value for figure in yesterday.headline][:1] == ["8"]
    (bars,) = [block for block in yesterday.blocks if isinstance(block, blocks.Bars)]
    assert {point.label: point.amounts[0] for point in bars.points if point.amounts[0]} == {"04": 5, "22": 3}
    assert cells(yesterday)[0][1] == "8"
    assert archived_by(period_of(Timespan.YESTERDAY, "Asia/Kathmandu", noon)).headline[0].value == "5"


def test_deleted_messages_are_not_counted_any_more(cast: Cast) -> None:
    ids = archive(cast.user, make_mails(4))
    store_id, _, number = ids[0].partition(":")
    engines.open_store(Store.objects.get(pk=store_id)).delete([int(number)], reason="test", by="test")
    assert section("archived").headline[0].value == "3"


def test_a_store_near_the_threshold_is_named(cast: Cast) -> None:
    archive(cast.user, make_mails(2))
    (plain,) = [block for block in section("stores").blocks if isinstance(block, blocks.Table)]
    assert "Of the threshold" not in [column.label for column in plain.columns]
    AutoCreation.load().save()
    stored = engines.open_store(Store.objects.get()).facts().stored_bytes
    for limit, is_near in ((1 << 40, False), (stored, True)):
        AutoCreation.objects.update(size_threshold_bytes=limit)
        found = section("stores").blocks
        (table,) = [block for block in found if isinstance(block, blocks.Table)]
        said = [block.text for block in found if isinstance(block, blocks.Words)]
        assert (table.rows[0][-1].tone == Tone.WARN) == is_near and table.rows[0][-1].text
        assert [Store.objects.get().name in text for text in said] == [True] * is_near


def test_a_store_that_does_not_open_is_said_and_takes_no_other_section(cast: Cast) -> None:
    archive(cast.user, make_mails(2))
    store = Store.objects.get()
    engines.close_all()
    (store.root / "store.json").rename(store.root / "gone")
    try:
        found = section("stores")
        assert found.notices[0].tone == Tone.BAD and "can't be opened" in found.notices[0].text
        assert section("archived").headline[0].value == "0"
    finally:
        (store.root / "gone").rename(store.root / "store.json")


# --- jobs, alerts, sign-ins ----------------------------------------------------------------------------------------


def make_run(state: str, *, ended: datetime | None = None, name: str = "Nightly", error: str = "") -> JobRun:
    job, _made = Job.objects.get_or_create(
        name=name, command="VerifyStore", defaults={"schedule": {"timeZoneId": "UTC", "time": "02:30"}}
    )
    ended = ended or timezone.now() - timedelta(seconds=1)
    return JobRun.objects.create(job=job, state=state, error=error, started_at=ended, ended_at=ended)


def test_failed_jobs_are_counted_named_and_want_attention() -> None:
    for state in ("completed", "completed", "skipped"):
        make_run(state)
    make_run("failed", error="the disk is full")
    make_run("interrupted", error="no sign of life")
    make_run("failed", ended=timezone.now() - timedelta(days=3), name="Another day")
    factories.make_task(state="failed", ended_at=timezone.now())
    found = section("jobs")
    told = figures(found)
    assert (told["Completed"], told["Failed"], told["Left out"], told["Failed tasks of people"]) == ("2", "2", "1", "1")
    assert cells(found) == [["Nightly", "2", cells(found)[0][2], "no sign of life"]]
    assert found.notices == [Notice("2 runs of jobs failed.", Tone.BAD, "/jobs/results/")]
    assert report().tone == Tone.BAD


def test_open_alerts_stand_there_until_somebody_acknowledges_them(cast: Cast) -> None:
    alert = alerts.post_alert(SYSTEM, "The certificate expires.", source="x")
    alerts.post_alert(SYSTEM, "For them.", scope=cast.domain)
    found = section("alerts")
    assert [row[0] for row in cells(found)] == ["example.org: For them.", "The certificate expires."]
    assert [row[0] for row in cells(section("alerts", Actor.for_user(cast.domain_administrator)))] == [
        "example.org: For them."
    ]
    alerts.acknowledge_alert(SYSTEM, alert)
    assert found.notices[0].text == "2 alerts are open." and section("alerts").notices[0].text == "1 alert is open."


def test_sign_ins_and_refused_guesses_are_counted() -> None:
    for who in ("ada", "ada", "eve"):
        audit.record(Actor(user=None, kind="user", label=f"{who}@example.org", via="page"), "user.sign_in", None)
    for _guess in range(3):
        audit.record(SYSTEM, "user.sign_in_failed", "root@example.org")
    found = section("sign-ins")
    assert figures(found) == {"Sign-ins": "3", "People": "2", "Refused": "3"}
    assert cells(found) == [["root@example.org", "3"]]


def test_mailboxes_that_fill_are_named(cast: Cast) -> None:
    Mailbox.objects.filter(user=cast.user).update(fill_permille=1000)
    Mailbox.objects.filter(user=cast.stranger).update(fill_permille=930)
    found = section("mailboxes")
    assert cells(found) == [["user@example.org", "100 %"], ["stranger@example.net", "93 %"]]
    assert [notice.text for notice in found.notices] == ["1 mailbox is full."]


# --- disk ----------------------------------------------------------------------------------------------------------


def test_a_straight_line_goes_on_as_it_went() -> None:
    first = date(2026, 1, 1)
    samples = [(first + timedelta(days=day), 100 + 10 * day) for day in (0, 1, 3, 7)]
    trend = disks.trend_of(samples, 370)
    assert trend is not None and round(trend.bytes_a_day) == 10 and round(trend.days_left or 0) == 20
    assert disks.trend_of(samples[:2], 370) is None
    shrinking = disks.trend_of([(first + timedelta(days=day), 100 - day) for day in range(5)], 370)
    assert shrinking is not None and shrinking.days_left is None


def test_a_disk_that_is_full_soon_wants_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = kit_disks.Disk("/srv", used_bytes=900 << 30, free_bytes=100 << 30, holds=("Stores",))
    monkeypatch.setattr(kit_disks, "look", lambda: [disk])
    today = timezone.now().astimezone(UTC).date()
    for back in range(1, 30):
        used = disk.used_bytes - back * (10 << 30)
        values = {"used_bytes": used, "total_bytes": disk.total_bytes, "day": today - timedelta(days=back)}
        DiskSample.objects.create(node=socket.gethostname(), place="/srv", **values)
    found = section("disk")
    assert [notice.text for notice in found.notices] == ["The disk at /srv is full in about 10 days."]
    (forecast,) = [block for block in found.blocks if isinstance(block, blocks.Forecast)]
    assert "10.0 GiB a day" in forecast.summary and forecast.ceiling == 1000 << 30


def test_the_clock_notes_a_day_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert disks.note() == disks.note() == DiskSample.objects.count() >= 1
    DiskSample.objects.update(day=timezone.now().date() - timedelta(days=500))
    disks.note()
    assert DiskSample.objects.filter(day__lt=timezone.now().date() - timedelta(days=400)).count() == 0


def test_who_only_holds_the_right_on_the_server_sees_the_whole_report(cast: Cast) -> None:
    reader = factories.make_user("reader@delegates.example")
    Grant.objects.create(user=reader, rights=["view_reports"], level="server", object_id=0, object_label="Server")
    names = {each.name for each in report(Actor.for_user(reader)).sections}
    assert {"archived", "stores", "jobs", "server", "domain-health"} <= names
