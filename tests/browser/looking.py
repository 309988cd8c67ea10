"""What is asked of a page in whatever browser test: does axe find something, is it wider than the window.

Not for what a page says or does: that is each test's own.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Only the violations leave the page: carrying every rule that passed through the driver costs more than finding them.
RUN = """async only => {
  const options = {preload: false, resultTypes: ["violations"]};
  if (only) options.runOnly = {type: "rule", values: only};
  return (await axe.run(document, options)).violations;
}"""
COLOURS = ("color-contrast", "link-in-text-block")


def violations(page: Page, *, only: tuple[str, ...] | None = None) -> list[str]:
    """What axe finds wrong in the page, a text each: address, rule, element and what to do.

    `only`: these rules alone, for a page that was already looked at in another theme.
    """
    page.evaluate(AXE_SCRIPT)
    rules: list[dict[str, Any]] = page.evaluate(RUN, list(only) if only else None)
    nodes = [(rule["id"], node) for rule in rules for node in rule["nodes"]]
    return [f"{page.url} {rule}: {node['html'][:160]} {node['failureSummary']}" for rule, node in nodes]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
