"""The status report in a real browser: the page with its frame, and the mail itself on light and dark, wide and narrow.

With PAGE_SHOTS set, each look leaves a picture there.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone, translation
from playwright.sync_api import Browser, Page, expect

from accounts.actors import Actor
from archive import engines
from jobs import alerts
from jobs.models import DiskSample, Job, JobRun
from jobs.reports.rendering import Context, as_page
from jobs.reports.sending import read_period, report_for
from tests import factories
from tests.archive.django.factories import archive, make_mails
from tests.browser.conftest import DESKTOP, PHONE, PageFor
from tests.domains.factories import make_domain, make_mailbox_in

LOOKS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]


def fill() -> None:
    """A house in which something was archived, failed and filled up."""
    mailbox = make_mailbox_in(make_domain("a-rather-long-name-of-a-harbour.example.org"), "keeper")
    archive(mailbox, make_mails(12))
    job = Job.objects.create(name="Weekly compaction", command="CompactStore", schedule={"time": "02:30"})
    why = "the disk is full: 12 MiB are left at /srv/stores/of/the/harbour, 3 GiB are needed"
    JobRun.objects.create(job=job, state="failed", error=why, ended_at=timezone.now())
    alerts.post_alert(Actor.system(), "The certificate of mx.harbour.example expires in nine days.", source="x")
    for back in range(1, 20):
        day = timezone.now().date() - timedelta(days=back)
        DiskSample.objects.create(
            node="x", place="/", day=day, used_bytes=(900 - 9 * back) << 30, total_bytes=1_000 << 30
        )


def look(page: Page, name: str, theme: str) -> None:
    """axe finds nothing here but that a mail has no landmarks, and nothing is wider than the window."""
    options = {
        "preload": False,
        "rules": {rule: {"enabled": False} for rule in ("region", "landmark-one-main")},
    }  # a mail
    found = Axe().run(page, options=options).response["violations"]
    nodes = [(rule["id"], node) for rule in found for node in rule["nodes"]]
    assert [f"{rule}: {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    if shots := os.environ.get("PAGE_SHOTS"):
        width = "phone" if page.viewport_size == {"width": PHONE[0], "height": PHONE[1]} else "desktop"
        page.screenshot(path=Path(shots) / f"report-{name}-{width}-{theme}.png", full_page=True)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_mail_can_be_read_everywhere(chromium: Browser, language: str) -> None:
    fill()
    with translation.override(language):
        made = report_for(Actor.system(), read_period("thisweek", "UTC"))
        html = as_page(made, Context("Ada sends you this report."))
    page = chromium.new_page()
    try:
        page.set_content(html)
        for size, theme in LOOKS:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            loaded = page.evaluate("[...document.images].map((image) => image.complete && image.naturalWidth > 0)")
            assert loaded and all(loaded)
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == ("rgb(19, 22, 27)" if theme == "dark" else "rgb(243, 245, 248)")
            look(page, f"mail-{language}", theme)
    finally:
        page.close()
        engines.close_all()


def test_the_page_shows_the_mail_whole_and_switches_its_period(page_as: PageFor) -> None:
    fill()
    page = page_as(factories.make_administrator("ada@example.org"), size=PHONE, theme="dark")
    page.goto(reverse("jobs:report"))
    frame = page.frame_locator("iframe[data-fit]")
    expect(frame.get_by_role("heading", name="Status report")).to_be_visible()
    page.get_by_role("navigation", name="Period").get_by_role("link", name="This month").click()
    expect(page).to_have_url(f"{page.url.split('?')[0]}?timespan=thismonth")
    expect(frame.get_by_text("Weekly compaction").first).to_be_visible()
    page.wait_for_function(
        "() => { const frame = document.querySelector('iframe[data-fit]'); const inner = frame.contentDocument;"
        " return inner && inner.body && frame.clientHeight >= inner.documentElement.scrollHeight - 4 }"
    )
    look(page, "page", "dark")
    frame.get_by_role("link", name="Weekly compaction").click()
    expect(page).to_have_url(f"{page.url.split('/jobs/')[0]}/jobs/{Job.objects.get().pk}/")
    engines.close_all()
