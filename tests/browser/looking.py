"""What is asked of a page in whatever browser test: does axe find something, is it wider than the window.

Not for what a page says or does: that is each test's own.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Only the violations leave the page: carrying every rule that passed through the driver costs more than finding them.
RUN = "async () => (await axe.run(document, {preload: false, resultTypes: ['violations']})).violations"


def violations(page: Page) -> list[str]:
    """What axe finds wrong in the page, a text each: address, rule, element and what to do."""
    page.evaluate(AXE_SCRIPT)
    rules: list[dict[str, Any]] = page.evaluate(RUN)
    nodes = [(rule["id"], node) for rule in rules for node in rule["nodes"]]
    return [f"{page.url} {rule}: {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
